"""The program `kubectl-alidade`, which kubectl runs as `kubectl alidade`."""

import sys

import typer

from alidade.cli import graph, jobs, mlflow
from alidade.cli.doctor import doctor
from alidade.cli.init import init
from alidade.cli.submit import submit
from alidade.errors import AlidadeError

app = typer.Typer(
    name="kubectl alidade",
    help="Experiments and jobs of Alidade: from a folder to results.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    init,
    submit,
    graph.tree,
    graph.why,
    jobs.logs,
    jobs.wait,
    mlflow.results,
    jobs.cancel,
    jobs.rerun,
    mlflow.ui,
    doctor,
):
    app.command()(command)


def main() -> None:
    """Run a command; what a user can do something about is told in one sentence."""
    try:
        app(prog_name="kubectl-alidade")
    except AlidadeError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
