"""Memory of this container: how much it may take, and how many processes were killed for it.

Kubernetes tells of the container's first process only; a data loader's death is nobody's news.
"""

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
# Both count the kills of the container's own limit: cgroup v2, and v1 (kernel 4.13 and newer).
_COUNTERS = (Path("memory.events"), Path("memory/memory.oom_control"))
_LIMITS = (Path("memory.max"), Path("memory/memory.limit_in_bytes"))


def memory_limit(cgroups: Path = CGROUPS) -> int | None:
    """Return how many bytes this container may take, None where nobody has said."""
    for limit in _LIMITS:
        try:
            text = (cgroups / limit).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        if text.isdecimal():
            return int(text)
    return None


def oom_kills(cgroups: Path = CGROUPS) -> int | None:
    """Return the kernel's count, None where it tells none."""
    for counter in _COUNTERS:
        try:
            lines = (cgroups / counter).read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.isdecimal():
                return int(count)
    return None
