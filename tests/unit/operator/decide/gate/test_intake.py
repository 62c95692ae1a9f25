"""What a job runs is settled when it is accepted."""

from typing import Any

import pytest

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_core.api.workflow import WorkflowStatus
from alidade_operator.decide.actions import CreateBatchJob, CreateRun
from alidade_operator.decide.admitted import Admitted
from alidade_operator.decide.gate.intake import decide
from alidade_operator.decide.make import inputs
from alidade_operator.decide.make.inputs import settled
from alidade_operator.decide.plan import plan
from alidade_operator.objects import well_known
from tests.support.builders import IMAGE, batch_job, experiment, job, running_pod, snapshot, wanted
from tests.support.plans import RELEASED, RUN, S, acts, where
from tests.support.workflow_sources import (
    ARCHIVE,
    ARTIFACT,
    CHECKED_CLAIM,
    CLAIM,
    COMMIT,
    CONFIG_MAP,
    ELSEWHERE,
    GIT,
    OTHER_SHA256,
    PATH,
    SHA256,
)

Body = dict[str, Any]
SHARED = experiment(
    workflow={"image": IMAGE, "source": ARCHIVE, "path": "shared"}, datasets=[CLAIM]
)
CHANGED = experiment(workflow={"image": IMAGE, "source": GIT}, datasets=[PATH])


def accepted(own: Body | None, shared: Body | None) -> tuple[str, Body | None]:
    """Return path and source of a job that is accepted now."""
    of = job() if own is None else job(workflow=own)
    workflow = decide(of.spec, experiment(workflow=shared)).workflow
    return workflow.path, workflow.source.dump() if workflow.source else None


@pytest.mark.parametrize(
    ("own", "shared", "path", "source"),
    [
        (None, None, "/workflow", None),
        (None, {"image": IMAGE}, "/workflow", None),
        (None, {"path": "/code"}, "/code", None),
        ({"path": "/own"}, {"path": "/code"}, "/own", None),
        (None, {"source": ARCHIVE}, "", ARCHIVE),
        (None, {"source": ARCHIVE, "path": "a"}, "a", ARCHIVE),
        ({"path": "b"}, {"source": ARCHIVE, "path": "a"}, "b", ARCHIVE),
        ({"source": GIT}, {"source": ARCHIVE, "path": "a"}, "", GIT),
        ({"source": GIT, "path": "b"}, {"source": ARCHIVE, "path": "a"}, "b", GIT),
        ({"source": CONFIG_MAP}, {"path": "/code"}, "", CONFIG_MAP),
    ],
)
def test_a_jobs_own_source_comes_with_its_own_path_and_a_path_alone_is_in_the_experiments(
    own: Body | None, shared: Body | None, path: str, source: Body | None
) -> None:
    assert accepted(own, shared) == (path, source)


@pytest.mark.parametrize(
    ("source", "sha256", "commit"),
    [
        (ARCHIVE, SHA256, None),
        (ELSEWHERE, OTHER_SHA256, None),
        (CONFIG_MAP, SHA256, None),
        (GIT, None, COMMIT),
    ],
)
def test_its_digest_or_its_commit_is_told(
    source: Body, sha256: str | None, commit: str | None
) -> None:
    told = plan(snapshot(job(workflow={"source": source}))).status.workflow
    assert told is not None
    assert (told.sha256, told.commit) == (sha256, commit)


def test_a_jobs_dataset_stands_in_the_place_of_the_experiments_of_the_same_name() -> None:
    own = {**PATH, "name": "imagenet"}
    found = decide(job(datasets=[own, ARTIFACT]).spec, experiment(datasets=[CLAIM, CHECKED_CLAIM]))
    assert [dataset.dump() for dataset in found.datasets] == [own, CHECKED_CLAIM, ARTIFACT]


def test_they_are_written_down_before_anything_is_made() -> None:
    decided = plan(snapshot(job(), experiment=SHARED))
    assert acts(decided) == [CreateRun]
    assert decided.status.dump()["workflow"] == {
        "source": ARCHIVE,
        "path": "shared",
        "sha256": SHA256,
    }
    assert decided.status.dump()["datasets"] == [CLAIM]


def test_a_job_without_an_experiment_is_not_accepted_yet() -> None:
    decided = plan(snapshot(job(workflow={"source": GIT}), experiment=None))
    assert decided.status.workflow is None
    with pytest.raises(ValueError, match="whose experiment was known"):
        settled(decided.status)


def made(of: Job, within: Experiment | None) -> tuple[Body, JobStatus]:
    """Return the batch/v1 Job that is made for a job that has all it needs."""
    decided = plan(snapshot(of, experiment=within, run=RUN, place=Admitted()))
    (create,) = decided.actions
    assert isinstance(create, CreateBatchJob)
    return create.manifest, decided.status


def told(manifest: Body) -> dict[str, str]:
    (worker,) = manifest["spec"]["template"]["spec"]["containers"]
    return {v["name"]: v["value"] for v in worker["env"] if "value" in v}


@pytest.mark.parametrize("before", [None, SHARED], ids=["no source", "a source"])
def test_what_an_experiment_says_later_makes_no_difference_to_jobs_that_are_accepted(
    before: Experiment | None,
) -> None:
    within = before or experiment()
    first, status = made(job(), within)
    for_later = job(status=status)
    again, later = made(for_later, CHANGED)
    assert told(again) == told(first)
    assert (later.workflow, later.datasets) == (status.workflow, status.datasets)
    assert told(made(job(), CHANGED)[0]) != told(first)


