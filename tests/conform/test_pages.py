"""Pages of lists: what their versions say, and how one ends that takes too long."""

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from alidade_operator.kube.gateway import JOBS, QUEUES, ExpiredError, Page
from tests.conform.comparison import connected
from tests.conform.sides import PAGE, Calm, Real
from tests.support.control_plane import ControlPlane
from tests.support.manifests import job, queue
from tests.support.polling import eventually
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.gateway import FORGOTTEN, UnreliableGateway
from tests.support.sources import REPOSITORY

NAMES = [f"a{number}" for number in range(PAGE + 1)]


class Forgetful(Calm):
    """The server knows no more what a list goes on from, and all else goes well."""

    def mishap(self, share: float = 1.0) -> bool:
        return share == FORGOTTEN


def test_a_list_that_cannot_go_on_ends_with_the_same_error(tmp_path: Path) -> None:
    simulated = asyncio.run(_simulated())
    real = asyncio.run(_real(tmp_path))

    assert (real.code, real.status["reason"]) == (simulated.code, simulated.status["reason"])


@pytest.mark.parametrize("selector", [None, "there-is=none"])
def test_however_small_a_page_is_its_version_is_that_of_the_store(
    bare_plane: ControlPlane, selector: str | None
) -> None:
    bare_plane.apply(*map(job, NAMES))
    bare_plane.apply(queue("later"))

    async def newest() -> tuple[Page, int]:
        async with connected(bare_plane.kubeconfig) as api:
            gateway = Real(api).gateway
            last = await gateway.get(QUEUES, "default", "later")
            page = await anext(gateway.list_pages(JOBS, None, selector, size=1))
            return page, int(last["metadata"]["resourceVersion"])

    page, last = asyncio.run(newest())
    assert len(page.items) == (0 if selector else 1)
    assert int(page.version) >= last


async def _simulated() -> ExpiredError:
    server = ApiServer()
    for name in NAMES:
        server.create(JOBS, job(name))
    gateway = UnreliableGateway(server, Forgetful(), lambda: None)
    try:
        async for _ in gateway.list_pages(JOBS, None):
            pass
    except ExpiredError as error:
        return error
    raise AssertionError("the list came to its end")


async def _real(folder: Path) -> ExpiredError:
    plane = ControlPlane(
        folder,
        REPOSITORY / "crds",
        controllers=(),
        # Newer servers remember the lists that they have begun for longer than etcd does.
        options=(
            "--etcd-compaction-interval=1s",
            "--feature-gates=ListFromCacheSnapshot=false",
        ),
    )
    with plane:
        plane.apply(*map(job, NAMES))
        async with connected(plane.kubeconfig) as api:
            try:
                async for page in Real(api).gateway.list_pages(JOBS, None):
                    eventually(partial(_forgotten, plane, page.version))
            except ExpiredError as error:
                return error
    raise AssertionError("the list came to its end")


def _forgotten(plane: ControlPlane, version: str) -> bool:
    # A version is forgotten once there are later ones.
    plane.apply({**queue(), "metadata": {"name": "q", "labels": {"at": str(time.monotonic_ns())}}})
    exactly = f"limit=1&resourceVersionMatch=Exact&resourceVersion={version}"
    path = f"/apis/alidade.dev/v1alpha1/jobs?{exactly}"
    return "too old" in plane.kubectl("get", "--raw", path, check=False)
