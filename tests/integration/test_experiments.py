"""Experiments: registered in MLflow once, and a sum of what their jobs came to."""

import pytest

from tests.integration.conftest import NewScene
from tests.integration.scene import EXPERIMENT, JOB, Scene
from tests.support.kubelet import failed, running, succeeded
from tests.support.manifests import Body, experiment, job, queue
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")


def summary(scene: Scene) -> Body:
    counts: Body = scene.status("bench", EXPERIMENT).get("jobs", {})
    return {state: count for state, count in counts.items() if count}


def test_an_experiment_is_complete_when_all_its_jobs_have_finished(scene: Scene) -> None:
    scene.let("a", [running()])
    scene.apply(job("a"), job("b", "a"), job("held", suspend=True))
    eventually(lambda: summary(scene) == {"started": 1, "waiting": 1, "queued": 1})
    row = scene.kubectl("get", "aexp", "bench", "--no-headers").split()
    assert row[:1] + row[3:8] == ["bench", "1", "1", "1", "0", "0"]

    scene.let("a", [running(), succeeded()])
    scene.patch(JOB, "held", {"suspend": False})

    answer = scene.kubectl("wait", "--for=condition=Complete", "experiment/bench", "--timeout=60s")
    assert answer == "experiment.alidade.dev/bench condition met\n"
    assert summary(scene) == {"finished": 3}
    assert set(scene.states().values()) == {"Finished"}


def test_an_experiment_has_failed_when_all_has_ended_and_not_all_well(scene: Scene) -> None:
    scene.let("bad", [running(), failed(1)])
    scene.apply(job("bad"), job("b", "bad"), job("good"), job("off", suspend=True))
    scene.patch(JOB, "off", {"cancel": True})

    scene.kubectl("wait", "--for=condition=Failed", "experiment/bench", "--timeout=60s")

    assert summary(scene) == {"failed": 1, "skipped": 1, "finished": 1, "cancelled": 1}
    conditions = {c["type"]: c for c in scene.status("bench", EXPERIMENT)["conditions"]}
    assert conditions["Complete"]["status"] == "False"
    assert conditions["Failed"]["message"].startswith(
        "4 of 4 jobs have ended, 1 of them well; bad failed: exit code 1: "
    )


def test_what_has_failed_stays_so_when_its_job_expires_or_is_deleted(scene: Scene) -> None:
    for name in ("expires", "deleted"):
        scene.let(name, [running(), failed(1)])
    scene.apply(job("expires", ttlSecondsAfterFinished=0), job("deleted"), job("good"))
    scene.until_gone(JOB, "expires")
    scene.until("deleted", "Failed")
    scene.delete(JOB, "deleted")

    scene.kubectl("wait", "--for=condition=Failed", "experiment/bench", "--timeout=60s")

    def check() -> bool:
        setbacks = scene.status("bench", EXPERIMENT)["setbacks"]
        departures = {s["name"]: s.get("departure") for s in setbacks}
        assert departures == {"expires": "Expired", "deleted": "Deleted"}
        return True

    eventually(check)
    for name in ("expires", "deleted"):
        scene.let(name, [running(), succeeded()])
    scene.apply(job("expires"), job("deleted"))
    scene.kubectl("wait", "--for=condition=Complete", "experiment/bench", "--timeout=60s")
    assert not scene.status("bench", EXPERIMENT).get("setbacks")


def test_an_experiment_can_wait_for_as_many_jobs_as_there_are_to_be(scene: Scene) -> None:
    scene.apply(experiment(completions=2), job("a"))
    scene.until("a", "Finished")
    scene.kubectl("wait", "--for=condition=Complete=false", "experiment/bench", "--timeout=60s")

    scene.apply(job("b"))

    scene.kubectl("wait", "--for=condition=Complete", "experiment/bench", "--timeout=60s")


def test_a_job_added_later_opens_an_experiment_again(scene: Scene) -> None:
    scene.apply(job("a"))
    scene.kubectl("wait", "--for=condition=Complete", "experiment/bench", "--timeout=60s")

    scene.apply(job("b", suspend=True))
    scene.kubectl("wait", "--for=condition=Complete=false", "experiment/bench", "--timeout=60s")
    scene.delete(JOB, "b")

    scene.kubectl("wait", "--for=condition=Complete", "experiment/bench", "--timeout=60s")


