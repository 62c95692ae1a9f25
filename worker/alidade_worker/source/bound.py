"""A bound on the memory that fetching and unpacking may take.

What is read can ask for any amount before a byte of it is counted: an xz for its dictionary, a zip
for its list of names, a commit for a blob of gigabytes, a server by an answer without end. The
kernel would end the pod for it, and nobody be told why. Below a bound of its own it is Python that
is refused the memory, and says so.
"""

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alidade_worker.memory import CGROUPS, memory_limit
from alidade_worker.source.limits import MEBIBYTE

MOST = 1024 * MEBIBYTE
"""The bound where the container's limit leaves more, in bytes."""
LEAST = 64 * MEBIBYTE
"""The bound where the limit leaves less: fetching anything takes some of it."""

_SHARE = 3 / 4
_STATM = Path("/proc/self/statm")
_RESIDENT, _DATA = 1, 5


def allowance(cgroups: Path = CGROUPS) -> int:
    """Return how many bytes more this process may take, so that its container is not killed."""
    limit = memory_limit(cgroups)
    if limit is None:
        return MOST
    return min(MOST, max(LEAST, int((limit - _pages(_RESIDENT)) * _SHARE)))


@contextmanager
def bounded(memory: int) -> Iterator[None]:
    """Let this process take no more than so many bytes more, and no child of it either.

    Raises:
        MemoryError: Something in the block wanted more, whatever was made of that on the way out.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _pages(_DATA) + memory
    tightest = min(each for each in (wanted, soft, hard) if each != resource.RLIM_INFINITY)
    # Of what is mapped, code and files included, this counts what takes memory.
    resource.setrlimit(resource.RLIMIT_DATA, (tightest, hard))
    try:
        yield
    except Exception as error:
        if any(map(_is_of_memory, _chain(error))):
            raise MemoryError from error
        raise
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Return an error, and those that it comes of: libraries raise others as they clean up."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno == errno.ENOMEM
    )


def _pages(field: int) -> int:
    return int(_STATM.read_text("ascii").split()[field]) * resource.getpagesize()
