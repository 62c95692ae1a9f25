"""`tree` and `why`: how jobs hang together, and what one of them waits or failed for."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alidade.cli import show
from alidade.cli.connect import connect
from alidade.cli.options import Context, Experiment, JobName, Namespace, Output, OutputOption

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.text import Text
    from rich.tree import Tree

    from alidade.jobs.tree import Node
    from alidade.jobs.why import Cause

_MAX_MESSAGE = 100


def tree(
    experiment: Experiment = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it as it changes.")] = False,
    namespace: Namespace = None,
    context: Context = None,
    output: OutputOption = None,
) -> None:
    """Show the graph of jobs, each below what it comes after, with their states."""
    from alidade.jobs.tree import forest

    with connect(namespace, context) as client:
        if output is not None:
            trees = client.tree(experiment=experiment)
            nodes = [node for each in trees for node in each.walk() if node.job and not node.shown]
            show.resources([node.job for node in nodes if node.job], output, "")
        elif watch:
            _watch(map(forest, client.watch(experiment=experiment)))
        else:
            from rich.console import Console

            console = Console()
            trees = client.tree(experiment=experiment)
            for each in trees:
                console.print(_drawn(each))
            if not trees:
                typer.echo("there are no jobs", err=True)


def _watch(versions: "Iterable[list[Node]]") -> None:
    from rich.console import Console, Group
    from rich.live import Live

    with Live(console=Console(), auto_refresh=False) as live:
        for trees in versions:
            live.update(Group(*map(_drawn, trees)), refresh=True)


def _drawn(node: "Node") -> "Tree":
    from rich.tree import Tree

    drawn = Tree(_label(node))
    stack: list[tuple[Tree, Node]] = [(drawn, node)]
    while stack:
        at, of = stack.pop()
        stack.extend((at.add(_label(each)), each) for each in of.below)
    return drawn


def _label(node: "Node") -> "Text":
    from rich.text import Text

    from alidade.progress import STYLES

    text = Text(no_wrap=True, overflow="ellipsis")
    if node.condition is not None and node.condition != "Complete":
        text.append(f"[{node.condition}] ", "dim")
    text.append(node.name)
    if node.job is None:
        return text.append(" is not there", "bold red")
    state, status = node.job.status.state, node.job.status
    text.append(" ").append(state or "Unseen", STYLES.get(state, "") if state else "dim")
    if node.shown:
        return text.append(" (see above)", "dim")
    if status.message and state != "Finished":
        text.append(
            f" {status.reason}: {status.message.partition(chr(10))[0][:_MAX_MESSAGE]}", "dim"
        )
    if node.also_after:
        text.append(f" (also after {', '.join(node.also_after)})", "dim")
    return text


def why(
    job: JobName, namespace: Namespace = None, context: Context = None, output: OutputOption = None
) -> None:
    """Say why a job is as it is: the chain of causes, down to the root."""
    from dataclasses import asdict

    with connect(namespace, context) as client:
        chain = client.why(job)
    if output is Output.NAME:
        typer.echo(chain[-1].name.replace(" ", "/"))
    elif output is not None:
        causes: list[Any] = [{k: v for k, v in asdict(each).items() if v} for each in chain]
        show.data(causes, output)
    else:
        for depth, cause in enumerate(chain):
            for line in _told(cause):
                typer.echo(f"{'  ' * depth}{line}")


def _told(cause: "Cause") -> "Iterable[str]":
    exited = f" (exit code {cause.exit_code})" if cause.exit_code is not None else ""
    state = f" is {cause.state}" if cause.state else ""
    yield f"{cause.name}{state}: {cause.reason}{exited}"
    yield from (f"  {line}" for line in (cause.message or "").splitlines())
    yield from (f"  also {trouble}" for trouble in cause.also)
    if cause.advice:
        yield f"  → {cause.advice}"
    if cause.last_lines:
        yield "  last lines:"
        yield from (f"    {line}" for line in cause.last_lines.rstrip().splitlines())
