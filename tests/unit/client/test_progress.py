"""How jobs are shown while they are waited for."""

import io
import sys
import types
from typing import Any

import pytest

from alidade import progress
from alidade.progress import Cell, Lines, Table, line_of, shown
from alidade_core.api.job_status import JobState
from tests.support.builders import job, job_in

FAILED = job_in(JobState.FAILED, reason="Error", message="ValueError: <eps>\nmore")


def test_a_line_has_the_state_and_the_first_line_of_why() -> None:
    assert line_of(FAILED) == "Failed Error: ValueError: <eps>"
    assert line_of(job()) == "Unseen"


def test_only_what_is_news_is_written() -> None:
    written = io.StringIO()
    with Lines(written) as lines:
        lines.show([job(), job("other")])
        lines.show([job(), job("other")])
        lines.show([FAILED, job("other")])
    assert written.getvalue().splitlines() == [
        "train: Unseen",
        "other: Unseen",
        "train: Failed Error: ValueError: <eps>",
    ]


def test_lines_are_for_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(shown(), Lines)
    monkeypatch.setattr(sys, "stderr", _Terminal())
    assert isinstance(shown(), Table)


def test_in_a_notebook_a_cell_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    class Handle:
        def update(self, shown: Any) -> None:
            drawn.append(shown._repr_html_())

    kernel = type("ZMQInteractiveShell", (), {})()
    module: Any = types.ModuleType("IPython")
    module.get_ipython = lambda: kernel
    display: Any = types.ModuleType("IPython.display")
    display.display = lambda what, display_id: Handle()
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    cell = shown()
    assert isinstance(cell, Cell)
    cell.show([FAILED, job("other")])
    assert "color:crimson; font-weight:bold'>Failed</td>" in drawn[0]
    assert "Error: ValueError: &lt;eps&gt;" in drawn[0]
    assert "text-align:left'>Unseen</td>" in drawn[0]


def test_each_state_has_a_look_of_its_own_in_a_terminal_and_in_a_notebook() -> None:
    assert progress.STYLES.keys() == progress._COLORS.keys() == set(JobState)


def test_a_table_has_a_row_a_job() -> None:
    table = progress.table_of([FAILED, job("other")])
    assert table.row_count == 2


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
