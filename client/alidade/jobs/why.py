"""Why a job is as it is: the chain of causes, from the job down to the root."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import JobState
from alidade_core.api.queue import Queue
from alidade_core.api.reason import Reason
from alidade_core.words import quoted_list

_TROUBLES = (
    JobCondition.POD_BLOCKED,
    JobCondition.CHANGES_REFUSED,
    JobCondition.POD_TEMPLATE_APPLIED,
    JobCondition.AS_ACCEPTED,
    JobCondition.READABLE,
)
# These are well if they are true, the others if they are false.
_WELL_IF_TRUE = frozenset(_TROUBLES[2:])
_HELPFUL_NOWHERE = frozenset({Reason.DEPENDENCY_PENDING, Reason.DEPENDENCY_UNSATISFIED})


@dataclass(frozen=True)
class Cause:
    """A link of the chain.

    Attributes:
        name: Kind and name of what it is about, as `job train`.
        state: Its state, None where there is no such object or it has none yet.
        reason: Why, in one word.
        message: Why, in one sentence.
        exit_code: What its process ended with.
        advice: What the reason means, and what to do.
        also: What else is wrong with it.
        last_lines: The end of its log.
    """

    name: str
    state: str | None = None
    reason: str | None = None
    message: str | None = None
    exit_code: int | None = None
    advice: str | None = None
    also: tuple[str, ...] = ()
    last_lines: str | None = None


def why(
    job: Job,
    jobs: Iterable[Job],
    experiment: Experiment | None = None,
    queue: Queue | None = None,
) -> list[Cause]:
    """Return the chain of causes: the job first, the root last.

    Args:
        job: The job that is asked about.
        jobs: All jobs of its namespace.
        experiment: Its experiment.
        queue: Its queue.
    """
    known = {each.metadata.name: each for each in jobs} | {job.metadata.name: job}
    chain = [_cause(job)]
    seen = {job.metadata.name}
    at: Job | None = job
    while at is not None and (name := _blamed(at)) is not None:
        if name in seen:
            break
        seen.add(name)
        at = known.get(name)
        chain.append(_cause(at) if at else _gone(name, job))
    _tell_of_the_root(chain, job)
    if at is not None and not at.status.ended:
        chain.extend(_in_its_place(at, known.values()))
        chain.extend(_around(at, experiment, queue))
    return chain


def _cause(job: Job) -> Cause:
    status = job.status
    own = status.root_cause if job.failed_by_itself else None
    return Cause(
        f"job {job.metadata.name}",
        status.state,
        status.reason or ("NotSeen" if status.state is None else None),
        status.message or ("no operator has seen it yet" if status.state is None else None),
        own.exit_code if own else None,
        _advice(status.reason),
        tuple(_troubles(job)),
        own.last_lines if own else None,
    )


def _advice(reason: str | None) -> str | None:
    known = next((each for each in Reason if each == reason), None)
    return None if known is None or known in _HELPFUL_NOWHERE else known.meaning


def _troubles(job: Job) -> Iterable[str]:
    for kind in _TROUBLES:
        condition = job.status.condition(kind)
        wrong = "False" if kind in _WELL_IF_TRUE else "True"
        if condition is None or condition.status != wrong:
            continue
        if condition.message != job.status.message:
            yield f"{condition.reason}: {condition.message}"


def _blamed(job: Job) -> str | None:
    """Return the job that this one waits for, or could not run for."""
    status, name = job.status, job.metadata.name
    known = {each.name: each for each in status.dependencies}
    open_ones = [d.name for d in job.spec.depends_on if not _met(known, d.name)]
    if status.state is JobState.WAITING and status.reason in {
        Reason.DEPENDENCY_PENDING,
        Reason.DEPENDENCY_NOT_FOUND,
        Reason.DEPENDENCY_CYCLE,
        Reason.PARAMETER_PENDING,
    }:
        message = status.message or ""
        return next((n for n in open_ones if f"'{n}'" in message), next(iter(open_ones), None))
    cause = status.root_cause
    if cause is None or cause.job == name:
        return None
    ended = [n for n in open_ones if n in known and known[n].decided]
    return next((n for n in ended if n == cause.job), next(iter(ended), cause.job))


def _met(known: Mapping[str, object], name: str) -> bool:
    return bool(getattr(known.get(name), "met", False))


def _gone(name: str, asked: Job) -> Cause:
    cause = asked.status.root_cause
    if cause is not None and cause.job == name:
        return Cause(
            f"job {name}",
            None,
            cause.reason,
            cause.message,
            cause.exit_code,
            _advice(cause.reason),
            ("it is not there any more",),
            cause.last_lines,
        )
    return Cause(f"job {name}", None, "NotFound", "there is no such job in the namespace")


def _tell_of_the_root(chain: list[Cause], job: Job) -> None:
    """Add the root where a link between is gone: each that was skipped for it knows it."""
    cause = job.status.root_cause
    if cause is None or any(link.name == f"job {cause.job}" for link in chain):
        return
    chain.append(_gone(cause.job, job))


def _in_its_place(job: Job, jobs: Iterable[Job]) -> Iterable[Cause]:
    """Say which jobs have the places of a queue that is full; those first that cannot run."""
    if job.status.reason != Reason.QUEUE_FULL:
        return
    holders = [
        each
        for each in jobs
        if each.status.queue == job.status.queue
        and not each.status.ended
        and _is(each, JobCondition.SUSPENDED, "False")
    ]
    names = quoted_list(each.metadata.name for each in holders)
    yield Cause(f"queue {job.status.queue}", None, Reason.QUEUE_FULL, f"its places have {names}")
    for each in holders:
        if _is(each, JobCondition.POD_BLOCKED, "True"):
            yield _cause(each)


def _is(job: Job, kind: str, status: str) -> bool:
    condition = job.status.condition(kind)
    return condition is not None and condition.status == status


def _around(job: Job, experiment: Experiment | None, queue: Queue | None) -> Iterable[Cause]:
    """Say what is wrong with the experiment and the queue of a job that has yet to end."""
    if experiment is not None and experiment.metadata.name == job.spec.experiment:
        yield from _unwell(f"experiment {experiment.metadata.name}", experiment)
    if queue is not None and queue.metadata.name == job.status.queue:
        yield from _unwell(f"queue {queue.metadata.name}", queue)


def _unwell(name: str, resource: Experiment | Queue) -> Iterable[Cause]:
    for condition in resource.status.conditions:
        if condition.type in {"Ready", "Valid", "Readable"} and condition.status == "False":
            yield Cause(name, None, condition.reason, condition.message, None)
