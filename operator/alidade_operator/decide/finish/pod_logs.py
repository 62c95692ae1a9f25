"""A job's logs, which outlive its pods as artifacts of its MLflow run.

A pod's log is asked for once, when the pod or its job has ended, or the pod is about to: it is
followed to its end, so that the last words of one that is being stopped are in it.
"""

from collections.abc import Iterable
from typing import Final

from alidade_core.api.job_condition import JobCondition
from alidade_core.api.reason import Reason
from alidade_core.words import shorten
from alidade_operator.decide.actions import ArchiveLog, ReadPods
from alidade_operator.decide.draft import Draft
from alidade_operator.objects.views import BatchJob

FOLDER = "logs"
CONDITION: Final = JobCondition.LOGS_ARCHIVED
_DECIDED = (Reason.ARCHIVED, Reason.LOGS_LOST, Reason.LOGS_INCOMPLETE)


def archive(draft: Draft) -> None:
    """Ask for the logs of pods that end, and tell when all are where they will stay."""
    snapshot, run_id = draft.snapshot, draft.status.mlflow_run_id
    if run_id is None or not snapshot.keeps_logs or _decided(draft):
        return
    known = snapshot.logs
    ending = [p for p in snapshot.pods if p.ended or p.deleting]
    # What is left of a job that has ended is about to be stopped. A pod of which nothing runs, as
    # it crashes again and again, is gone before anybody could read its log then.
    asked = snapshot.pods if draft.status.ended else ending
    missing = [
        ArchiveLog(run_id, pod.name, container.name, container.last_words)
        for pod in asked
        for container in pod.logged
        if (pod.name, container.name) not in known
    ]
    for action in missing:
        draft.do(action)
    if not draft.status.ended:
        return
    if missing or known:
        over = _all_known(draft) and len(ending) == len(snapshot.pods) and not missing
        _tell(draft, over=over and all(view.done for view in known.values()))
    elif not archived(draft) and not snapshot.pods:
        # An earlier process had asked for them, and ended before it had them.
        draft.condition(
            CONDITION,
            False,
            Reason.LOGS_LOST,
            "the operator was restarted meanwhile",
        )


def archived(draft: Draft) -> bool:
    """Whether nothing more is going to be done about any log of the job."""
    return draft.status.condition(CONDITION) is None or _decided(draft)


def _all_known(draft: Draft) -> bool:
    """See that no pod comes up later whose log would be forgotten."""
    batch_job = draft.snapshot.batch_job
    if batch_job is not None and not batch_job.ended and not batch_job.deleting:
        return False
    if draft.snapshot.pods_complete or (batch_job and _has_completed_as_seen(draft, batch_job)):
        return True
    draft.do(ReadPods())
    return False


def _has_completed_as_seen(draft: Draft, batch_job: BatchJob) -> bool:
    """Whether all pods are known by which a batch/v1 Job is complete.

    A watch tells of pods in their order: what came before those is known too, and nothing comes
    after them.
    """
    pods = (*draft.snapshot.pods, *draft.snapshot.gone)
    well = sum(pod.phase == "Succeeded" for pod in pods)
    return batch_job.complete and well >= max(batch_job.succeeded, 1)


def _tell(draft: Draft, *, over: bool) -> None:
    logs = sorted(draft.snapshot.logs.items(), key=lambda item: item[0])
    troubles = _said((name, view.trouble) for name, view in logs)
    missing = _said((name, view.missing) for name, view in logs)
    if not over:
        draft.condition(CONDITION, False, Reason.ARCHIVING, troubles or "logs are being read")
    elif troubles:
        draft.condition(CONDITION, False, Reason.LOGS_LOST, troubles)
    elif missing:
        draft.condition(CONDITION, False, Reason.LOGS_INCOMPLETE, missing)
    else:
        there = f"{len(logs)} under {FOLDER}/ in the MLflow run's artifacts"
        draft.condition(CONDITION, True, Reason.ARCHIVED, there)


def _said(told: Iterable[tuple[tuple[str, str], str | None]]) -> str:
    parts = [f"pod {pod}, container {container}: {what}" for (pod, container), what in told if what]
    return shorten("; ".join(parts))


def _decided(draft: Draft) -> bool:
    condition = draft.status.condition(CONDITION)
    return condition is not None and condition.reason in _DECIDED