def test_a_job_goes_on_with_what_it_was_accepted_with_when_its_experiment_is_made_anew() -> None:
    status = plan(snapshot(job(), experiment=SHARED)).status
    away = plan(snapshot(job(status=status), experiment=None))
    assert where(away) == (S.WAITING, "ExperimentNotFound")
    manifest, _ = made(job(status=away.status), CHANGED)
    assert told(manifest)["ALIDADE_WORKFLOW_URI"] == ARCHIVE["archive"]["uri"]


def test_a_status_that_was_cleared_is_read_off_the_batch_job() -> None:
    asked = wanted(job(), within=SHARED).manifest
    there = batch_job(meta={"annotations": asked["metadata"]["annotations"]})
    decided = plan(snapshot(job(), experiment=CHANGED, batch_job=there))
    assert decided.status.workflow == decide(job().spec, SHARED).workflow
    assert decided.status.datasets == decide(job().spec, SHARED).datasets


@pytest.mark.parametrize("odd", ["", "{}", "[]", "text", '{"workflow": 7}'])
def test_of_an_annotation_that_says_nothing_nothing_is_taken(odd: str) -> None:
    there = batch_job(meta={"annotations": {well_known.INPUTS: odd}})
    decided = plan(snapshot(job(), experiment=SHARED, batch_job=there))
    assert decided.status.workflow == WorkflowStatus(path="shared")


def test_a_batch_job_says_with_what_it_was_made_unless_all_is_in_the_image() -> None:
    assert well_known.INPUTS not in wanted().manifest["metadata"]["annotations"]
    for within in (SHARED, experiment(datasets=[CLAIM])):
        annotations = wanted(within=within).manifest["metadata"]["annotations"]
        assert well_known.INPUTS in annotations


def test_a_job_that_was_accepted_before_there_were_sources_gets_none_from_its_experiment() -> None:
    waits = plan(snapshot(job(), experiment=SHARED, batch_job=batch_job()))
    assert waits.status.workflow == WorkflowStatus(path="shared")
    assert waits.status.datasets == ()


def test_nor_do_pods_that_run_get_the_one_of_their_job() -> None:
    of = job(workflow={"source": GIT}, datasets=[CLAIM], status=RELEASED)
    runs = snapshot(of, batch_job=batch_job(suspend=False), pods=(running_pod(),))
    assert plan(runs).status.workflow == WorkflowStatus(path="/workflow")
    waits = plan(snapshot(of.model_copy(update={"status": JobStatus()}), batch_job=batch_job()))
    assert waits.status.workflow == decide(of.spec, experiment()).workflow


@pytest.mark.parametrize("state", [S.FINISHED, S.SKIPPED])
def test_a_job_that_ended_before_is_left_as_it_is(state: JobState) -> None:
    ended = job(status=JobStatus(state=state))
    assert plan(snapshot(ended, experiment=SHARED)).status.workflow is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"workflow": {"source": ARCHIVE}},
            "its workflow's source, runs:/f00/workflow.tgz, is among MLflow's artifacts",
        ),
        ({"datasets": [PATH, ARTIFACT]}, "dataset mnist, runs:/f00/mnist.npz, is among MLflow's"),
    ],
)
def test_a_job_without_tracking_has_nothing_from_mlflow(spec: Body, words: str) -> None:
    untracked = experiment(tracking="None")
    decided = plan(snapshot(job(**spec), experiment=untracked))
    assert where(decided) == (S.FAILED, "TrackingRequired")
    assert acts(decided) == []
    assert words in (decided.status.message or "")
    assert "experiment 'mnist' has tracking: None" in (decided.status.message or "")


@pytest.mark.parametrize("path", ["/code", "..", "a/../../b", "../a"])
def test_a_path_alone_has_to_be_inside_the_experiments_source(path: str) -> None:
    of = job(workflow={"path": path})
    decided = plan(snapshot(of, experiment=SHARED))
    assert where(decided) == (S.FAILED, "WorkflowNotFound")
    assert acts(decided) == []
    assert decided.status.message == (
        f"failed: spec.workflow.path is '{path}', but must be inside the source of experiment "
        "'mnist': relative, and without '..'"
    )
    assert not plan(snapshot(of)).status.ended


def test_it_may_have_code_and_data_from_elsewhere() -> None:
    untracked = experiment(tracking="None")
    for source in (ELSEWHERE, GIT, CONFIG_MAP):
        of = job(workflow={"source": source}, datasets=[PATH, CLAIM])
        assert not plan(snapshot(of, experiment=untracked)).status.ended


def test_a_run_tells_the_code_and_the_data() -> None:
    within = experiment(datasets=[CLAIM, CHECKED_CLAIM, PATH, ARTIFACT])
    data = {
        "alidade.dev/dataset.imagenet": "imagenet-2012",
        "alidade.dev/dataset.cifar": SHA256,
        "alidade.dev/dataset.labels": "/usr/share/labels",
        "alidade.dev/dataset.mnist": OTHER_SHA256,
    }
    code = {
        "mlflow.source.git.commit": COMMIT,
        "mlflow.source.git.repoURL": GIT["git"]["repository"],
    }
    for source, tags in ((GIT, code), (ARCHIVE, {"alidade.dev/workflow-sha256": SHA256})):
        decided = plan(snapshot(job(workflow={"source": source}), experiment=within))
        (create,) = decided.actions
        assert isinstance(create, CreateRun)
        assert create.tags.items() >= {**tags, **data}.items()
    assert inputs.tags(plan(snapshot(job())).status) == {}
