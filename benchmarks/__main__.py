"""`make bench`: what Alidade costs, each figure beside its baseline of the same run.

    make bench
    make bench ROWS=jobs,chain
    make bench ROWS=jobs COUNT=500

Prints a table, and leaves it in build/bench as Markdown and JSON.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.rows import chain, fanout, growth, independent, memory, tracked
from benchmarks.table import HEAD, Figure, write
from benchmarks.world import World
from tests.support.sources import REPOSITORY

OUTPUT = REPOSITORY / "build/bench"


class Row(NamedTuple):
    """What can be asked for.

    Attributes:
        measure: Measures it, for so many jobs.
        jobs: How many, unless something else is asked for.
    """

    measure: Callable[[World, int], Awaitable[list[Figure]]]
    jobs: int


ROWS = {
    "jobs": Row(independent.measure, 1000),
    "fanout": Row(fanout.measure, 1000),
    "chain": Row(chain.measure, 200),
    "tracked": Row(tracked.measure, 300),
    "memory": Row(memory.measure, 1000),
    "growth": Row(growth.measure, 1000),
}


@click.command(help=__doc__)
@click.option("--rows", default=",".join(ROWS), show_default=True, help="which, with commas")
@click.option("--count", type=int, help="how many jobs; default: as many as the row says")
@click.option("--output", default=OUTPUT, type=click.Path(path_type=Path), show_default=True)
@click.option("--scratch", type=click.Path(path_type=Path), help="where logs are kept")
def main(rows: str, count: int | None, output: Path, scratch: Path | None) -> None:
    """Measure what is asked for, and print it."""
    chosen = rows.split(",")
    if unknown := set(chosen) - set(ROWS):
        raise click.BadParameter(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    figures: list[Figure] = []
    print(HEAD)
    with (
        tempfile.TemporaryDirectory(prefix="alidade-bench-") as folder,
        World(scratch or Path(folder)) as world,
    ):
        for row in (ROWS[name] for name in chosen):
            found = asyncio.run(measured(row, world, count))
            print("\n".join(figure.markdown() for figure in found), flush=True)
            figures += found
            write(figures, output, " ".join(["python -m benchmarks", *sys.argv[1:]]))


async def measured(row: Row, world: World, count: int | None) -> list[Figure]:
    """Measure a row."""
    return await row.measure(world, count or row.jobs)


if __name__ == "__main__":
    main()
