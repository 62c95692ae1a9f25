from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.actions import ReadWarnings
from alidade_operator.decide.answers import WarningView
from alidade_operator.decide.follow.pod_warnings import (
    LOOK_AFTER_SECONDS,
    READ_AGAIN_SECONDS,
    RECENT_SECONDS,
    read,
)
from alidade_operator.decide.plan import Plan, plan
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    DELETED,
    NOW,
    ago,
    batch_job,
    failed_pod,
    job,
    pod,
    queue,
    running_pod,
    snapshot,
    stamp,
    waiting,
)
from tests.support.plans import RUN, acts, blocked, suspended, where

S = JobState
QUOTA = WarningView(NOW, "FailedCreate", "exceeded quota: q, requested: pods=1", NOW, NOW)
BATCH = batch_job().uid


def released(seconds: float = 60, **fields: Any) -> Snapshot:
    """A job released so many seconds ago."""
    condition = suspended("Released", "False")
    since = condition.model_copy(update={"last_transition_time": ago(seconds)})
    known = (since, *fields.pop("known", ()))
    status = JobStatus(state=S.QUEUED, mlflow_run_id="r1", conditions=known)
    spec = fields.pop("spec", {})
    given = {"batch_job": batch_job(suspend=False), "run": RUN, **fields}
    return snapshot(job(status=status, **spec), **given)


def test_a_job_whose_pods_are_refused_says_why() -> None:
    decided = plan(released(warnings={BATCH: QUOTA}))
    assert where(decided) == (S.QUEUED, "PodRejected")
    assert decided.status.message == (
        "the API server refuses its pods: exceeded quota: q, requested: pods=1"
    )
    assert decided.wake_after == timedelta(seconds=READ_AGAIN_SECONDS)
    assert decided.actions == ()


def test_it_is_asked_once_no_pod_has_come_for_a_while_and_then_again() -> None:
    early = plan(released(LOOK_AFTER_SECONDS - 2))
    assert ReadWarnings not in acts(early)
    assert early.wake_after == timedelta(seconds=2)

    assert acts(plan(released(LOOK_AFTER_SECONDS))) == [ReadWarnings]
    old = replace(QUOTA, read=ago(READ_AGAIN_SECONDS))
    again = plan(released(warnings={BATCH: old}))
    assert acts(again) == [ReadWarnings]
    assert where(again) == (S.QUEUED, "PodRejected")


@pytest.mark.parametrize("seen", [None, ago(30)], ids=["never", "before its release"])
def test_a_pod_that_is_only_late_is_not_called_refused(seen: Any) -> None:
    view = replace(QUOTA, seen=seen) if seen else WarningView(NOW)
    decided = plan(released(20, warnings={BATCH: view}))
    assert where(decided) == (S.QUEUED, "PodPending")


def test_a_refusal_that_was_over_before_the_last_pod_says_nothing() -> None:
    gone = failed_pod(meta={"creationTimestamp": stamp(ago(40))})
    old = replace(QUOTA, at=ago(50))
    decided = plan(released(pods=(gone,), warnings={BATCH: old}))
    assert "refuses" not in (decided.status.message or "")


@pytest.mark.parametrize("astray", [-3600, 3600])
def test_the_clock_of_who_warns_does_not_count(astray: float) -> None:
    decided = plan(released(warnings={BATCH: replace(QUOTA, at=ago(astray))}))
    assert where(decided) == (S.QUEUED, "PodRejected")
    there = replace(CREATING, scheduled=ago(astray))
    view = replace(MOUNT, at=ago(astray))
    found = plan(released(pods=(there,), warnings={there.uid: view}))
    assert where(found) == (S.QUEUED, "FailedMount")


@pytest.mark.parametrize("astray", [-3600, 3600])
def test_nothing_is_asked_too_early_by_the_clock_of_the_api_server(astray: float) -> None:
    there = replace(CREATING, scheduled=ago(astray))
    early = plan(released(LOOK_AFTER_SECONDS - 2, pods=(there,)))
    assert (early.actions, early.wake_after) == ((), timedelta(seconds=2))
    assert acts(plan(released(LOOK_AFTER_SECONDS, pods=(there,)))) == [ReadWarnings]
    gone = failed_pod(meta={"creationTimestamp": stamp(ago(astray))})
    missing = plan(released(LOOK_AFTER_SECONDS - 2, pods=(gone,)))
    assert ReadWarnings not in acts(missing)
    assert ReadWarnings in acts(plan(released(LOOK_AFTER_SECONDS, pods=(gone,))))


@pytest.mark.parametrize("there", [pod(), running_pod()])
def test_nothing_is_asked_about_a_pod_that_is_there(there: Any) -> None:
    decided = plan(released(pods=(there,), warnings={BATCH: QUOTA}))
    assert ReadWarnings not in acts(decided)
    assert where(decided)[1] != "PodRejected"


