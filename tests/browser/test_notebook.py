"""`make notebook`, and what a person sees who opens the address that it prints."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

import nbformat
import pytest

from tests.browser.lab import Body, Lab, chromium
from tests.support.cluster import STATE, namespace
from tests.support.notebook import SHORT, Executed
from tests.support.process import free_port
from tests.support.sources import REPOSITORY

NAMESPACE = "browser-notebook"
KEPT = STATE / "notebook-in-browser"
"""Where the pictures of the screen are kept for people."""


class Seen(NamedTuple):
    """The notebook after all its cells were run in JupyterLab."""

    notebook: Executed
    images: list[Body]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    given = {**os.environ, **SHORT, "NAMESPACE": NAMESPACE, "PORT": str(free_port())}
    with (
        namespace(NAMESPACE),
        subprocess.Popen(
            # What is started in the background may have been told to ignore it.
            ["env", "--default-signal=INT", "hack/notebook"],
            cwd=REPOSITORY,
            env=given,
            stdout=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.send_signal(signal.SIGINT)
        assert running.wait() == 0


@pytest.fixture(scope="module")
def seen(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    browser = chromium(tmp_path_factory.mktemp("chromium"))
    try:
        lab = Lab(browser, address)
        lab.run_all()
        yield Seen(Executed(nbformat.from_dict(lab.saved())), lab.look_through(KEPT))
    finally:
        browser.quit()


def test_all_cells_run_without_an_error(seen: Seen) -> None:
    assert seen.notebook.errors() == []


def test_the_pictures_are_on_the_screen(seen: Seen) -> None:
    for words in ("show_digits()", "show_matrix()", "show_answers()"):
        assert any(words in each["cell"] and each["width"] > 300 for each in seen.images), words


def test_the_progress_of_the_jobs_was_shown(seen: Seen) -> None:
    (table,) = seen.notebook.shown("wait_all", "text/html")
    assert table.count("Finished") == 8
