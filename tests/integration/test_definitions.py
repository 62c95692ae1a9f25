"""CustomResourceDefinitions: what they are called, and that they may come late, or anew."""

import urllib.error
from pathlib import Path

import pytest

from tests.integration.scene import Scene
from tests.support.control_plane import ControlPlane
from tests.support.manifests import experiment, job, queue
from tests.support.operator import Operator
from tests.support.polling import eventually
from tests.support.sources import REPOSITORY
from tests.support.tracking import TrackingServer

DEFINITIONS = REPOSITORY / "crds"


def what_is_missing(operator: Operator) -> str:
    try:
        return operator.read("/readyz")
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError as error:
        return str(error)


@pytest.fixture
def bare(tmp_path: Path) -> ControlPlane:
    """A cluster without our definitions."""
    return ControlPlane(tmp_path / "bare")


def test_it_says_what_is_missing_and_takes_it_up_when_it_comes_and_when_it_comes_anew(
    bare: ControlPlane, tmp_path: Path, tracking: TrackingServer
) -> None:
    missing = "there is no kind experiments.alidade.dev on this cluster (yet)"

    def state(name: str) -> str:
        return bare.kubectl("get", f"jobs.alidade.dev/{name}", "-o=jsonpath={.status.state}")

    with bare:
        log = tmp_path / "operator.log"
        operator = Operator(log, bare.kubeconfig, tracking.uri, signing_key="k")
        operator.start()
        try:
            eventually(lambda: missing in what_is_missing(operator))

            bare.kubectl("create", "-f", str(DEFINITIONS))
            operator.wait_until_ready()
            bare.apply(queue(), experiment(tracking="None"), job("a"))
            eventually(lambda: state("a") == "Queued")

            bare.kubectl("delete", "-f", str(DEFINITIONS))
            eventually(lambda: "there is no kind" in what_is_missing(operator))
            bare.kubectl("create", "-f", str(DEFINITIONS))
            operator.wait_until_ready()
            bare.apply(queue(), experiment(tracking="None"), job("b"))
            eventually(lambda: state("b") == "Queued")
            assert operator.runs
        finally:
            operator.kill()


def test_the_kinds_are_found_by_their_short_names_and_by_their_category(empty_scene: Scene) -> None:
    empty_scene.apply(job("a"), queue("q"), experiment("e"))

    for short, name in (("ajob", "a"), ("aq", "q"), ("aexp", "e")):
        assert name in empty_scene.kubectl("get", short)
    found = empty_scene.kubectl("get", "alidade", "-o", "name").split()
    assert found == ["experiment.alidade.dev/e", "job.alidade.dev/a", "queue.alidade.dev/q"]
