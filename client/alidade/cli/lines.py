"""What a job's pods have written, line by line."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from alidade.client import Client


def tell(client: "Client", job: str, *, follow: bool, prefix: bool = False) -> None:
    """Print the logs of a job.

    Args:
        client: The client.
        job: Its name.
        follow: Whether to go on until it has ended.
        prefix: Whether each line names its pod; else one that begins is named on standard error.
    """
    said: str | None = None
    for line in client.logs(job, follow=follow):
        where = f"{line.pod}/{line.container}"
        if where != said and said is not None and not prefix:
            typer.echo(f"--- {where}", err=True)
        said = where
        typer.echo(f"{where}: {line.text}" if prefix else line.text)
