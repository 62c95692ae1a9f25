"""A batch/v1 Job that somebody let run before its turn."""

from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import DeleteBatchJob
from alidade_operator.decide.draft import Draft
from alidade_operator.objects.views import BatchJob


def stop(draft: Draft, batch_job: BatchJob) -> None:
    """See that a batch/v1 Job that somebody let run goes: its pods are told nothing."""
    draft.wait(
        Reason.OUT_OF_TURN,
        "somebody let its batch/v1 Job run (spec.suspend: false) before its turn, without its "
        "parameters: that one is deleted and made anew; spec.suspend of the Job itself is yours",
    )
    if not batch_job.deleting:
        draft.do(DeleteBatchJob(batch_job.uid, batch_job.resource_version, foreground=True))
