"""`make bench`: what Alidade costs, each figure beside its baseline of the same run.

    make bench
    make bench ROWS=jobs,chain
    make bench ROWS=jobs COUNT=500

Prints a table, and leaves it in build/bench as Markdown and JSON.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import click

from benchmarks.rows import chain, fanout, growth, independent, memory, scale, tracked
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

    measure: Callable[[World, int], Coroutine[Any, Any, list[Figure]]]
    jobs: int


ROWS = {
    "jobs": Row(independent.measure, 1000),
    "fanout": Row(fanout.measure, 1000),
    "chain": Row(chain.measure, 200),
    "tracked": Row(tracked.measure, 300),
    "memory": Row(memory.measure, 1000),
    "growth": Row(growth.measure, 1000),
    "dags": Row(scale.dags, 20_000),
    "queues": Row(scale.lines, 1000),
}
AT_LENGTH = {"dags", "queues"}
"""Those that take hours, and are to be asked for."""
DEFAULT = ",".join(name for name in ROWS if name not in AT_LENGTH)


@click.command(help=__doc__)
@click.option("--rows", default=DEFAULT, show_default=True, help="which, with commas")
@click.option("--count", type=int, help="how many jobs; default: as many as the row says")
@click.option("--output", default=OUTPUT, type=click.Path(path_type=Path), show_default=True)
@click.option("--scratch", type=click.Path(path_type=Path), help="where processes work")
def main(rows: str, count: int | None, output: Path, scratch: Path | None) -> None:
    """Measure what is asked for, and print it."""
    chosen = rows.split(",")
    if unknown := set(chosen) - set(ROWS):
        raise click.BadParameter(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    figures: list[Figure] = []
    print(HEAD)
    for name in chosen:
        found = measured(ROWS[name], count, scratch)
        print("\n".join(figure.markdown() for figure in found), flush=True)
        figures += found
        write(figures, output, " ".join(["python -m benchmarks", *sys.argv[1:]]))


def measured(row: Row, count: int | None, scratch: Path | None) -> list[Figure]:
    """Measure a row, in a world of its own: no other row's jobs are there."""
    with (
        tempfile.TemporaryDirectory(prefix="alidade-bench-", dir=scratch) as folder,
        World(Path(folder)) as world,
    ):
        return asyncio.run(row.measure(world, count or row.jobs))


if __name__ == "__main__":
    main()
