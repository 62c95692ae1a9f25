from typing import Any

import pytest

from alidade_operator.index.pods import REMEMBERED_GONE, Pods
from alidade_operator.objects.views import Pod
from tests.support.builders import DELETED, ago, disruption, owner_reference, stamp, terminated
from tests.support.builders import pod as make_pod


def pod(name: str = "a-1", batch: str | None = "batch-1", job: str | None = None, **f: Any) -> Pod:
    """Make a pod of a batch/v1 Job, with the label of a job, or neither."""
    labels = {"alidade.dev/job": "a", **({"alidade.dev/job-uid": job} if job else {})}
    owners = [owner_reference("batch", "a", batch)] if batch else []
    meta = {"uid": f"uid-{name}", "labels": labels, "ownerReferences": owners, **f.pop("meta", {})}
    return make_pod(name, meta=meta, **f)


def names(pods: tuple[Pod, ...]) -> list[str]:
    return [found.name for found in pods]


def test_a_pod_is_of_the_job_that_owns_its_batch_job_whatever_its_labels_say() -> None:
    pods = Pods()
    pods.adopt("batch-1", "first")
    pods.put(pod(job="second"))
    assert names(pods.of("first")) == ["a-1"]
    assert pods.of("second") == ()


def test_a_job_of_the_same_name_does_not_have_the_pods_of_the_one_before() -> None:
    pods = Pods()
    pods.adopt("batch-1", "first")
    pods.put(pod("a-1"))
    pods.adopt("batch-2", "second")
    pods.put(pod("a-2", "batch-2"))
    pods.disown("batch-1")
    assert names(pods.of("second")) == ["a-2"]
    assert names(pods.of("first")) == ["a-1"]


def test_where_the_batch_job_was_never_seen_the_label_says_whose_a_pod_is() -> None:
    pods = Pods()
    pods.put(pod(job="first"))
    pods.put(pod("a-2", batch=None, job="first"))
    pods.put(pod("a-3"))
    assert names(pods.of("first")) == ["a-1", "a-2"]


def test_a_pod_that_came_before_its_batch_job_is_its() -> None:
    pods = Pods()
    pods.put(pod())
    pods.adopt("batch-1", "first")
    assert names(pods.of("first")) == ["a-1"]


def test_the_pods_of_all_of_a_jobs_batch_jobs_are_the_jobs() -> None:
    pods = Pods()
    for number in (1, 2):
        pods.adopt(f"batch-{number}", "first")
        pods.put(pod(f"a-{number}", f"batch-{number}"))
    pods.disown("batch-1")
    assert names(pods.of("first")) == ["a-1", "a-2"]
    pods.drop(("lab", "a-1"))
    pods.disown("batch-2")
    pods.drop(("lab", "a-2"))
    assert pods.of("first") == ()
    assert pods.job_of_batch("batch-1") is None


@pytest.mark.parametrize(
    "stopping", [{"meta": DELETED}, {"conditions": [disruption("EvictionByEvictionAPI")]}]
)
def test_a_pod_that_was_being_stopped_before_it_ended_stays_known_as_such(
    stopping: dict[str, Any],
) -> None:
    pods = Pods()
    pods.adopt("batch-1", "first")
    pods.put(pod(phase="Running", **stopping))
    pods.put(pod(phase="Succeeded", worker=terminated(0), **stopping))
    assert [found.stopped for found in pods.of("first")] == [True]
    pods.put(pod(phase="Running", meta={"uid": "another"}))
    assert [found.stopped for found in pods.of("first")] == [None]


def test_a_disruption_that_was_taken_back_did_not_stop_it() -> None:
    pods = Pods()
    pods.adopt("batch-1", "first")
    pods.put(pod(phase="Running", conditions=[disruption("EvictionByEvictionAPI")]))
    pods.put(pod(phase="Succeeded", worker=terminated(0)))
    assert [found.stopped for found in pods.of("first")] == [False]


def test_a_pod_that_was_seen_to_end_before_it_was_deleted_was_not_stopped() -> None:
    pods = Pods()
    pods.adopt("batch-1", "first")
    pods.put(pod(phase="Running", worker=terminated(0)))
    pods.put(pod(phase="Succeeded", worker=terminated(0), meta=DELETED))
    assert [found.stopped for found in pods.of("first")] == [False]


def test_what_the_times_of_a_pod_tell_is_kept_when_its_kubelet_deletes_it_anew() -> None:
    pods = Pods()
    pods.adopt("batch-1", "first")
    ended = terminated(0, finished=ago(40))
    for seconds, grace in ((50, 30), (5, 0)):
        deleted = {
            "deletionTimestamp": stamp(ago(seconds - grace)),
            "deletionGracePeriodSeconds": grace,
        }
        pods.put(pod(phase="Succeeded", worker=ended, meta=deleted))
        assert [found.stopped for found in pods.of("first")] == [True]


def test_the_last_pods_that_are_gone_are_remembered_as_long_as_their_batch_job_is_there() -> None:
    pods = Pods()
    pods.adopt("batch-1", "first")
    for number in range(REMEMBERED_GONE + 2):
        pods.put(pod(f"a-{number}"))
        pods.drop(("lab", f"a-{number}"))
    assert len(pods.gone("batch-1")) == REMEMBERED_GONE
    assert pods.gone("batch-1")[-1].name == f"a-{REMEMBERED_GONE + 1}"
    pods.disown("batch-1")
    assert pods.gone("batch-1") == ()