def test_the_replacement_of_a_pod_may_be_refused() -> None:
    evicted = failed_pod(meta={"creationTimestamp": stamp(ago(40))})
    decided = plan(
        released(
            pods=(evicted,),
            warnings={BATCH: QUOTA},
            batch_job=batch_job(suspend=False, status={"failed": 1}),
        )
    )
    assert where(decided) == (S.STARTED, "Retrying")
    assert "next attempt: the API server refuses its pods" in (decided.status.message or "")


def test_some_of_several_replicas_may_be_refused() -> None:
    there = pod(index=0, meta={"creationTimestamp": stamp(ago(40))})
    decided = plan(released(spec={"replicas": 2}, pods=(there,), warnings={BATCH: QUOTA}))
    assert where(decided) == (S.QUEUED, "PodRejected")


MOUNT = WarningView(NOW, "FailedMount", 'configmap "absent" not found', NOW, NOW)
CREATING = pod(worker=waiting("ContainerCreating"))


def on_a_node(
    seconds: float, view: WarningView | None, of: Pod = CREATING, known: Any = ()
) -> Plan:
    """Plan for a job whose pod has been on a node for so many seconds."""
    there = replace(of, scheduled=ago(seconds))
    warnings = {there.uid: view} if view else {}
    limited = queue(startDeadlineSeconds=60)
    return plan(released(pods=(there,), warnings=warnings, queue=limited, known=known))


@pytest.mark.parametrize("reason", ["FailedMount", "FailedCreatePodSandBox", "NetworkNotReady"])
def test_a_pod_that_its_node_cannot_start_says_why(reason: str) -> None:
    decided = on_a_node(20, replace(MOUNT, reason=reason))
    assert where(decided) == (S.QUEUED, reason)
    assert decided.status.message == 'pod train-x7k2p: configmap "absent" not found'
    assert decided.wake_after == timedelta(seconds=READ_AGAIN_SECONDS)


def test_a_pod_that_cannot_be_started_fails_its_job_after_the_start_deadline() -> None:
    decided = on_a_node(90, MOUNT, known=[blocked("FailedMount", ago(60))])
    assert where(decided) == (S.FAILED, "FailedMount")
    assert "startDeadlineSeconds" in (decided.status.message or "")


def test_a_node_is_asked_once_it_has_had_a_pod_for_a_while() -> None:
    early = on_a_node(LOOK_AFTER_SECONDS - 2, None)
    assert (acts(early), early.wake_after) == ([], timedelta(seconds=2))
    assert on_a_node(LOOK_AFTER_SECONDS, None).actions == (ReadWarnings("uid-train-x7k2p"),)


@pytest.mark.parametrize(
    ("seconds", "seen", "of"),
    [
        (50, None, CREATING),
        (400, ago(RECENT_SECONDS + 1), CREATING),
        (50, NOW, pod(worker=waiting("ContainerCreating"), meta=DELETED)),
        (50, NOW, pod()),
        (50, NOW, pod(node=None)),
    ],
    ids=["no warning", "long ago", "deleted", "not reported on", "no node"],
)
def test_what_a_node_warned_of_does_not_always_hold(seconds: float, seen: Any, of: Pod) -> None:
    decided = on_a_node(seconds, replace(MOUNT, seen=seen), of)
    assert where(decided) == (S.QUEUED, "PodPending")


def test_of_several_replicas_missing_and_stuck_each_is_asked_about_once() -> None:
    stuck = pod(index=0, worker=waiting("PodInitializing"))
    there = replace(stuck, created=ago(40), scheduled=ago(40))
    known = {BATCH: WarningView(NOW), there.uid: MOUNT}
    decided = plan(released(spec={"replicas": 2}, pods=(there,), warnings=known, service_seen=NOW))
    assert where(decided) == (S.QUEUED, "FailedMount")
    assert decided.actions == ()


def event(note: str, **fields: Any) -> dict[str, Any]:
    known = {"reason": "FailedCreate", "deprecatedLastTimestamp": stamp(ago(60))}
    return {**known, "note": note, **fields}


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
    assert read([event(note)], NOW) == WarningView(NOW, "FailedCreate", message, ago(60), NOW)


def test_the_last_event_tells() -> None:
    series = {"series": {"lastObservedTime": stamp(ago(1))}}
    events = [event("old"), event("newest", **series), event("new", eventTime=stamp(ago(30)))]
    assert read(events, NOW).message == "newest"
    assert read([], NOW) == WarningView(NOW)


def test_a_warning_is_as_old_as_the_operator_has_known_it() -> None:
    first = read([event("a")], ago(30))
    assert read([event("a")], NOW, first).seen == ago(30)
    again = event("a", series={"lastObservedTime": stamp(ago(1))})
    assert read([again], NOW, first).seen == NOW
    assert read([], NOW, first).seen is None


def test_a_warning_that_keeps_no_pod_from_its_start_hides_none_that_does() -> None:
    dns = event("Search Line limits were exceeded", reason="DNSConfigForming", eventTime=stamp(NOW))
    mount = event("not found", reason="FailedMount")
    assert read([mount, dns], NOW).message == "not found"
    assert read([dns], NOW) == WarningView(NOW)
