"""What commands write: for people, or in a form for scripts."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from alidade.cli.options import EndCode, Output

if TYPE_CHECKING:
    from alidade_core.api.base import Resource
    from alidade_core.api.job import Job


def resources(found: Sequence["Resource"], output: Output | None, did: str) -> None:
    """Write resources in the form asked for; for people what was done with them."""
    from alidade.manifests import whole_body

    match output:
        case Output.JSON | Output.YAML:
            data([whole_body(each) for each in found], output)
        case _:
            for each in found:
                name = f"{each.definition.singular}.alidade.dev/{each.metadata.name}"
                typer.echo(name if output is Output.NAME else f"{name} {did}")


def data(found: Sequence[Any], output: Output) -> None:
    """Write data as JSON, or as YAML documents."""
    import yaml

    if output is Output.YAML:
        typer.echo(yaml.safe_dump_all(found, sort_keys=False, allow_unicode=True), nl=False)
    else:
        typer.echo(json.dumps(found[0] if len(found) == 1 else list(found), indent=2))


def end(jobs: Iterable["Job"]) -> None:
    """Leave with the code that says what became of the worst of the jobs."""
    from alidade_core.api.job_status import JobState

    states = {job.status.state for job in jobs}
    for state, code in (
        (JobState.FAILED, EndCode.FAILED),
        (JobState.SKIPPED, EndCode.SKIPPED),
        (JobState.CANCELLED, EndCode.CANCELLED),
    ):
        if state in states:
            raise typer.Exit(code)
