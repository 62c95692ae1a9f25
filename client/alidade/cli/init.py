"""`init`: a folder with a workflow to begin with."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write, which is empty or not there.")
    ],
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name of the experiment and of its queue; default: the folder's."
        ),
    ] = None,
) -> None:
    """Write a workflow to begin with: train a model, attack it, evaluate it."""
    from alidade.begin import MAX_NAME, begin, next_steps
    from alidade.jobs.submission import valid_name

    likely = valid_name(folder.resolve().name if name is None else name)[:MAX_NAME].rstrip("-")
    if name not in (None, likely):
        raise typer.BadParameter(
            f"--name {name}: has to be of at most {MAX_NAME} of a-z, 0-9 and -; {likely} is one"
        )
    written = begin(folder, likely)
    typer.echo(f"wrote {len(written)} files to {folder}; README.md tells of them. What is next:")
    for step in next_steps(folder, likely):
        typer.echo(f"  {step}")
