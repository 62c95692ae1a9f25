"""The tutorials, as a reader follows them; parts that take long by `make tutorials` alone."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.support.cluster import KUBECONFIG, KUBECTL, namespace
from tests.support.docs import programs
from tests.support.docs.pages import RUN, Block, World, run_in
from tests.support.docs.session import Sessions

SessionsOf = Callable[[str], Sessions]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    at_length = metafunc.config.getoption("at_length")
    blocks = run_in(World.CLUSTER, *RUN, at_length=at_length)
    metafunc.parametrize("block", blocks, ids=lambda block: block.place)


@pytest.fixture(scope="module")
def sessions_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SessionsOf]:
    """Give each page a namespace of its own, of a name of which MLflow has no runs yet."""
    folder = tmp_path_factory.mktemp("docs")
    environment = programs.environment(folder / "venv", KUBECTL.parent)
    made: dict[str, Sessions] = {}
    with ExitStack() as stack:

        def sessions(page: str) -> Sessions:
            if page not in made:
                name = f"e2e-{Path(page).stem}-{uuid.uuid4().hex[:6]}"
                stack.enter_context(namespace(name))
                own = {**environment, "KUBECONFIG": str(_kubeconfig(folder, name))}
                page_sessions = Sessions(folder, own, programs.PRELUDE)
                made[page] = stack.enter_context(page_sessions)
            return made[page]

        yield sessions


def test_it_does_what_the_page_says(block: Block, sessions_of: SessionsOf) -> None:
    sessions_of(block.page).run(block)


def _kubeconfig(folder: Path, name: str) -> Path:
    """Write a kubeconfig whose namespace is the one given."""
    config = yaml.safe_load(KUBECONFIG.read_text())
    config["contexts"][0]["context"]["namespace"] = name
    path = folder / f"kubeconfig-{name}"
    path.write_text(yaml.safe_dump(config))
    return path
