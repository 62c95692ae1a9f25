"""What the testbed answered, by the names of its JSON."""

import re
import shlex
from typing import Any, Final

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_core.api.queue import Queue

Answer = dict[str, Any]

STATUSES: Final = {
    JobState.WAITING: "deferred",
    JobState.QUEUED: "queued",
    JobState.STARTED: "started",
    JobState.FINISHED: "finished",
}
"""The testbed's words for states; every other end was `failed`."""

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
_TIMEOUT: Final = re.compile(r"(\d+)([smhd]?)")


def experiment_answer(experiment: Experiment) -> Answer:
    """Return what was told of an experiment."""
    registered = experiment.status.mlflow_experiment_id
    return {
        "experimentId": int(registered) if registered else None,
        "name": experiment.metadata.name,
        **_times(experiment),
    }


def queue_answer(queue: Queue) -> Answer:
    """Return what was told of a queue."""
    name = queue.metadata.name
    return {"queueId": name, "name": name, **_times(queue)}


def job_answer(job: Job, experiment: Experiment | None = None) -> Answer:
    """Return what was told of a job.

    Args:
        job: The job.
        experiment: Its experiment, for its ID.
    """
    spec, status = job.spec, job.status
    registered = experiment.status.mlflow_experiment_id if experiment else None
    given = [p for p in spec.parameters if p.value is not None]
    source = spec.workflow.source if spec.workflow else None
    # As the testbed said of a job that it had just been given.
    state = status.state or (JobState.WAITING if spec.depends_on else JobState.QUEUED)
    deadline = spec.active_deadline_seconds
    return {
        "jobId": job.metadata.name,
        "mlflowRunId": status.mlflow_run_id,
        "status": STATUSES.get(state, "failed"),
        "experimentId": int(registered) if registered else None,
        "queueId": status.queue or spec.queue,
        "entryPoint": spec.entry_point,
        "entryPointKwargs": shlex.join(w for p in given for w in ("-P", f"{p.name}={p.value}"))
        or None,
        "dependsOn": next((d.name for d in spec.depends_on), None),
        "timeout": f"{deadline}s" if deadline else None,
        "workflowUri": source.archive.uri if source and source.archive else None,
        **_times(job),
    }


def not_found(what: str) -> Answer:
    """Return what was told of a name that there is not."""
    return {"message": f"Not Found - The {what} requested does not exist"}


def parameters(kwargs: str | None) -> dict[str, str]:
    """Read parameters from `-P a=b -P c=d`.

    Raises:
        ValueError: They are written otherwise.
    """
    words = shlex.split(kwargs or "")
    found: dict[str, str] = {}
    while words:
        word = words.pop(0)
        entry = words.pop(0) if word == "-P" and words else word.removeprefix("-P")
        name, equals, value = entry.partition("=")
        if not (word.startswith("-P") and name and equals):
            raise ValueError(f"entry_point_kwargs: {kwargs!r} has to be like '-P a=b -P c=d'")
        found[name] = value
    return found


def seconds(timeout: str) -> int:
    """Read a time as `24h`, `90m` or `3600`.

    Raises:
        ValueError: It is written otherwise.
    """
    read = _TIMEOUT.fullmatch(timeout.strip())
    if read is None or not int(read[1]):
        raise ValueError(f"timeout: {timeout!r} has to be like '24h', '90m' or '3600'")
    return int(read[1]) * _UNITS[read[2] or "s"]


def _times(resource: Experiment | Queue | Job) -> Answer:
    created = resource.metadata.creation_timestamp
    changes = [c.last_transition_time for c in resource.status.conditions]
    changed = max([*changes, *([created] if created else [])], default=None)
    return {
        "createdOn": created.isoformat() if created else None,
        "lastModified": changed.isoformat() if changed else None,
    }
