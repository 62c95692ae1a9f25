from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alidade_operator.decide.actions import HaveService
from alidade_operator.decide.make import service
from alidade_operator.decide.plan import plan
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects import well_known
from tests.support.builders import (
    DELETED,
    ago,
    complete,
    job,
    running_pod,
    snapshot,
    wanted,
)
from tests.support.plans import RELEASED, acts, fitting

PAIR = job(replicas=2, status=RELEASED)


def test_the_pods_meet_under_a_headless_service_of_the_jobs_name() -> None:
    found = service.service_for(PAIR)
    batch = wanted(PAIR).manifest
    assert found is not None
    assert (found["apiVersion"], found["kind"]) == ("v1", "Service")
    assert (found["metadata"]["name"], found["metadata"]["namespace"]) == ("train", "lab")
    assert found["metadata"]["ownerReferences"] == batch["metadata"]["ownerReferences"]
    assert found["spec"] == {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        # Of an earlier job of the name a pod may be left.
        "selector": {well_known.JOB_UID_LABEL: "uid-train"},
        "ports": [{"name": "tf", "port": 2222}],
    }
    labels = batch["spec"]["template"]["metadata"]["labels"]
    assert found["spec"]["selector"].items() <= labels.items()


def test_a_job_of_one_pod_has_none() -> None:
    assert service.service_for(job()) is None
    assert acts(plan(snapshot(job(status=RELEASED), batch_job=fitting(job(), suspend=False)))) == []


def test_the_service_does_not_name_the_queue_which_may_change_under_it() -> None:
    batch = wanted(PAIR).manifest
    found = service.service_for(PAIR)
    assert found is not None
    assert batch["metadata"]["labels"].items() - found["metadata"]["labels"].items() == {
        (well_known.QUEUE_LABEL, "cpu")
    }


def under_way(**fields: Any) -> Snapshot:
    return snapshot(PAIR, **{"batch_job": fitting(PAIR, suspend=False), **fields})


def test_it_is_made_again_while_a_pod_is_missing() -> None:
    pods = (running_pod("a", index=0),)
    assert HaveService in acts(plan(under_way()))
    assert HaveService in acts(plan(under_way(pods=pods)))
    just_seen = plan(under_way(pods=pods, service_seen=ago(59)))
    assert HaveService not in acts(just_seen)
    assert just_seen.wake_after == timedelta(seconds=service.LOOK_AGAIN_SECONDS - 59)
    assert HaveService in acts(plan(under_way(pods=pods, service_seen=ago(60))))


@pytest.mark.parametrize(
    "fields",
    [
        {"pods": (running_pod("a", index=0), running_pod("b", index=1))},
        {"batch_job": fitting(PAIR, suspend=False, meta=DELETED)},
        {"batch_job": fitting(PAIR, suspend=False, status=complete(succeeded=2))},
        {"job": job(replicas=2, cancel=True, status=RELEASED)},
    ],
    ids=["all run", "going", "ended", "cancelled"],
)
def test_it_is_left_alone_where_nobody_looks_for_it(fields: dict[str, Any]) -> None:
    assert HaveService not in acts(plan(replace(under_way(), **fields)))
