from dataclasses import replace
from typing import Any

import pytest

from alidade_operator.decide.actions import CreateBatchJob
from alidade_operator.decide.admitted import Admitted
from alidade_operator.decide.gate.blame import is_the_queues, without_its_say
from alidade_operator.decide.plan import plan
from alidade_operator.decide.rejection import Rejection
from alidade_operator.decide.snapshot import Snapshot
from tests.support.builders import ago, job, queue, snapshot, wanted
from tests.support.plans import RUN, S, acts, where

QUEUE = queue(
    nodeSelector={"pool": "cpu"},
    tolerations=[{"key": "a", "operator": "Exists"}],
    resources={"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
    jobsMayOverride=["Nodes", "Tolerations", "CPU", "Memory"],
)
POD = "spec.template.spec."
SELECTOR = f"{POD}nodeSelector"
MEMORY = f"{POD}containers[0].resources.limits[memory]"
CPU = f"{POD}containers[0].resources.requests[cpu]"


def template(**spec: Any) -> dict[str, Any]:
    return {"podTemplate": {"spec": spec}}


def worker(**resources: Any) -> dict[str, Any]:
    return template(containers=[{"name": "worker", "resources": resources}])


@pytest.mark.parametrize(
    ("fields", "spec", "found"),
    [
        ([SELECTOR], {}, True),
        ([SELECTOR], template(nodeSelector={"zone": "b"}), False),
        ([f"{POD}tolerations[0].key"], {}, True),
        ([f"{POD}tolerations[0].key"], template(tolerations=[{"key": "b"}]), True),
        ([f"{POD}tolerations[1].key"], template(tolerations=[{"key": "b"}]), False),
        ([MEMORY], {}, True),
        ([MEMORY], worker(limits={"memory": "2Gi"}), False),
        # The one asks for less than the other allows.
        ([CPU], worker(limits={"cpu": "1m"}), False),
        ([SELECTOR, MEMORY], {}, True),
        ([SELECTOR, f"{POD}volumes[0].name"], {}, False),
        (["spec.podFailurePolicy.rules[0]"], {}, False),
        ([], {}, False),
    ],
)
def test_what_the_job_says_nothing_of_is_the_queues(
    fields: list[str], spec: dict[str, Any], found: bool
) -> None:
    whole, own = (wanted(job(**spec), each).manifest for each in (QUEUE, without_its_say(QUEUE)))
    assert is_the_queues(fields, whole, own) is found


def refused(fields: tuple[str, ...], seconds_ago: float = 0.0) -> Snapshot:
    of = wanted(job(), QUEUE).template_hash
    rejection = Rejection(
        "BackingJobInvalid", "no such label", True, ago(seconds_ago), fields=fields, of=of
    )
    return snapshot(job(), queue=QUEUE, run=RUN, place=Admitted(), rejection=rejection)


def test_what_is_wrong_with_the_queue_fails_no_job() -> None:
    decided = plan(refused((SELECTOR,)))
    assert where(decided) == (S.WAITING, "QueueInvalid")
    assert decided.status.message == "queue cpu is wrong in itself: no such label"
    assert (acts(decided), decided.wants_place) == ([], False)
    assert acts(plan(refused((SELECTOR,), seconds_ago=60))) == [CreateBatchJob]


def test_what_is_wrong_with_the_job_fails_it() -> None:
    assert where(plan(refused((f"{POD}volumes[0].name",)))) == (S.FAILED, "BackingJobInvalid")


def test_a_queue_that_was_mended_is_tried_at_once() -> None:
    mended = plan(replace(refused((SELECTOR,)), queue=queue(nodeSelector={"pool": "gpu"})))
    assert acts(mended) == [CreateBatchJob]
    assert where(mended) == (S.QUEUED, "Preparing")
