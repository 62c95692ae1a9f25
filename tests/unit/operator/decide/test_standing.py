from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_core.api.job import Dependency, Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import DependencyStatus, JobState, JobStatus
from alidade_operator.decide.admitted import Admitted
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.plan import plan
from alidade_operator.decide.rejection import Rejection
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.decide.standing import Why
from alidade_operator.objects.views import Pod
from tests.support.agreement import disagreements
from tests.support.builders import (
    DELETED,
    NOW,
    ago,
    batch_job,
    complete,
    disruption,
    failed,
    failed_pod,
    job,
    job_in,
    met,
    pod,
    queue,
    running_pod,
    snapshot,
    succeeded_pod,
    waiting,
)
from tests.support.plans import FULL, RUN, ready, suspended

S = JobState


def runs(*pods: Pod, of: Job | None = None, **fields: Any) -> Snapshot:
    """A job whose batch/v1 Job runs, or ran."""
    known = {"batch_job": batch_job(suspend=False), "pods": pods, "keeps_logs": False, "run": RUN}
    return snapshot(of or job(), **{**known, **fields})


def over(status: dict[str, Any], *pods: Pod, **fields: Any) -> Snapshot:
    return runs(*pods, batch_job=batch_job(suspend=False, status=status), **fields)


# Held back for one reason or another.
HELD = (
    snapshot(job(), experiment=None),
    snapshot(job(), queue=None),
    snapshot(job(), run=TrackingView(trouble="away")),
    snapshot(job(suspend=True), run=RUN),
    snapshot(job(), run=RUN, place=FULL),
    snapshot(job(), run=RUN, rejection=Rejection("BackingJobRejected", "m", False, NOW)),
    snapshot(job(), batch_job_missed=True),
    ready(place=Admitted()),
    ready(orphans=(running_pod(),)),
    ready(queue=queue(kueueLocalQueue="team"), place=Admitted()),
    ready(batch_job=replace(batch_job(), local_queue="team"), place=Admitted()),
)
NO_NODE = pod(
    node=None,
    conditions=[
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/3 nodes",
        }
    ],
)
REJECTED = pod(phase="Failed", reason="NodeAffinity", message="m")
RUNS = (
    runs(),
    runs(pod()),
    runs(NO_NODE),
    runs(NO_NODE, now=NOW + timedelta(hours=1), queue=queue(maxRunning=1), contested=True),
    runs(pod(worker=waiting("ErrImagePull"))),
    runs(pod(worker=waiting("ErrImagePull")), now=NOW + timedelta(hours=1)),
    runs(running_pod()),
    runs(running_pod(), of=job(suspend=True)),
    runs(running_pod(), queue=queue(stopPolicy="HoldAndDrain")),
    runs(running_pod(meta=DELETED)),
    runs(failed_pod(conditions=[disruption("Preempted", "m")])),
    runs(REJECTED),
    runs(batch_job=batch_job(suspend=False, meta=DELETED)),
)
ENDS = (
    over(complete()),
    over(complete(), succeeded_pod(), keeps_logs=True, logs={}),
    over(complete(), failed_pod(conditions=[disruption("Preempted", "m")])),
    over(failed(), pods_complete=True),
    over(failed(), failed_pod()),
    over(failed(), REJECTED),
    over(complete(), pods_complete=True, run=TrackingView("r1", settled=True)),
    snapshot(job(), run=RUN, rejection=Rejection("BackingJobInvalid", "m", True, NOW)),
    snapshot(job(cancel=True)),
)
MET, FAILED = job_in(S.FINISHED, "a"), job_in(S.FAILED, "a", reason="Error")


@given(
    st.lists(
        st.tuples(st.sampled_from((*HELD, *RUNS, *ENDS)), st.sampled_from([None, MET, FAILED])),
        max_size=12,
    ),
    st.booleans(),
)
def test_no_part_of_a_status_ever_disagrees_with_another(
    course: list[tuple[Snapshot, Job | None]], depends: bool
) -> None:
    status = JobStatus()
    for moment, other in course:
        spec = moment.job.spec.model_copy(
            update={"depends_on": (Dependency(name="a"),) if depends else ()}
        )
        now = moment.job.model_copy(update={"spec": spec, "status": status})
        decided = plan(replace(moment, job=now, others={"a": other} if other else {}))
        status = decided.status
        assert disagreements(now.model_copy(update={"status": status})) == []


def drafted(status: JobStatus | None = None) -> Draft:
    return Draft(snapshot(job(status=status)))


def finished() -> JobStatus:
    draft = drafted()
    draft.judge((met("a"),), None)
    draft.start(ago(60))
    draft.run("Running", "runs")
    draft.end(S.FINISHED, "Completed", "ended well")
    return draft.status


@pytest.mark.parametrize(
    "odd",
    [
        {"state": S.FAILED},
        {"state": S.STARTED},
        {"reason": "Error"},
        {"completion_time": None},
        {"start_time": None},
        {"conditions": ()},
        {"conditions": finished().conditions[:-1]},
        {"conditions": (*finished().conditions[:-1], suspended("Released"))},
        {"dependencies": (DependencyStatus(name="a"),)},
        {"mlflow_run_id": "r1"},
    ],
)
def test_what_disagrees_is_found(odd: dict[str, Any]) -> None:
    agreed = finished()
    assert disagreements(job(status=agreed)) == []
    assert disagreements(job(status=agreed.model_copy(update=odd))) != []


def test_what_is_held_back_says_why_in_its_condition_too() -> None:
    draft = drafted()
    draft.queue("QueueFull", "position 3")
    draft.wait("BackingJobRejected", "quota")
    told = draft.status.condition("Suspended")
    assert told is not None
    assert (told.status, told.reason) == ("True", "BackingJobRejected")


@pytest.mark.parametrize(("since", "state"), [(None, S.QUEUED), (NOW, S.STARTED)])
def test_what_runs_is_started_only_once_a_pod_has_run(
    since: datetime | None, state: JobState
) -> None:
    draft = drafted()
    if since is not None:
        draft.start(since)
    draft.run("Retrying", "m")
    assert draft.status.state is state


@pytest.mark.parametrize("step", ["wait", "queue", "fail"])
def test_nothing_blocks_the_pods_of_what_has_none_that_could_run(step: str) -> None:
    draft = drafted()
    draft.run("Unschedulable", "m")
    draft.condition(JobCondition.POD_BLOCKED, True, "Unschedulable", "m")
    getattr(draft, step)("R", "m")
    told = draft.status.condition("PodBlocked")
    assert told is not None
    assert (told.status, told.reason) == ("False", "Resolved")


def test_dependencies_that_do_not_hold_say_why() -> None:
    draft = drafted()
    draft.judge((DependencyStatus(name="a"),), Why("DependencyNotFound", "no job 'a'"))
    told = draft.status.condition("DependenciesMet")
    assert told is not None
    assert (told.status, told.reason) == ("False", "DependencyNotFound")
