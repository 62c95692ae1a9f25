"""What a submitted job is, from what its user says."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from alidade.jobs.datasets import datasets_of
from alidade.manifests import API_VERSION
from alidade_core.api.base import Model
from alidade_core.api.dataset import Dataset
from alidade_core.api.job import Dependency, Job
from alidade_core.api.parameter import RunField, ValueSource

Body = dict[str, Any]
Value = str | int | float | bool | ValueSource
"""What a parameter may be; what is no text is written as YAML would."""

MAX_NAME: Final = 63
_SUFFIX: Final = 5
_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"


def run_of(job: str | Job) -> ValueSource:
    """Return the value that is the ID of a job's MLflow run, once it has one."""
    return ValueSource(job=name_of(job), field=RunField.MLFLOW_RUN_ID)


def output_of(job: str | Job, output: str) -> ValueSource:
    """Return the value that a job gives as an output."""
    return ValueSource(job=name_of(job), output=output)


@dataclass(frozen=True, kw_only=True)
class Submission:
    """What a user wants to run.

    Attributes:
        experiment: Name of the Experiment.
        entry_point: Entry point of the workflow's MLproject.
        parameters: Its parameters.
        after: Jobs that have to end well before; of a Dependency its condition.
        name: The job's name; made of the entry point if there is none.
        queue: Name of the Queue; default: the experiment's.
        image: The image; default: the experiment's.
        path: Directory of the workflow, in its source or in the image.
        datasets: What it finds in /data, as resources or written as `NAME=claim:CLAIM`,
            `NAME=artifact:URI#sha256=DIGEST` or `NAME=path:/DIRECTORY`.
        labels: Labels of the job.
        annotations: Annotations of the job.
        spec: Other fields of the job's spec, by the API's names.
    """

    experiment: str
    entry_point: str = "main"
    parameters: Mapping[str, Value] = field(default_factory=dict)
    after: Iterable[str | Job | Dependency] = ()
    name: str | None = None
    queue: str | None = None
    image: str | None = None
    path: str | None = None
    datasets: Iterable[Dataset | str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)


def name_of(job: str | Job) -> str:
    """Return the name of a job that is given by it or as itself."""
    return job.metadata.name if isinstance(job, Job) else job


def made_name(entry_point: str) -> str:
    """Make a name that nobody has, of an entry point's."""
    suffix = "".join(secrets.choice(_LETTERS) for _ in range(_SUFFIX))
    return f"{valid_name(entry_point)[: MAX_NAME - _SUFFIX - 1].rstrip('-')}-{suffix}"


def valid_name(words: str) -> str:
    """Return the name that an object may have which is nearest to these words."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:MAX_NAME].rstrip("-") or "job"


def job_body(wanted: Submission, source: Body | None = None) -> Body:
    """Return the Job to create.

    Args:
        wanted: What its user says.
        source: Its workflow's source; None: that of the experiment.

    Raises:
        ManifestError: A dataset is none.
    """
    dependencies = _dependencies(wanted)
    workflow = {"path": wanted.path, "source": source}
    spec = {
        "experiment": wanted.experiment,
        "entryPoint": wanted.entry_point,
        "queue": wanted.queue,
        "image": wanted.image,
        "parameters": [_parameter(*each) for each in wanted.parameters.items()],
        "dependsOn": [each.model_dump(by_alias=True, exclude_unset=True) for each in dependencies],
        "datasets": [each.dump() for each in datasets_of(wanted.datasets)],
        "workflow": {name: value for name, value in workflow.items() if value},
        **{field: _plain(value) for field, value in wanted.spec.items()},
    }
    metadata = {
        "name": wanted.name or made_name(wanted.entry_point),
        "labels": dict(wanted.labels),
        "annotations": dict(wanted.annotations),
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "Job",
        "metadata": {name: value for name, value in metadata.items() if value},
        "spec": {name: value for name, value in spec.items() if value not in (None, [], {})},
    }


def _plain(value: object) -> object:
    """Return the API's form of a value, which may be a model, or several."""
    if isinstance(value, Model):
        return value.dump()
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _dependencies(wanted: Submission) -> list[Dependency]:
    """Return the jobs named, and those that parameters take values from."""
    named = {
        each.name if isinstance(each, Dependency) else name_of(each): each for each in wanted.after
    }
    for value in wanted.parameters.values():
        if isinstance(value, ValueSource):
            named.setdefault(value.job, value.job)
    return [
        each if isinstance(each, Dependency) else Dependency(name=name)
        for name, each in named.items()
    ]


def _parameter(name: str, value: Value) -> Body:
    if isinstance(value, ValueSource):
        return {"name": name, "valueFrom": value.dump()}
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return {"name": name, "value": text}
