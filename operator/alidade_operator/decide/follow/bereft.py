"""A job that was released, and whose batch/v1 Job is not there any more."""

from alidade_core.api.job_status import JobState
from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import (
    ReadNamespace,
)
from alidade_operator.decide.draft import Draft


def cancel(draft: Draft) -> None:
    """End a job whose batch/v1 Job somebody deleted while it ran, which is what they meant."""
    if draft.snapshot.namespace_ends is None:
        draft.do(ReadNamespace())
    elif draft.snapshot.namespace_ends:
        # What is in a namespace goes in no order.
        draft.end(JobState.CANCELLED, Reason.DELETED, "cancelled: its namespace is being deleted")
    else:
        message = "cancelled: someone deleted its batch/v1 Job (kubectl delete job) while it ran"
        draft.end(JobState.CANCELLED, Reason.BACKING_JOB_DELETED, message)


def begin_anew(draft: Draft) -> None:
    """Begin a job again whose batch/v1 Job a backup does not have: nobody has deleted it."""
    message = "the API server's store was restored, without its batch/v1 Job; it is begun anew"
    draft.queue(Reason.RETRYING, message)
