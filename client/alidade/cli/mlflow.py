"""`results` and `ui`: what MLflow has, in the terminal and in the browser."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from alidade.cli import show
from alidade.cli.connect import connect, experiment_of
from alidade.cli.options import Context, Experiment, Namespace, Output, OutputOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from alidade.results import Result

_PORT = 5000
_HOUR = 3600


def results(
    experiment: Experiment = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metric", "-m", metavar="NAME", help="Only these metrics."),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    output: OutputOption = None,
) -> None:
    """Show the metrics of an experiment's runs, a row a job."""
    from dataclasses import asdict

    with connect(namespace, context) as client:
        found = client.results(experiment_of(client, experiment))
    if output is Output.NAME:
        for each in found:
            typer.echo(each.run_id)
    elif output is not None:
        show.data([asdict(each) for each in found], output)
    elif not found:
        typer.echo("there are no runs yet", err=True)
    else:
        from rich.console import Console

        Console().print(_table(found, metrics))


def _table(found: "Sequence[Result]", wanted: "Sequence[str] | None") -> "Table":
    from rich.table import Table

    names = wanted or sorted({name for each in found for name in each.metrics})
    table = Table("JOB", "RUN", box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for each in found:
        values = (each.metrics.get(name) for name in names)
        table.add_row(each.job, each.status, *("" if v is None else f"{v:.6g}" for v in values))
    return table


def ui(
    port: Annotated[int, typer.Option(help="Port of localhost.")] = _PORT,
    browser: Annotated[bool, typer.Option(help="Whether to open the browser.")] = True,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Open MLflow in the browser, by a port-forward that lasts until Ctrl-C."""
    import webbrowser

    with connect(namespace, context) as client:
        uri = client.open_mlflow(port)
        typer.echo(f"MLflow is at {uri}; Ctrl-C ends that", err=True)
        if browser:
            webbrowser.open(uri)
        while True:
            time.sleep(_HOUR)
