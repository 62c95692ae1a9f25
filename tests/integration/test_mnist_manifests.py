"""The tutorial's own manifests: eight jobs, three layers deep, as they are."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.integration.scene import BATCH_JOB, QUEUE, Scene, most_at_a_time
from tests.support.kubelet import running, succeeded
from tests.support.polling import eventually
from tests.support.sources import REPOSITORY

MANIFESTS = REPOSITORY / "examples/mnist/manifests"
TRAIN = ("train-shallow-net", "train-le-net")
FGM = ("fgm-shallow-net", "fgm-le-net")
INFER = tuple(f"infer-{model}-on-{fgm}" for model in ("shallow-net", "le-net") for fgm in FGM)
JOBS = TRAIN + FGM + INFER
MODEL_VERSIONS = {"train-shallow-net": "3", "train-le-net": "7"}

pytestmark = pytest.mark.usefixtures("operator")


def documents() -> list[dict[str, Any]]:
    files = sorted(MANIFESTS.glob("*.yaml"))
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


def apply_in_order(scene: Scene) -> None:
    scene.kubectl("apply", "-f", str(MANIFESTS))


def apply_in_reverse(scene: Scene) -> None:
    for document in reversed(documents()):
        scene.apply(document)


def let_trainings_register_models(scene: Scene) -> None:
    for name, version in MODEL_VERSIONS.items():
        scene.let(name, [running(), succeeded({"model_version": version})])


@pytest.mark.parametrize("apply", [apply_in_order, apply_in_reverse])
def test_all_jobs_finish_with_what_earlier_ones_gave_them(
    empty_scene: Scene, apply: Callable[[Scene], None]
) -> None:
    scene = empty_scene
    let_trainings_register_models(scene)
    since = scene.version(BATCH_JOB)

    apply(scene)

    scene.until_states(dict.fromkeys(JOBS, "Finished"))
    status = {name: scene.status(name) for name in JOBS}
    run_of = {name: status[name]["mlflowRunId"] for name in JOBS}
    for name in JOBS:
        run = scene.run(name)
        assert (run.info.run_id, run.info.run_name) == (run_of[name], name)
        assert run.info.status == "FINISHED"
    for name in INFER:
        model, fgm = name.removeprefix("infer-").split("-on-")
        wanted = {
            "run_id": run_of[fgm],
            "model_name": f"mnist_{model.replace('-', '_')}",
            "model_version": MODEL_VERSIONS[f"train-{model}"],
        }
        annotations = scene.pods(name)[0]["metadata"]["annotations"]
        assert json.loads(annotations["alidade.dev/parameters"]) == wanted
        assert annotations["alidade.dev/mlflow-run-id"] == run_of[name]
        assert status[name]["parameters"] == [{"name": n, "value": v} for n, v in wanted.items()]
        assert {(d["name"], d["state"], d["met"]) for d in status[name]["dependencies"]} == {
            (fgm, "Finished", True),
            (f"train-{model}", "Finished", True),
        }
    # What may run at once is created running, and what waits suspended, to be released by one patch
    # of its spec: nothing is made anew.
    versions = scene.history(BATCH_JOB, since)
    assert len({j["metadata"]["uid"] for j in versions}) == len(JOBS)
    suspended: dict[str, dict[int, bool]] = {name: {} for name in JOBS}
    for version in versions:
        generation = version["metadata"]["generation"]
        suspended[version["metadata"]["name"]][generation] = version["spec"]["suspend"]
    released = {1: True, 2: False}
    for name in JOBS:
        assert suspended[name] in ((released, {1: False}) if name in TRAIN else (released,))
    # A job may be over before the next is let run: that all places are used is for test_queues.py.
    assert most_at_a_time(versions) <= 2


def test_what_waits_can_be_seen_with_kubectl(empty_scene: Scene) -> None:
    scene = empty_scene
    for name in TRAIN:
        scene.let(name, [running()])
    apply_in_order(scene)
    scene.until_states(dict.fromkeys(TRAIN, "Started") | dict.fromkeys(FGM + INFER, "Waiting"))

    wanted = dict.fromkeys(TRAIN, "Running") | dict.fromkeys(FGM + INFER, "Suspended")
    # The status is written before what follows from it is done.
    eventually(lambda: {row[0]: row[1] for row in rows(scene.kubectl("get", "jobs"))} == wanted)
    header, *lines = scene.kubectl("get", "jobs.alidade.dev", "-o", "wide").splitlines()
    assert header.split("   ")[0] == "NAME"
    columns = ["STATE", "EXPERIMENT", "ENTRY POINT", "QUEUE", "MLFLOW RUN", "REASON", "AGE"]
    assert [header.find(column) for column in columns] == sorted(map(header.find, columns))
    shown = {line.split()[0]: line for line in lines}
    run = scene.status("train-le-net")["mlflowRunId"]
    for word in ("Started", "mnist", "train", "tensorflow-cpu", run, "Running"):
        assert f" {word} " in shown["train-le-net"]
    assert "DependencyPending" in shown[INFER[0]]
    waits = "waits for fgm-shallow-net (Waiting) to be Complete"
    assert waits in shown["infer-shallow-net-on-fgm-shallow-net"]
    eventually(lambda: scene.status("tensorflow-cpu", QUEUE).get("running") == 2)
    queue = scene.kubectl("get", "aq", "tensorflow-cpu", "--no-headers").split()
    assert queue[:4] == ["tensorflow-cpu", "2", "2", "0"]


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines()[1:]]
