"""How many sequences are compared, and what they are compared on."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.conform.comparison import SHORT, Recording, connected, record
from tests.conform.controllers.play import NODE
from tests.support.control_plane import ControlPlane, node
from tests.support.sources import REPOSITORY


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sequences", type=int, default=SHORT, help="how many sequences are compared")
    parser.addoption("--first-seed", type=int, default=0, help="the seed of the first of them")


@pytest.fixture(scope="session")
def seeds(pytestconfig: pytest.Config) -> range:
    first = pytestconfig.getoption("first_seed")
    return range(first, first + pytestconfig.getoption("sequences"))


@pytest.fixture(scope="session")
def bare_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server alone: nobody acts on what is there but those who ask it."""
    folder = tmp_path_factory.mktemp("bare-plane")
    # By which pods get a volume, and cannot be made where nobody makes accounts.
    options = ("--disable-admission-plugins=ServiceAccount",)
    with ControlPlane(folder, REPOSITORY / "crds", controllers=(), options=options) as plane:
        yield plane


@pytest.fixture(scope="session")
def controlled_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server with the controllers that are compared, and nobody who runs pods."""
    plane = ControlPlane(
        tmp_path_factory.mktemp("controlled-plane"),
        REPOSITORY / "crds",
        controllers=("kube-controller-manager",),
        options=("--disable-admission-plugins=ServiceAccount",),
        controller_options=(
            "--controllers=job-controller,garbage-collector-controller,serviceaccount-controller",
            "--concurrent-job-syncs=20",
            "--kube-api-qps=2000",
            "--kube-api-burst=2000",
        ),
    )
    with plane:
        plane.apply(node(NODE, "cpu"))
        yield plane


@pytest.fixture(scope="session")
def recordings(bare_plane: ControlPlane) -> list[Recording]:
    """The sequences of the first seeds as a real API server answered them."""

    async def collect() -> list[Recording]:
        async with connected(bare_plane.kubeconfig) as api:
            return [one async for some in record(api, range(SHORT)) for one in some]

    return asyncio.run(collect())
