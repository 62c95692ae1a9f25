"""What `why` says of jobs whose cause is no pod of theirs: the root, in its own words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.bench import NewOperator
from tests.integration.policy import policy
from tests.integration.scene import Scene
from tests.support.command_line import CommandLine
from tests.support.control_plane import ControlPlane
from tests.support.door import Answer, Door
from tests.support.kubelet import running
from tests.support.manifests import IMAGE, experiment, job, queue
from tests.support.operator import Operator
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

LOGIN = Answer(401, b"<html><h1>401 of the door</h1></html>")


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator) -> Iterator[Operator]:
    """An operator whom MLflow turns away."""
    with Door() as door:
        door.turn_away(LOGIN)
        with new_operator(tracking_uri=door.uri) as operator:
            yield operator


@pytest.fixture
def untracked(empty_scene: Scene) -> Scene:
    empty_scene.apply(queue(maxRunning=1), experiment(tracking="None"))
    return empty_scene


@pytest.fixture
def why(
    empty_scene: Scene,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> CommandLine:
    monkeypatch.setenv("KUBECONFIG", str(empty_scene.kubeconfig(tmp_path)))
    return CommandLine(monkeypatch, capsys)


def chain(run: CommandLine, name: str) -> tuple[list[str], str]:
    """Return what each link of the chain is about, and all that is said."""
    code, said = run("why", name)
    assert code == 0
    links = [line.strip() for line in said.splitlines()]
    kinds = ("job ", "queue ", "experiment ")
    return [line.partition(" is ")[0] for line in links if line.startswith(kinds)], said


def test_a_policy_that_keeps_the_first_of_two_from_running_is_quoted(
    untracked: Scene, plane: ControlPlane, why: CommandLine
) -> None:
    others = "object.metadata.name == 'fgm'"
    with policy(untracked, plane, expression=others, message="no new jobs during maintenance"):
        untracked.apply(job("train"), job("fgm", "train"))
        untracked.until("train", "Waiting", "BackingJobRejected")
        untracked.until("fgm", "Waiting", "DependencyPending")
        about, said = chain(why, "fgm")
    assert about == ["job fgm", "job train"]
    assert "job train is Waiting: BackingJobRejected" in said
    assert "denied request: no new jobs during maintenance" in said


def test_a_field_that_a_pod_does_not_have_is_named_for_those_that_were_skipped(
    untracked: Scene, why: CommandLine
) -> None:
    typo = {"name": "worker", "resource": {"limits": {"memory": "32Mi"}}}
    untracked.apply(
        job("train", podTemplate={"spec": {"containers": [typo]}}),
        job("fgm", "train"),
        job("infer", "fgm"),
    )
    untracked.until("infer", "Skipped")
    about, said = chain(why, "infer")
    assert about == ["job infer", "job fgm", "job train"]
    assert "job train is Failed: BackingJobInvalid" in said
    assert 'unknown field "spec.template.spec.containers[0].resource"' in said


def test_a_name_that_got_no_prefix_is_told(untracked: Scene, why: CommandLine) -> None:
    untracked.apply(job("dev-fgm", "train"), job("dev-infer", "dev-fgm"))
    untracked.until("dev-fgm", "Waiting", "DependencyNotFound")
    untracked.until("dev-infer", "Waiting")
    about, said = chain(why, "dev-infer")
    assert about == ["job dev-infer", "job dev-fgm", "job train: NotFound"]
    assert "there is no such job in the namespace" in said
    untracked.apply(job("elsewhere", experiment="sweep"))
    untracked.until("elsewhere", "Waiting", "ExperimentNotFound")
    assert "no experiment 'sweep' in this namespace" in chain(why, "elsewhere")[1]


def test_who_has_the_only_place_and_fits_nowhere_is_told(
    untracked: Scene, why: CommandLine
) -> None:
    vast = {"name": "worker", "resources": {"requests": {"memory": "9000Gi"}}}
    untracked.apply(job("vast", podTemplate={"spec": {"containers": [vast]}}))
    untracked.until("vast", "Queued", "Unschedulable")
    untracked.apply(job("small"))
    untracked.until("small", "Queued", "QueueFull")
    about, said = chain(why, "small")
    assert about[0] == "job small"
    assert about[-1] == "job vast"
    assert "its places have 'vast'" in said
    assert "Insufficient memory" in said


def test_an_mlflow_that_turns_the_operator_away_is_quoted(
    empty_scene: Scene, why: CommandLine
) -> None:
    empty_scene.let("train", [running()])
    empty_scene.apply(queue(), experiment(workflow={"image": IMAGE}), job("train"))
    said = eventually(lambda: _told(why, "401"))
    assert "401 of the door" in said


def _told(run: CommandLine, words: str) -> str:
    _, said = chain(run, "train")
    assert words in said, said
    return said
