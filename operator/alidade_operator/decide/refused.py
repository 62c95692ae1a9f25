"""What the API server refuses of what a job needs done, while it waits for something else or runs.

What lets a job run is not among it: a job waits for that, and its state says so. All else is told
in a condition, whatever the state, and tried again with growing pauses.
"""

from alidade_core.api.job_condition import JobCondition
from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import Action, DeleteBatchJob, DeleteJob, HaveService, Suspend
from alidade_operator.decide.draft import Draft

WHAT: dict[type[Action], str] = {
    Suspend: "suspension of its batch/v1 Job",
    DeleteBatchJob: "deletion of its batch/v1 Job",
    HaveService: "its Service",
    DeleteJob: "deletion of the job, whose ttlSecondsAfterFinished have passed",
}
"""What is asked for, in words that `refused: ` can follow."""
_STOPS = (Suspend, DeleteBatchJob)


def tell(draft: Draft) -> None:
    """Tell what is refused of what is to be done, and leave it alone for a while."""
    known = draft.snapshot.refused
    found = {type(a): known[type(a)] for a in draft.actions if type(a) in known}
    if found:
        words = "; ".join(refusal.message for refusal in found.values())
        draft.condition(JobCondition.CHANGES_REFUSED, True, Reason.REQUEST_REFUSED, words)
    elif draft.status.is_true(JobCondition.CHANGES_REFUSED):
        draft.condition(JobCondition.CHANGES_REFUSED, False, Reason.RESOLVED)
    waits = {kind for kind, refusal in found.items() if not draft.due(refusal.at, refusal.pause)}
    draft.actions = [action for action in draft.actions if type(action) not in waits]


def why_it_runs_on(draft: Draft) -> str | None:
    """Return why pods that are to be stopped run on, None where nothing is known to keep them."""
    found = (draft.snapshot.refused[kind] for kind in _STOPS if kind in draft.snapshot.refused)
    return next((refusal.message for refusal in found), None)
