"""The code and the data of a job: settled once, when it is accepted, and told in its status.

Whatever becomes of its experiment then, the job runs with these, in every attempt.
"""

from pathlib import PurePosixPath

from pydantic import ValidationError

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import JobSpec
from alidade_core.api.source import in_mlflow
from alidade_core.api.workflow import JobWorkflow, Workflow, WorkflowStatus
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.make.inputs import DEFAULT_PATH, Inputs
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects.views import BatchJob


def accept(draft: Draft) -> None:
    """Write down what a job is accepted with, as soon as its experiment is known."""
    if draft.status.ended or draft.status.workflow is not None:
        return
    inputs = _accepted(draft.snapshot)
    if inputs is not None:
        draft.set(workflow=inputs.workflow, datasets=inputs.datasets)


def decide(spec: JobSpec, experiment: Experiment) -> Inputs:
    """Return what a job asks for: its own code and data, or else its experiment's."""
    own, shared = spec.workflow or JobWorkflow(), experiment.spec.workflow or Workflow()
    source = own.source or shared.source
    # A path in the experiment's source says nothing of the job's.
    path = own.path if own.source else own.path or shared.path
    workflow = WorkflowStatus(
        source=source,
        path=path or ("" if source else DEFAULT_PATH),
        sha256=source.sha256 if source else None,
        commit=source.commit if source else None,
    )
    named = {dataset.name: dataset for dataset in (*experiment.spec.datasets, *spec.datasets)}
    return Inputs(workflow=workflow, datasets=tuple(named.values()))


def leads_out(inputs: Inputs) -> bool:
    """Whether the path is not one inside the source, as a job's own may be in its experiment's."""
    path = PurePosixPath(inputs.workflow.path)
    return inputs.workflow.source is not None and (path.is_absolute() or ".." in path.parts)


def what_is_in_mlflow(inputs: Inputs) -> str | None:
    """Say which input only MLflow has, None where none is."""
    source = inputs.workflow.source
    if source and source.archive and in_mlflow(source.archive.uri):
        return f"its workflow's source, {source.archive.uri}"
    return next(
        (f"dataset {d.name}, {d.artifact}" for d in inputs.datasets if in_mlflow(d.artifact)), None
    )


def _accepted(snapshot: Snapshot) -> Inputs | None:
    batch_job, experiment, spec = snapshot.batch_job, snapshot.experiment, snapshot.job.spec
    if batch_job is not None and (known := _remembered(batch_job)):
        return known
    if experiment is None:
        return None
    if batch_job is None:
        return decide(spec, experiment)
    # It was accepted, and made, before any experiment could have a source; nor did its pods, if it
    # has any, look at the job's own.
    nothing = {"source": None}
    shared = experiment.spec.workflow
    before = experiment.spec.model_copy(
        update={"datasets": (), "workflow": shared and shared.model_copy(update=nothing)}
    )
    if not batch_job.suspended:
        spec = spec.model_copy(update={"workflow": None, "datasets": ()})
    return decide(spec, experiment.model_copy(update={"spec": before}))


def _remembered(batch_job: BatchJob) -> Inputs | None:
    """Return what a batch/v1 Job was made with, where somebody has cleared the job's status."""
    if batch_job.inputs is None:
        return None
    try:
        return Inputs.model_validate_json(batch_job.inputs)
    except ValidationError:
        return None
