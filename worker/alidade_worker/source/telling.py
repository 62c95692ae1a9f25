"""What goes wrong with a source or a dataset, as one sentence with an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

from alidade_worker.errors import SourceUnavailableError, WorkflowError
from alidade_worker.source.problems import AwayError, RefusedError


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Have what goes wrong in the block told as a sentence about this.

    Raises:
        WorkflowError: it cannot be used.
        SourceUnavailableError: it cannot be reached.
    """
    try:
        yield
    except RefusedError as error:
        raise WorkflowError(f"{what} cannot be used: {error}.") from error
    except AwayError as error:
        raise SourceUnavailableError(f"{what} cannot be reached: {error}.") from error
    except OSError as error:
        raise WorkflowError(f"{what} cannot be put into this pod: {error}.") from error
