"""Options that several commands have."""

from enum import StrEnum
from typing import Annotated, Final

import typer


class Output(StrEnum):
    """Forms of output for scripts."""

    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class EndCode:
    """Exit codes of a command that waited for jobs: what became of the worst of them."""

    FAILED: Final = 10
    SKIPPED: Final = 11
    CANCELLED: Final = 12


FAULTS_FOUND: Final = 13
"""Exit code: doctor has found something."""


def jobs_completed(context: typer.Context, incomplete: str) -> list[str]:
    """Return the jobs whose names begin so."""
    from alidade.cli.completion import names

    return names("jobs", context.params, incomplete)


def experiments_completed(context: typer.Context, incomplete: str) -> list[str]:
    """Return the experiments whose names begin so."""
    from alidade.cli.completion import names

    return names("experiments", context.params, incomplete)


def datasets_completed(incomplete: str) -> list[str]:
    """Return the forms that a dataset may have, once it has a name."""
    from alidade.jobs.datasets import FORMS

    name, equals, _ = incomplete.partition("=")
    return [each for form in FORMS if equals and (each := f"{name}={form}:").startswith(incomplete)]


Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Namespace; default: the context's.", metavar="NAME"),
]
Context = Annotated[
    str | None,
    typer.Option(help="Context of the kubeconfig; default: the current one.", metavar="NAME"),
]
OutputOption = Annotated[
    Output | None, typer.Option("--output", "-o", help="Form of output, for scripts.")
]
JobName = Annotated[str, typer.Argument(help="Name of the job.", autocompletion=jobs_completed)]
Experiment = Annotated[
    str | None,
    typer.Option(
        "--experiment",
        "-e",
        help="Name of the experiment; default: the only one of the namespace.",
        metavar="NAME",
        autocompletion=experiments_completed,
    ),
]
