from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alidade.api.job import JobState, JobStatus
from alidade.domain.actions import ReadPodRejection
from alidade.domain.plan import plan
from alidade.domain.pod_rejections import LOOK_AFTER_SECONDS, READ_AGAIN_SECONDS, read
from alidade.domain.snapshot import PodRejectionView, Snapshot
from tests.support.builders import (
    NOW,
    ago,
    backing,
    failed_pod,
    job,
    pod,
    running_pod,
    snapshot,
    stamp,
)
from tests.support.plans import RUN, acts, suspended, where

S = JobState
QUOTA = PodRejectionView(NOW, "exceeded quota: q, requested: pods=1", NOW)


def released(seconds: float = 60, **fields: Any) -> Snapshot:
    """A job released so many seconds ago."""
    condition = suspended("Released", "False")
    since = condition.model_copy(update={"last_transition_time": ago(seconds)})
    status = JobStatus(state=S.QUEUED, mlflow_run_id="r1", conditions=(since,))
    spec = fields.pop("spec", {})
    given = {"backing": backing(suspend=False), "run": RUN, **fields}
    return snapshot(job(status=status, **spec), **given)


def test_a_job_whose_pods_are_refused_says_why() -> None:
    decided = plan(released(pod_rejection=QUOTA))
    assert where(decided) == (S.QUEUED, "PodRejected")
    assert decided.status.message == (
        "the API server refuses its pods: exceeded quota: q, requested: pods=1"
    )
    assert decided.wake_after == timedelta(seconds=READ_AGAIN_SECONDS)
    assert decided.actions == ()


def test_it_is_asked_once_no_pod_has_come_for_a_while_and_then_again() -> None:
    early = plan(released(LOOK_AFTER_SECONDS - 2))
    assert ReadPodRejection not in acts(early)
    assert early.wake_after == timedelta(seconds=2)

    assert acts(plan(released(LOOK_AFTER_SECONDS))) == [ReadPodRejection]
    old = replace(QUOTA, read=ago(READ_AGAIN_SECONDS))
    again = plan(released(pod_rejection=old))
    assert acts(again) == [ReadPodRejection]
    assert where(again) == (S.QUEUED, "PodRejected")


@pytest.mark.parametrize("at", [None, ago(30)], ids=["never", "before its release"])
def test_a_pod_that_is_only_late_is_not_called_refused(at: Any) -> None:
    decided = plan(released(20, pod_rejection=replace(QUOTA, at=at)))
    assert where(decided) == (S.QUEUED, "PodPending")


@pytest.mark.parametrize("there", [pod(), running_pod()])
def test_nothing_is_asked_about_a_pod_that_is_there(there: Any) -> None:
    decided = plan(released(pods=(there,), pod_rejection=QUOTA))
    assert ReadPodRejection not in acts(decided)
    assert where(decided)[1] != "PodRejected"


def test_the_replacement_of_a_pod_may_be_refused() -> None:
    evicted = failed_pod(meta={"creationTimestamp": stamp(ago(40))})
    decided = plan(
        released(
            pods=(evicted,),
            pod_rejection=QUOTA,
            backing=backing(suspend=False, status={"failed": 1}),
        )
    )
    assert where(decided) == (S.STARTED, "Retrying")
    assert "next attempt: the API server refuses its pods" in (decided.status.message or "")


def test_some_of_several_replicas_may_be_refused() -> None:
    there = pod(index=0, meta={"creationTimestamp": stamp(ago(40))})
    decided = plan(released(spec={"replicas": 2}, pods=(there,), pod_rejection=QUOTA))
    assert where(decided) == (S.QUEUED, "PodRejected")


def event(note: str, **fields: Any) -> dict[str, Any]:
    return {"note": note, "deprecatedLastTimestamp": stamp(ago(60)), **fields}


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (
            'Error creating: pods "a-x7k2p" is forbidden: exceeded quota: q, requested: pods=1',
            "exceeded quota: q, requested: pods=1",
        ),
        (
            '(combined from similar events): Error creating: pods "a-x" is forbidden: '
            "no PriorityClass with name high was found",
            "no PriorityClass with name high was found",
        ),
        (
            'Error creating: admission webhook "w" denied the request: no',
            'admission webhook "w" denied the request: no',
        ),
    ],
)
def test_the_words_are_the_api_servers(note: str, message: str) -> None:
    assert read([event(note)], NOW) == PodRejectionView(NOW, message, ago(60))


def test_the_last_event_tells() -> None:
    series = {"series": {"lastObservedTime": stamp(ago(1))}}
    events = [event("old"), event("newest", **series), event("new", eventTime=stamp(ago(30)))]
    assert read(events, NOW).message == "newest"
    assert read([], NOW) == PodRejectionView(NOW)