def test_experiments_of_one_name_are_apart_and_each_run_says_whose_it_is(
    new_scene: NewScene,
) -> None:
    scenes = new_scene(), new_scene()
    for scene in scenes:
        scene.apply(queue(), experiment(), job("a", "b"), job("b"))

    ids = {scene.until_registered("bench")["mlflowExperimentId"] for scene in scenes}
    assert len(ids) == 2
    for scene in scenes:
        scene.until("a", "Finished")
        status, run = scene.status("bench", EXPERIMENT), scene.run("a")
        assert status["mlflowExperiment"] == f"{scene.namespace}/bench"
        assert run.info.experiment_id == status["mlflowExperimentId"]
        assert {
            name.removeprefix("alidade.dev/"): value
            for name, value in run.data.tags.items()
            if name.startswith("alidade.dev/")
        }.items() >= {
            "namespace": scene.namespace,
            "job": "a",
            "uid": scene.get(JOB, "a")["metadata"]["uid"],
            "experiment": "bench",
            "entry-point": "main",
            "queue": "cpu",
            "depends-on": "b",
        }.items()
        environment = scene.pods("a")[0]["metadata"]["annotations"]
        assert environment["alidade.dev/mlflow-experiment-id"] == run.info.experiment_id


def test_experiments_that_name_the_same_share_it_and_say_so(new_scene: NewScene) -> None:
    first, second = new_scene(), new_scene()
    name = f"shared by {first.namespace}"
    first.apply(experiment(mlflowExperiment=name))
    shared = first.until_registered("bench")["mlflowExperimentId"]
    second.apply(experiment(mlflowExperiment=name))

    status = second.until_registered("bench")

    assert (status["mlflowExperimentId"], status["mlflowExperiment"]) == (shared, name)
    (ready,) = (c for c in status["conditions"] if c["type"] == "Ready")
    assert f"'{first.namespace}/bench' record runs in it as well" in ready["message"]


def test_an_experiment_that_is_not_tracked_runs_its_jobs_without_mlflow(
    empty_scene: Scene,
) -> None:
    scene = empty_scene
    scene.apply(queue(), experiment("untracked", tracking="None"), job("a", experiment="untracked"))

    status = scene.until("a", "Finished")

    scene.kubectl("wait", "--for=condition=Ready", "experiment/untracked", "--timeout=60s")
    assert "mlflowRunId" not in status
    assert "mlflowExperimentId" not in scene.status("untracked", EXPERIMENT)
    assert scene.tracking.client.get_experiment_by_name(f"{scene.namespace}/untracked") is None
    assert not scene.tracking.runs_of(scene.get(JOB, "a")["metadata"]["uid"])


def test_an_experiment_deleted_in_mlflow_says_how_to_bring_it_back(empty_scene: Scene) -> None:
    scene, client = empty_scene, empty_scene.tracking.client
    name = f"{scene.namespace}/gone"
    tracking_id = client.create_experiment(name)
    client.delete_experiment(tracking_id)
    scene.apply(queue(), experiment("gone"), job("a", experiment="gone"))

    message = scene.until("a", "Queued", "TrackingUnavailable")["message"]
    assert (
        f"experiment '{name}' is deleted; restore it with `mlflow experiments restore`" in message
    )
    client.restore_experiment(tracking_id)

    scene.until("a", "Finished")
    assert scene.run("a").info.experiment_id == tracking_id


def test_an_experiment_keeps_its_artifacts_where_it_says_for_good(empty_scene: Scene) -> None:
    scene, name = empty_scene, empty_scene.namespace
    where = "mlflow-artifacts:/of-their-own"
    scene.apply(queue(), experiment(name, artifactLocation=where), job("a", experiment=name))
    scene.kubectl("wait", "--for=condition=LogsArchived", "ajob/a", "--timeout=60s")

    assert scene.run("a").info.artifact_uri.startswith(where)
    answer = scene.apply(experiment(name, artifactLocation="mlflow-artifacts:/x"), check=False)
    assert "artifactLocation cannot be changed" in answer


def test_deleting_an_experiment_deletes_neither_its_record_nor_its_jobs(scene: Scene) -> None:
    scene.apply(job("a"))
    scene.until("a", "Finished")
    before = scene.until_registered("bench")["mlflowExperimentId"]

    scene.delete(EXPERIMENT, "bench")
    scene.until_gone(EXPERIMENT, "bench")
    scene.apply(experiment(), job("b", "a"))

    scene.until("b", "Finished")
    assert scene.until_registered("bench")["mlflowExperimentId"] == before
    assert scene.run("a").info.lifecycle_stage == "active"
