"""`submit`: a folder, or an archive, becomes a job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alidade.cli import lines, show
from alidade.cli.connect import connect, experiment_of
from alidade.cli.options import Context, Experiment, Namespace, OutputOption, datasets_completed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alidade.client import Client
    from alidade.jobs.submission import Value
    from alidade_core.api.dataset import Dataset

OWN = "-"
_RUN_ID = "mlflowRunId"


def submit(
    workflow: Annotated[
        str,
        typer.Argument(
            metavar="DIR|ARCHIVE",
            help=f"Folder with MLproject, or an archive of one; {OWN}: the experiment's own.",
        ),
    ],
    entry_point: Annotated[str, typer.Argument(help="Entry point of MLproject.")] = "main",
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-P", metavar="NAME=VALUE", help="A parameter."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="NAME=JOB:WHAT",
            help=f"A parameter from another job: {_RUN_ID}, or one of its outputs.",
        ),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(metavar="JOB", help="A job that has to end well before."),
    ] = None,
    experiment: Experiment = None,
    create_experiment: Annotated[
        bool,
        typer.Option("--create-experiment", help="Create the experiment if there is none."),
    ] = False,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the job; default: one is made.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option(metavar="NAME", help="Queue; default: the experiment's.")
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="Image; default: the experiment's.")
    ] = None,
    path: Annotated[
        str | None, typer.Option(metavar="PATH", help="Directory of MLproject in the workflow.")
    ] = None,
    datasets: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset",
            metavar="NAME=claim:CLAIM|artifact:URI#sha256=DIGEST|path:/DIRECTORY",
            help="Data that the job finds in /data/NAME.",
            autocompletion=datasets_completed,
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the job's end, and exit as it did.")
    ] = False,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Show its logs as they come, and exit as it did."),
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long to wait at most.")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    output: OutputOption = None,
) -> None:
    """Run an entry point of a workflow as a job, without building an image."""
    from alidade.jobs.submission import Submission
    from alidade.progress import shown

    if follow and output is not None:
        raise typer.BadParameter("--follow shows the logs, where -o would show the job: drop one")
    data = _datasets(datasets or ())
    given = {**_parameters(parameters or ()), **_values(values or ())}
    with connect(namespace, context) as client:
        if experiment and create_experiment:
            _create(client, experiment, queue)
        wanted = Submission(
            experiment=experiment_of(client, experiment),
            entry_point=entry_point,
            parameters=given,
            after=tuple(after or ()),
            name=name,
            queue=queue,
            image=image,
            path=path,
            datasets=data,
        )
        packed = client.packed(None if workflow == OWN else Path(workflow))
        if packed is not None:
            typer.echo(packed.told, err=True)
        job = client.create(wanted, packed)
        if not (wait or follow):
            show.resources([job], output, "created")
            return
        if output is None:
            typer.echo(f"job.alidade.dev/{job.metadata.name} created", err=True)
        if follow:
            lines.tell(client, job.metadata.name, follow=True)
        ended = client.wait(job, timeout=timeout, progress=shown())
        if not follow:
            show.resources([ended], output, str(ended.status.state))
        show.end([ended])


def _create(client: "Client", name: str, queue: str | None) -> None:
    from alidade.errors import NotFoundError
    from alidade_core.api.base import Metadata
    from alidade_core.api.experiment import Experiment as ExperimentResource
    from alidade_core.api.experiment import ExperimentSpec

    try:
        client.get(ExperimentResource, name)
    except NotFoundError:
        spec = ExperimentSpec(queue=queue) if queue else ExperimentSpec()
        client.apply(ExperimentResource(metadata=Metadata(name=name), spec=spec))


def _parameters(given: "Iterable[str]") -> "dict[str, Value]":
    found: dict[str, Value] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"-P {each}: has to be NAME=VALUE")
        found[name] = value
    return found


def _datasets(given: "Iterable[str]") -> "tuple[Dataset, ...]":
    from alidade.errors import ManifestError
    from alidade.jobs.datasets import datasets_of

    try:
        return datasets_of(given)
    except ManifestError as error:
        raise typer.BadParameter(str(error)) from error


def _values(given: "Iterable[str]") -> "dict[str, Value]":
    from alidade.jobs.submission import output_of, run_of

    found: dict[str, Value] = {}
    for each in given:
        name, _, source = each.partition("=")
        job, _, what = source.partition(":")
        if not (name and job and what):
            raise typer.BadParameter(f"--from {each}: has to be NAME=JOB:{_RUN_ID}, or an output")
        found[name] = run_of(job) if what == _RUN_ID else output_of(job, what)
    return found
