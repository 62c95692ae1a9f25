"""Jobs that run others again."""

from typing import Any

from alidade.jobs.rerun import RERUN_OF, copies, dependents
from tests.support.builders import job, job_body

TRAIN = job_body("train")
ATTACK = job_body(
    "attack",
    depends_on=["train"],
    parameters=[{"name": "run_id", "valueFrom": {"job": "train", "field": "mlflowRunId"}}],
)


def the_copy(body: dict[str, Any], *taken: str) -> dict[str, Any]:
    (made,) = copies([body], {body["metadata"]["name"], *taken})
    return made


def test_it_is_a_new_job_with_the_same_spec() -> None:
    body = job_body("train", status={"state": "Failed"}, priority=3, cancel=True, suspend=True)
    made = the_copy(body)
    assert made == {
        "apiVersion": "alidade.dev/v1alpha1",
        "kind": "Job",
        "metadata": {"name": "train-r2", "labels": {}, "annotations": {RERUN_OF: "train"}},
        "spec": {"experiment": "mnist", "priority": 3},
    }


def test_names_go_on_where_some_are_taken() -> None:
    assert the_copy(TRAIN, "train-r2", "train-r3")["metadata"]["name"] == "train-r4"


def test_a_rerun_is_run_again_under_the_next_number() -> None:
    again = job_body("train-r2", meta={"annotations": {RERUN_OF: "train"}})
    made = the_copy(again, "train")
    assert made["metadata"]["name"] == "train-r3"
    assert made["metadata"]["annotations"] == {RERUN_OF: "train-r2"}


def test_a_name_that_only_looks_like_that_of_a_rerun_is_kept() -> None:
    assert the_copy(job_body("model-r2"))["metadata"]["name"] == "model-r2-r2"


def test_long_names_stay_valid() -> None:
    assert the_copy(job_body("x" * 63))["metadata"]["name"] == f"{'x' * 60}-r2"
    replicated = job_body("x" * 60, replicas=2)
    assert the_copy(replicated)["metadata"]["name"] == f"{'x' * 57}-r2"


def test_within_the_set_they_refer_to_each_other() -> None:
    train, attack = copies([TRAIN, ATTACK], {"train", "attack"})
    assert train["metadata"]["name"] == "train-r2"
    assert attack["spec"]["dependsOn"] == [
        {"name": "train-r2", "condition": "Complete", "onUnsatisfied": "Skip"}
    ]
    assert attack["spec"]["parameters"][0]["valueFrom"]["job"] == "train-r2"


def test_outside_the_set_references_stay() -> None:
    assert the_copy(ATTACK)["spec"]["parameters"] == ATTACK["spec"]["parameters"]


def test_it_runs_the_source_and_the_datasets_that_were_accepted() -> None:
    source = {"archive": {"uri": "runs:/1/w.tar.gz", "sha256": "0" * 64}}
    datasets = [{"name": "mnist", "claim": "images"}]
    workflow = {"source": source, "path": "sub", "sha256": "0" * 64}
    made = the_copy(job_body("train", status={"workflow": workflow, "datasets": datasets}))
    assert made["spec"]["workflow"] == {"source": source, "path": "sub"}
    assert made["spec"]["datasets"] == datasets


def test_a_workflow_that_is_part_of_the_image_stays_the_experiments() -> None:
    made = the_copy(job_body("train", status={"workflow": {"path": "/workflow"}}))
    assert made["spec"] == {"experiment": "mnist"}


def test_labels_and_annotations_of_others_are_not_copied() -> None:
    meta = {
        "labels": {"team": "a", "app.kubernetes.io/instance": "x", "argocd.argoproj.io/a": "x"},
        "annotations": {
            "note": "first",
            "alidade.dev/submitted-by": "somebody",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        },
    }
    metadata = the_copy(job_body("train", meta=meta))["metadata"]
    assert metadata["labels"] == {"team": "a"}
    assert metadata["annotations"] == {"note": "first", RERUN_OF: "train"}


def test_dependents_are_found_at_any_distance_and_in_circles() -> None:
    jobs = [
        job("a", depends_on=["d"]),
        job("b", depends_on=["a"]),
        job("c", depends_on=["b"]),
        job("d", depends_on=["c"]),
        job("other"),
    ]
    assert [each.metadata.name for each in dependents("a", jobs)] == ["b", "c", "d"]
