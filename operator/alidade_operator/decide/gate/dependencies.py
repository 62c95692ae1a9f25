"""Whether a job's dependencies let it run, hold it, or have ended it."""

from collections.abc import Mapping
from dataclasses import dataclass

from alidade_core.api.job import Dependency, DependencyCondition, Job, OnUnsatisfied
from alidade_core.api.job_status import DependencyStatus, JobState, JobStatus, RootCause
from alidade_core.api.reason import Reason
from alidade_core.words import quoted_list


@dataclass(frozen=True)
class Met:
    """Every dependency's condition has held."""

    entries: tuple[DependencyStatus, ...]


@dataclass(frozen=True)
class Undecided:
    """Some dependency's condition may yet hold."""

    entries: tuple[DependencyStatus, ...]
    reason: str
    message: str


@dataclass(frozen=True)
class Unsatisfiable:
    """Some dependency's condition can no longer hold."""

    entries: tuple[DependencyStatus, ...]
    message: str
    root_cause: RootCause
    end: JobState


Verdict = Met | Undecided | Unsatisfiable


def holds(condition: DependencyCondition, status: JobStatus) -> bool | None:
    """Say whether the condition holds of a job; None where that is still open.

    Started asks whether a pod of the job ever ran, not whether one runs now: what a dependent
    does must not depend on how soon the operator looked.
    """
    state = status.state
    if condition is DependencyCondition.STARTED and status.start_time is not None:
        return True
    if state is None or not state.ended:
        return None
    match condition:
        case DependencyCondition.ENDED:
            return True
        case DependencyCondition.FAILED:
            return state is JobState.FAILED
        case _:
            return state is JobState.FINISHED


def decisive(status: JobStatus) -> tuple[object, ...]:
    """Return all of a job's status that a decision about one that depends on it can rest on.

    Jobs tell of more than that, and often: where they stand in a line, and what holds them up.
    """
    why = (status.reason, status.message) if status.ended else ()
    ran = status.start_time is not None
    return (status.state, ran, why, status.root_cause, status.mlflow_run_id, status.outputs)


def judge(job: Job, others: Mapping[str, Job], cycle: tuple[str, ...]) -> Verdict:
    """Judge a job by its dependencies.

    Args:
        job: The job, with what its status remembers of dependencies decided earlier.
        others: Jobs of the namespace by name; those that do not exist are absent.
        cycle: Names of the jobs that wait for each other in a circle with this one.
    """
    known = {entry.name: entry for entry in job.status.dependencies if entry.decided}
    pairs = [
        (dependency, known.get(dependency.name) or _look(dependency, others.get(dependency.name)))
        for dependency in job.spec.depends_on
    ]
    entries = tuple(entry for _, entry in pairs)
    open_ = [(dependency, entry) for dependency, entry in pairs if not entry.decided]
    failed = [(dependency, entry) for dependency, entry in pairs if entry.decided and not entry.met]
    severe = [(dependency, entry) for dependency, entry in failed if _severe(dependency)]
    # A job is not skipped as long as it may yet have to fail: its end must not depend on which of
    # the others ended first.
    if severe or (failed and not any(_severe(dependency) for dependency, _ in open_)):
        dependency, entry = (severe or failed)[0]
        return _unsatisfiable(entries, dependency, entry, others.get(dependency.name))
    if open_:
        return _undecided(entries, open_, cycle)
    return Met(entries)


def _severe(dependency: Dependency) -> bool:
    return dependency.on_unsatisfied is OnUnsatisfied.FAIL


def _look(dependency: Dependency, other: Job | None) -> DependencyStatus:
    if other is None:
        return DependencyStatus(name=dependency.name)
    return DependencyStatus(
        name=dependency.name,
        uid=other.metadata.uid,
        state=other.status.state,
        met=bool(holds(dependency.condition, other.status)),
    )


def _unsatisfiable(
    entries: tuple[DependencyStatus, ...],
    dependency: Dependency,
    entry: DependencyStatus,
    other: Job | None,
) -> Unsatisfiable:
    state = entry.state or JobState.FAILED
    known = other.status if other and other.metadata.uid == entry.uid else JobStatus(state=state)
    cause = known.root_cause or _own_cause(entry.name, known)
    message = f"{cause.job} {cause.message}"
    if cause.job != entry.name:
        message = f"depends on {entry.name} ({state}): {message}"
    elif dependency.condition is not DependencyCondition.COMPLETE:
        message = f"wants {entry.name} {dependency.condition}, but {message}"
    end = JobState.FAILED if _severe(dependency) else JobState.SKIPPED
    return Unsatisfiable(entries, message, cause, end)


def _own_cause(name: str, status: JobStatus) -> RootCause:
    state = status.state or JobState.FAILED
    words = {
        JobState.FINISHED: "finished well",
        JobState.FAILED: "failed",
        JobState.CANCELLED: "was cancelled",
    }
    return RootCause(
        job=name,
        reason=status.reason or state,
        message=words.get(state, f"was {state.lower()}"),
    )


def _undecided(
    entries: tuple[DependencyStatus, ...],
    open_: list[tuple[Dependency, DependencyStatus]],
    cycle: tuple[str, ...],
) -> Undecided:
    if cycle:
        circle = " -> ".join((*cycle, cycle[0]))
        return Undecided(
            entries,
            Reason.DEPENDENCY_CYCLE,
            f"depends on itself: {circle}; delete one of them to break the circle",
        )
    missing = [entry.name for _, entry in open_ if entry.uid is None]
    if missing:
        return Undecided(
            entries,
            Reason.DEPENDENCY_NOT_FOUND,
            f"no job {quoted_list(missing)} in this namespace (yet)",
        )
    waits = [
        f"{entry.name} ({entry.state or 'new'}) to be {dependency.condition}"
        for dependency, entry in open_
    ]
    return Undecided(entries, Reason.DEPENDENCY_PENDING, f"waits for {', '.join(waits)}")
