"""A job that has not been released: whether its dependencies let it run, and with which values."""

from alidade_core.api.job import Job
from alidade_core.api.job_status import DependencyStatus
from alidade_core.api.reason import Reason
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.gate import accepted
from alidade_operator.decide.gate.dependencies import Undecided, Unsatisfiable, Verdict, judge
from alidade_operator.decide.gate.queueing import line_up, stand_by
from alidade_operator.decide.gate.to_be_made import is_fit, wanted_by
from alidade_operator.decide.make.parameters import Resolution, resolve
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.decide.standing import Why


def prepare(draft: Draft) -> None:
    """Lead a job up to its release."""
    snapshot = draft.snapshot
    verdict = judge(snapshot.job, snapshot.others, snapshot.cycle)
    resolution = resolve(snapshot.job, _met(snapshot, verdict.entries))
    draft.judge(verdict.entries, _why_not(verdict))
    draft.set(
        parameters=resolution.values,
        queue=snapshot.queue.metadata.name if snapshot.queue else draft.status.queue,
    )
    if isinstance(verdict, Unsatisfiable):
        _end_for_dependency(draft, verdict)
        return
    if accepted.kept_back(draft):
        return
    wanted = wanted_by(draft)
    if wanted is None or not is_fit(draft, wanted):
        return
    if isinstance(verdict, Undecided):
        draft.wait(verdict.reason, verdict.message)
        stand_by(draft, wanted)
        return
    if _has_no_value(draft, resolution):
        return
    if resolution.pending:
        draft.wait(Reason.PARAMETER_PENDING, resolution.pending)
        stand_by(draft, wanted)
        return
    line_up(draft, wanted)


def _has_no_value(draft: Draft, resolution: Resolution) -> bool:
    """Whether the job failed as there will never be a value that it could take."""
    if resolution.impossible:
        draft.fail(Reason.PARAMETER_UNRESOLVED, f"failed: {resolution.impossible}")
    elif resolution.invalid:
        draft.fail(Reason.PARAMETER_INVALID, f"failed: {resolution.invalid}")
    return draft.status.ended


def _met(snapshot: Snapshot, entries: tuple[DependencyStatus, ...]) -> dict[str, Job]:
    # No value may be taken from a dependency that is not decided, nor from another of its name.
    met = {entry.name: entry.uid for entry in entries if entry.met}
    return {
        name: other
        for name, other in snapshot.others.items()
        if met.get(name) == other.metadata.uid
    }


def _why_not(verdict: Verdict) -> Why | None:
    match verdict:
        case Undecided():
            return Why(verdict.reason, verdict.message)
        case Unsatisfiable():
            return Why(Reason.DEPENDENCY_UNSATISFIED, verdict.message)
        case _:
            return None


def _end_for_dependency(draft: Draft, verdict: Unsatisfiable) -> None:
    draft.end(verdict.end, Reason.DEPENDENCY_UNSATISFIED, verdict.message, cause=verdict.root_cause)
