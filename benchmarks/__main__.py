"""`make bench`: what Alidade costs, each figure beside its baseline of the same run.

    make bench
    make bench ROWS=jobs,chain
    make bench ROWS=jobs COUNT=500 ROUNDS=5

Prints a table, and leaves it in build/bench as Markdown and JSON.
"""

import asyncio
import tempfile
from pathlib import Path

import click

from benchmarks.rows import independent
from benchmarks.table import HEAD, Figure, write
from benchmarks.world import World
from tests.support.sources import REPOSITORY

OUTPUT = REPOSITORY / "build/bench"


@click.command(help=__doc__)
@click.option("--rows", default="jobs", show_default=True)
@click.option("--count", default=1000, show_default=True)
@click.option("--rounds", default=independent.ROUNDS, show_default=True)
@click.option(
    "--scratch",
    type=click.Path(path_type=Path),
    help="where processes leave their logs; default: nowhere for long",
)
@click.option("--output", default=OUTPUT, type=click.Path(path_type=Path), show_default=True)
def main(rows: str, count: int, rounds: int, scratch: Path | None, output: Path) -> None:
    """Measure what is asked for, and print it."""
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="alidade-bench-") as folder,
        World(scratch or Path(folder)) as world,
    ):
        if "jobs" in rows:
            figures += asyncio.run(independent.measure(world, count, rounds))
    print(HEAD)
    for figure in figures:
        print(figure.markdown())
    write(figures, output, f"make bench ROWS={rows} COUNT={count} ROUNDS={rounds}")


if __name__ == "__main__":
    main()
