"""How many processes of this container the kernel has killed for want of memory.

Kubernetes tells of the container's first process only; a data loader's death is nobody's news.
"""

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
# Both count the kills of the container's own limit: cgroup v2, and v1 (kernel 4.13 and newer).
_COUNTERS = (Path("memory.events"), Path("memory/memory.oom_control"))


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
