from dataclasses import replace
from typing import Any

import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.actions import CreateBatchJob, DeleteBatchJob, Release
from alidade_operator.decide.admission.flavors import current, in_flavor
from alidade_operator.decide.admitted import Admitted
from alidade_operator.decide.plan import Plan, plan
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects.views import BatchJob, Pod
from tests.support.builders import (
    DELETED,
    ago,
    batch_job,
    failed,
    job,
    pod,
    queue,
    running_pod,
    snapshot,
    wanted,
)
from tests.support.plans import RUN, acts, blocked, suspended, where

S = JobState
GPU = {
    "name": "gpu",
    "nodeSelector": {"pool": "gpu"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    "resources": {"limits": {"nvidia.com/gpu": 1}},
    "fallbackAfterSeconds": 60,
}
CPU = {"name": "cpu", "nodeSelector": {"pool": "cpu"}}
POOLS = queue(flavors=[GPU, CPU], nodeSelector={"zone": "a"}, resources={"requests": {"cpu": "1"}})
NO_NODE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
}


def status(flavor: str | None = "gpu", **fields: Any) -> JobStatus:
    conditions = (suspended("Released", "False"),)
    return JobStatus(**{"state": S.QUEUED, "flavor": flavor, "conditions": conditions, **fields})


def batch(flavor: str = "gpu", **fields: Any) -> BatchJob:
    return replace(batch_job(**{"suspend": False, **fields}), flavor=flavor)


def unscheduled(name: str = "train-x7k2p", **fields: Any) -> Pod:
    return pod(name, node=None, conditions=[NO_NODE], **fields)


def released(of: Job | None = None, **fields: Any) -> Snapshot:
    given = {"batch_job": batch(), "queue": POOLS, "run": RUN, **fields}
    return snapshot(of or job(status=status()), **given)


def unplaced(seconds: float, of: Job | None = None, **fields: Any) -> Snapshot:
    """A job for whose pod the scheduler has found no node for so many seconds."""
    of = of or job(status=status())
    known = (*of.status.conditions, blocked("Unschedulable", ago(seconds)))
    after = of.model_copy(update={"status": of.status.model_copy(update={"conditions": known})})
    return released(after, **{"pods": (unscheduled(),), **fields})


def test_a_job_is_for_the_first_flavor_until_it_has_another() -> None:
    assert current(POOLS, None) == "gpu"
    assert current(POOLS, "cpu") == "cpu"
    assert current(POOLS, "withdrawn") == "gpu"
    assert current(queue(), "cpu") is None


def test_a_flavor_adds_to_the_queues_nodes_and_replaces_its_resources() -> None:
    gpu, cpu = in_flavor(POOLS, "gpu").spec, in_flavor(POOLS, "cpu").spec
    assert gpu.node_selector == {"zone": "a", "pool": "gpu"}
    assert [t.key for t in gpu.tolerations] == ["nvidia.com/gpu"]
    assert gpu.resources.dump() == {"limits": {"nvidia.com/gpu": 1}}
    assert cpu.node_selector == {"zone": "a", "pool": "cpu"}
    assert cpu.resources.dump() == {"requests": {"cpu": "1"}}
    assert in_flavor(queue(), None) == queue()


def test_the_batch_job_is_made_for_the_flavor() -> None:
    decided = plan(snapshot(job(), queue=POOLS, run=RUN, place=Admitted()))
    action = decided.actions[0]
    assert isinstance(action, CreateBatchJob)
    assert decided.status.flavor == "gpu"
    assert action.manifest["metadata"]["labels"]["alidade.dev/flavor"] == "gpu"
    spec = action.manifest["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"zone": "a", "pool": "gpu"}


def test_a_job_of_a_queue_without_flavors_has_none() -> None:
    (action,) = plan(snapshot(job(), run=RUN, place=Admitted())).actions
    assert isinstance(action, CreateBatchJob)
    assert "alidade.dev/flavor" not in action.manifest["metadata"]["labels"]


def test_while_there_is_time_left_it_waits_for_a_node() -> None:
    decided = plan(unplaced(20))
    assert where(decided) == (S.QUEUED, "Unschedulable")
    assert decided.wake_after is not None
    assert decided.wake_after.total_seconds() == 40
    assert acts(decided) == []


def test_then_it_goes_to_the_next_flavor_and_says_why() -> None:
    decided = plan(unplaced(61))
    assert where(decided) == (S.QUEUED, "FlavorFallback")
    assert decided.status.flavor == "cpu"
    assert decided.status.message is not None
    assert decided.status.message.startswith("no pod placed in flavor gpu for 60 s; tries")
    assert "Insufficient nvidia.com/gpu" in decided.status.message
    assert acts(decided) == [DeleteBatchJob]


def going(of: Snapshot) -> tuple[Snapshot, Plan]:
    """The moment after the decision's status is written."""
    decided = plan(of)
    after = of.job.model_copy(update={"status": decided.status})
    return replace(of, job=after), decided


def test_until_the_batch_job_of_the_old_flavor_is_gone_that_stands() -> None:
    after, first = going(unplaced(61))
    again = plan(after)
    assert (again.status, acts(again)) == (first.status, [DeleteBatchJob])
    for counted in ({}, failed()):
        leaving = plan(replace(after, batch_job=batch(meta=DELETED, status=counted)))
        assert (leaving.status, acts(leaving)) == (first.status, [])


def test_then_one_is_made_for_the_new_flavor_and_asks_for_a_place_again() -> None:
    after, _ = going(unplaced(61))
    (action,) = plan(replace(after, batch_job=None, pods=(), run=RUN, place=Admitted())).actions
    assert isinstance(action, CreateBatchJob)
    assert action.manifest["metadata"]["labels"]["alidade.dev/flavor"] == "cpu"
    asked = wanted(after.job, in_flavor(POOLS, "cpu"), flavor="cpu")
    made = replace(batch_job(template_hash=asked.template_hash), flavor="cpu")
    decided = plan(replace(after, batch_job=made, pods=(), place=Admitted()))
    assert acts(decided) == [Release]
    assert decided.status.flavor == "cpu"


def test_in_the_last_flavor_it_waits_without_an_end() -> None:
    of = job(status=status("cpu"))
    decided = plan(unplaced(10_000, of, batch_job=batch("cpu")))
    assert where(decided) == (S.QUEUED, "Unschedulable")
    assert (decided.status.flavor, acts(decided)) == ("cpu", [])


@pytest.mark.parametrize(
    ("of", "pods"),
    [
        (job(status=status(start_time=ago(90))), (unscheduled(),)),
        (job(status=status()), (running_pod("a"), unscheduled("b"))),
    ],
    ids=["ran before", "a replica runs"],
)
def test_a_job_of_which_a_pod_has_run_stays_where_it_is(of: Job, pods: Any) -> None:
    decided = plan(unplaced(61, of, pods=pods))
    assert (decided.status.flavor, DeleteBatchJob in acts(decided)) == ("gpu", False)


def test_a_pod_that_is_being_deleted_says_nothing_about_the_flavor() -> None:
    decided = plan(unplaced(61, pods=(unscheduled(meta=DELETED),)))
    assert (decided.status.flavor, acts(decided)) == ("gpu", [])
