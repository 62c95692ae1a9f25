"""What goes wrong with a source or a dataset, as one sentence with an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

from alidade_worker.errors import SourceUnavailableError, WorkflowError
from alidade_worker.source.bound import bounded
from alidade_worker.source.limits import MEBIBYTE
from alidade_worker.source.problems import AwayError, RefusedError


@contextmanager
def telling(what: str, memory: int) -> Iterator[None]:
    """Have what goes wrong in the block told as a sentence about this, want of memory included.

    Args:
        what: What is fetched and unpacked there.
        memory: How much that may take, in bytes.

    Raises:
        WorkflowError: it cannot be used.
        SourceUnavailableError: it cannot be reached.
    """
    try:
        with bounded(memory):
            yield
    except RefusedError as error:
        raise WorkflowError(f"{what} cannot be used: {error}.") from error
    except AwayError as error:
        raise SourceUnavailableError(f"{what} cannot be reached: {error}.") from error
    except OSError as error:
        raise WorkflowError(f"{what} cannot be put into this pod: {error}.") from error
    except MemoryError as error:
        raise WorkflowError(
            f"{what} cannot be used: it takes more than {memory // MEBIBYTE:,} MiB of memory to "
            "unpack, as a bomb does; if it is none, the job needs a higher memory limit."
        ) from error
