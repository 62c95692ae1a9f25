"""Memory of this container: how much it may take, and how many processes were killed for it.

Kubernetes tells of the container's first process only; a data loader's death is nobody's news.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
# Both count the kills of the container's own limit: cgroup v2, and v1 (kernel 4.13 and newer).
_COUNTERS = (Path("memory.events"), Path("memory/memory.oom_control"))
_LIMITS = (Path("memory.max"), Path("memory/memory.limit_in_bytes"))


def memory_limit(cgroups: Path = CGROUPS) -> int | None:
    """Return how many bytes this container may take, None where nobody has said."""
    limits = (text.strip() for text in _texts(cgroups, _LIMITS))
    return next((int(limit) for limit in limits if limit.isdecimal()), None)


def oom_kills(cgroups: Path = CGROUPS) -> int | None:
    """Return the kernel's count, None where it tells none."""
    for text in _texts(cgroups, _COUNTERS):
        for line in text.splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.isdecimal():
                return int(count)
    return None


def _texts(cgroups: Path, files: Iterable[Path]) -> Iterator[str]:
    """Yield what stands in those of the files that can be read."""
    for file in files:
        try:
            yield (cgroups / file).read_text(encoding="ascii")
        except (OSError, ValueError):
            continue
