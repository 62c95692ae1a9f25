"""A job that has ended: nothing runs on, its MLflow run agrees, and its time to live passes."""

from datetime import timedelta

from alidade.api.job import JobState
from alidade.domain.actions import DeleteBacking, DeleteJob, EndRun, RunEnd
from alidade.domain.draft import Draft
from alidade.domain.snapshot import Snapshot

RUN_ENDS = {
    JobState.FINISHED: RunEnd.FINISHED,
    JobState.FAILED: RunEnd.FAILED,
    JobState.SKIPPED: RunEnd.KILLED,
    JobState.CANCELLED: RunEnd.KILLED,
}
UID_TAG = "alidade.dev/uid"


def after_the_end(draft: Draft) -> None:
    """See to what is left to do when a job has ended; its end itself stays as it is."""
    snapshot = draft.snapshot
    backing = snapshot.backing
    if backing and not backing.ended:
        if not backing.deleting:
            draft.do(DeleteBacking(backing.uid))
        return
    if all(pod.phase in ("Succeeded", "Failed") for pod in snapshot.pods):
        _settle_run(draft)
    _expire(draft)


def _settle_run(draft: Draft) -> None:
    run, status = draft.snapshot.run, draft.status
    if not status.mlflow_run_id or status.is_true("Tracked") or status.state is None:
        return
    end = RUN_ENDS[status.state]
    if run.settled:
        draft.condition("Tracked", True, "RunEnded", f"the MLflow run ended as {end}")
        return
    if run.trouble:
        draft.condition("Tracked", False, "TrackingUnavailable", run.trouble)
    draft.do(EndRun(status.mlflow_run_id, end, _end_tags(draft.snapshot)))


def _expire(draft: Draft) -> None:
    ttl = draft.snapshot.job.spec.ttl_seconds_after_finished
    ended = draft.status.completion_time
    if ttl is None or ended is None:
        return
    if draft.status.mlflow_run_id and not draft.status.is_true("Tracked"):
        return
    left = ended + timedelta(seconds=ttl) - draft.snapshot.now
    if left > timedelta():
        draft.wake(left)
    else:
        draft.do(DeleteJob())


def run_tags(snapshot: Snapshot) -> dict[str, str]:
    """Return the tags that a job's MLflow run is created with, and found again by."""
    job = snapshot.job
    return {
        UID_TAG: job.metadata.uid,
        "alidade.dev/job": job.metadata.name,
        "alidade.dev/namespace": job.metadata.namespace,
        "alidade.dev/experiment": job.spec.experiment,
        "alidade.dev/entry-point": job.spec.entry_point,
        "alidade.dev/queue": snapshot.queue.metadata.name if snapshot.queue else "",
        "alidade.dev/depends-on": ",".join(d.name for d in job.spec.depends_on),
    }


def _end_tags(snapshot: Snapshot) -> dict[str, str]:
    status = snapshot.job.status
    tags = {"alidade.dev/state": str(status.state), "alidade.dev/reason": status.reason or ""}
    if status.message:
        tags["alidade.dev/message"] = status.message
    return tags
