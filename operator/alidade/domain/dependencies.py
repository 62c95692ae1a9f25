"""Whether a job's dependencies let it run, hold it, or have ended it."""

from collections.abc import Mapping
from dataclasses import dataclass

from alidade.api.job import (
    Dependency,
    DependencyCondition,
    DependencyStatus,
    Job,
    JobState,
    JobStatus,
    OnUnsatisfied,
    RootCause,
)
from alidade.domain.words import quoted_list


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
        case DependencyCondition.FINISHED:
            return True
        case DependencyCondition.FAILED:
            return state is JobState.FAILED
        case _:
            return state is JobState.FINISHED


def judge(job: Job, others: Mapping[str, Job], cycle: tuple[str, ...]) -> Verdict:
    """Judge a job by its dependencies.

    Args:
        job: The job, with what its status remembers of dependencies decided earlier.
        others: Jobs of the namespace by name; those that do not exist are absent.
        cycle: Names of the jobs that wait for each other in a circle with this one.
    """
    known = {entry.name: entry for entry in job.status.dependencies}
    entries = []
    open_: list[tuple[Dependency, Job | None]] = []
    failed: list[tuple[Dependency, Job]] = []
    for dependency in job.spec.depends_on:
        entry = known.get(dependency.name)
        if entry is not None and entry.met:
            entries.append(entry)
            continue
        other = others.get(dependency.name)
        verdict = holds(dependency.condition, other.status) if other else None
        entries.append(
            DependencyStatus(
                name=dependency.name,
                uid=other.metadata.uid if other else None,
                state=other.status.state if other else None,
                met=bool(verdict),
            )
        )
        if verdict is None:
            open_.append((dependency, other))
        elif not verdict and other is not None:
            failed.append((dependency, other))
    if failed:
        return _unsatisfiable(tuple(entries), failed)
    if open_:
        return _undecided(tuple(entries), open_, cycle)
    return Met(tuple(entries))


def _unsatisfiable(
    entries: tuple[DependencyStatus, ...], failed: list[tuple[Dependency, Job]]
) -> Unsatisfiable:
    # Fail outweighs Skip, whichever ended first; among equals the spec's order decides.
    severe = [pair for pair in failed if pair[0].on_unsatisfied is OnUnsatisfied.FAIL]
    dependency, other = (severe or failed)[0]
    cause = other.status.root_cause or _own_cause(other)
    state = other.status.state or JobState.FAILED
    message = f"{cause.job} {cause.message}"
    if cause.job != other.metadata.name:
        message = f"depends on {other.metadata.name} ({state}): {message}"
    elif dependency.condition is not DependencyCondition.COMPLETE:
        message = f"wants {other.metadata.name} {dependency.condition}, but {message}"
    return Unsatisfiable(
        entries,
        message,
        cause,
        JobState.FAILED if severe else JobState.SKIPPED,
    )


def _own_cause(other: Job) -> RootCause:
    state = other.status.state or JobState.FAILED
    words = {JobState.FINISHED: "finished well", JobState.CANCELLED: "was cancelled"}
    return RootCause(
        job=other.metadata.name,
        reason=other.status.reason or state,
        message=words.get(state, f"was {state.lower()}"),
    )


def _undecided(
    entries: tuple[DependencyStatus, ...],
    open_: list[tuple[Dependency, Job | None]],
    cycle: tuple[str, ...],
) -> Undecided:
    if cycle:
        circle = " -> ".join((*cycle, cycle[0]))
        return Undecided(
            entries,
            "DependencyCycle",
            f"depends on itself: {circle}; delete one of them to break the circle",
        )
    missing = [dependency.name for dependency, other in open_ if other is None]
    if missing:
        return Undecided(
            entries, "DependencyNotFound", f"no job {quoted_list(missing)} in this namespace (yet)"
        )
    waits = [
        f"{dependency.name} ({(other and other.status.state) or 'new'}) "
        f"to be {dependency.condition}"
        for dependency, other in open_
    ]
    return Undecided(entries, "DependencyPending", f"waits for {', '.join(waits)}")
