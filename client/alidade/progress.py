"""How jobs fare, shown while they are waited for: in a terminal, in a notebook, in a log."""

import sys
from collections.abc import Sequence
from html import escape
from importlib import import_module
from types import TracebackType
from typing import Any, Final, Protocol, Self, TextIO

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState

STYLES: Final = {
    JobState.WAITING: "dim",
    JobState.QUEUED: "yellow",
    JobState.STARTED: "cyan",
    JobState.FINISHED: "green",
    JobState.FAILED: "bold red",
    JobState.SKIPPED: "magenta",
    JobState.CANCELLED: "dim strike",
}
"""How a state looks."""

_COLORS: Final = {
    JobState.WAITING: "gray",
    JobState.QUEUED: "darkorange",
    JobState.STARTED: "dodgerblue",
    JobState.FINISHED: "green",
    JobState.FAILED: "crimson",
    JobState.SKIPPED: "purple",
    JobState.CANCELLED: "gray",
}
"""The same as colours of CSS."""
_LEFT: Final = "text-align:left"


class Progress(Protocol):
    """What shows jobs as they are, each time something has changed."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None: ...

    def show(self, jobs: Sequence[Job]) -> None:
        """Show the jobs as they are now."""


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, jobs: Sequence[Job]) -> None:
        """Show nothing."""


class Lines(Quiet):
    """A line for each job that is in another state than before, or is so for another reason.

    Args:
        to: Where they go.
    """

    def __init__(self, to: TextIO | None = None) -> None:
        self._to = to or sys.stderr
        self._said: dict[str, str] = {}

    def show(self, jobs: Sequence[Job]) -> None:
        """Write what is news."""
        for job in jobs:
            name, line = job.metadata.name, line_of(job)
            if self._said.get(name) != line:
                self._said[name] = line
                self._to.write(f"{name}: {line}\n")
                self._to.flush()


class Table(Quiet):
    """A table in a terminal, which is drawn anew in its place."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 (imported where something is shown)
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(console=Console(stderr=True), auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, jobs: Sequence[Job]) -> None:
        """Draw the table."""
        self._live.update(table_of(jobs), refresh=True)


class Cell(Quiet):
    """A table in a notebook's cell."""

    def __init__(self) -> None:
        # A notebook brings it; nobody else needs it.
        shows = import_module("IPython.display").display
        self._handle: Any = shows(_Html(()), display_id=True)

    def show(self, jobs: Sequence[Job]) -> None:
        """Draw the table."""
        self._handle.update(_Html(jobs))


class _Html:
    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = tuple(jobs)

    def _repr_html_(self) -> str:
        rows = "".join(map(_row, self._jobs))
        heads = "".join(f"<th style='{_LEFT}'>{name}</th>" for name in ("job", "state", "why"))
        return f"<table><tr>{heads}</tr>{rows}</table>"


def _row(job: Job) -> str:
    state = job.status.state
    color = f"; color:{_COLORS[state]}; font-weight:bold" if state else ""
    return (
        f"<tr><td style='{_LEFT}'>{escape(job.metadata.name)}</td>"
        f"<td style='{_LEFT}{color}'>{escape(state or 'Unseen')}</td>"
        f"<td style='{_LEFT}'>{escape(_why(job))}</td></tr>"
    )


def shown() -> Progress:
    """Return what suits the place: a table in a notebook or a terminal, else plain lines."""
    if _in_notebook():
        return Cell()
    return Table() if sys.stderr.isatty() else Lines()


def line_of(job: Job) -> str:
    """Return a job's state, and why it is so, in a line."""
    return " ".join(filter(None, (job.status.state or "Unseen", _why(job))))


def _why(job: Job) -> str:
    status = job.status
    return ": ".join(filter(None, (status.reason, (status.message or "").partition("\n")[0])))


def table_of(jobs: Sequence[Job]) -> Any:
    """Return a table of rich's."""
    from rich.table import Table as RichTable  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = RichTable(box=None, pad_edge=False)
    for column in ("JOB", "STATE", "WHY"):
        table.add_column(column, overflow="ellipsis", no_wrap=column != "WHY")
    for job in jobs:
        state = job.status.state
        table.add_row(
            Text(job.metadata.name),
            Text(state or "Unseen", STYLES.get(state, "") if state else "dim"),
            Text(_why(job)),
        )
    return table


def _in_notebook() -> bool:
    """Whether a kernel of Jupyter runs this: only its cells can be drawn anew."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return type(shell).__name__ == "ZMQInteractiveShell"
