"""Whether experiments and jobs of the namespace can go on, and what the user may do."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from alidade.doctor.facts import Facts, Finding
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.reason import Reason

_PATIENCE: Final = timedelta(minutes=1)


def findings(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong."""
    for right, role in facts.lacking:
        yield Finding(f"you may not {right}", f"ask for {role}")
    yield from _experiments(facts)
    yield from _unseen_jobs(facts)
    yield from _stuck_jobs(facts)
    yield from _wrong_images(facts)


def _experiments(facts: Facts) -> Iterator[Finding]:
    queues = None if facts.queues is None else {queue.metadata.name for queue in facts.queues}
    for experiment in facts.experiments or ():
        name, ready = experiment.metadata.name, experiment.status.condition("Ready")
        if ready is not None and ready.status == "False" and ready.reason != Reason.REGISTERING:
            yield Finding(f"experiment '{name}' is not ready: {ready.message}", "mend that")
        queue = experiment.spec.queue
        if queue is not None and queues is not None and queue not in queues:
            yield Finding(
                f"experiment '{name}' names the queue '{queue}', which there is not",
                f"apply that queue, or name one of {', '.join(sorted(queues)) or 'your own'}",
            )


def _unseen_jobs(facts: Facts) -> Iterator[Finding]:
    unseen = [
        job.metadata.name
        for job in facts.jobs or ()
        if job.status.state is None
        and job.metadata.creation_timestamp is not None
        and facts.now - job.metadata.creation_timestamp > _PATIENCE
    ]
    if unseen:
        yield Finding(
            f"no operator sees to this namespace: {len(unseen)} jobs have no status, as "
            f"'{unseen[0]}'",
            f"see that the chart's `namespaces` has {facts.namespace}, or is empty",
        )


def _stuck_jobs(facts: Facts) -> Iterator[Finding]:
    told: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for job in facts.jobs or ():
        blocked = job.status.condition(JobCondition.POD_BLOCKED)
        if blocked is None or blocked.status != "True" or job.status.ended:
            continue
        key = (blocked.reason, blocked.message)
        told[key] += 1
        first.setdefault(key, job.metadata.name)
    for (reason, message), count in told.items():
        name = first[reason, message]
        more = f" and {count - 1} more" if count > 1 else ""
        yield Finding(
            f"job '{name}'{more}: no pod can run: {reason}: {message}",
            f"kubectl alidade why {name}",
        )


def _wrong_images(facts: Facts) -> Iterator[Finding]:
    """Tell of images that cannot be given a workflow's source."""
    told = {
        job.status.root_cause.message: job.metadata.name
        for job in facts.jobs or ()
        if job.failed_by_itself
        and job.status.root_cause is not None
        and job.status.root_cause.reason == Reason.SOURCE_UNSUPPORTED
    }
    for message, name in told.items():
        yield Finding(f"job '{name}' failed: {message}", "make the image from the worker's")
