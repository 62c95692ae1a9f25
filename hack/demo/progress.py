"""Show the jobs of an experiment while they run, until the last has ended."""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import click
import urllib3
from kubernetes import client, config
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

ENDS = {"Finished", "Failed", "Skipped", "Cancelled"}
STYLES = {
    "Queued": "yellow",
    "Started": "bold cyan",
    "Finished": "green",
    "Failed": "bold red",
    "Skipped": "red",
    "Cancelled": "magenta",
}
PLAIN = {"Completed", "Running"}
"""Reasons that say all there is to say."""
POLL_SECONDS = 1.0
LOG_WIDTH = 120


@dataclass(frozen=True)
class Row:
    """A job as the table shows it."""

    job: str
    state: str
    reason: str
    message: str
    run_id: str

    @property
    def ended(self) -> bool:
        """Whether the job has come to its end."""
        return self.state in ENDS


def read_rows(api: client.CustomObjectsApi, namespace: str, experiment: str) -> list[Row]:
    """Read the experiment's jobs, those that came first on top.

    Raises:
        kubernetes.client.ApiException: The API server refuses.
    """
    answer: Any = api.list_namespaced_custom_object("alidade.dev", "v1alpha1", namespace, "jobs")
    jobs = [job for job in answer["items"] if job["spec"]["experiment"] == experiment]
    return [_row(job) for job in sorted(jobs, key=_order)]


def _order(job: dict[str, Any]) -> tuple[int, str]:
    # The tutorial's stages are told apart by how many jobs each waits for.
    return len(job["spec"].get("dependsOn", ())), job["metadata"]["name"]


def _row(job: dict[str, Any]) -> Row:
    status = job.get("status", {})
    return Row(
        job=job["metadata"]["name"],
        state=status.get("state", ""),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        run_id=status.get("mlflowRunId", ""),
    )


class Accuracies:
    """Accuracies as runs have logged them; those of a run that has ended are read once."""

    def __init__(self) -> None:
        self._client = MlflowClient()
        self._final: dict[str, str] = {}

    def of(self, row: Row) -> str:
        """Return the accuracy of a job's run in percent, or of its last epoch while it trains."""
        if row.run_id in self._final or row.state not in {"Started", "Finished"}:
            return self._final.get(row.run_id, "")
        try:
            metrics = self._client.get_run(row.run_id).data.metrics
        except MlflowException:
            return "?"
        if "accuracy" in metrics:
            self._final[row.run_id] = f"{metrics['accuracy']:.1%}"
        elif row.ended:
            self._final[row.run_id] = "-"
        elif "validation_accuracy" in metrics:
            return f"({metrics['validation_accuracy']:.1%})"
        return self._final.get(row.run_id, "")


def as_table(rows: Iterable[Row], accuracies: Accuracies, seconds: float) -> Table:
    """Lay the jobs out, a row each."""
    table = Table(title=f"{seconds:.0f} s", title_justify="right")
    for name in ("Job", "State", "MLflow run", "Accuracy"):
        table.add_column(name, no_wrap=True)
    table.add_column("Reason", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        reason = row.reason if row.reason in PLAIN else f"{row.reason}: {row.message}"
        style = STYLES.get(row.state, "dim")
        table.add_row(
            row.job, f"[{style}]{row.state}", row.run_id[:8], accuracies.of(row), escape(reason)
        )
    return table


def follow(read: Callable[[], list[Row]], console: Console, accuracies: Accuracies) -> list[Row]:
    """Show the rows until all have ended, and return them: a live table, or a line a change."""
    started = time.monotonic()
    told: dict[str, tuple[str, str]] = {}
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            try:
                rows = read()
            except (client.ApiException, urllib3.exceptions.HTTPError) as error:
                console.log(f"the API server does not answer, trying again: {error}")
                time.sleep(POLL_SECONDS)
                continue
            seconds = time.monotonic() - started
            if console.is_terminal:
                live.update(as_table(rows, accuracies, seconds), refresh=True)
            for row in rows:
                if not console.is_terminal and told.get(row.job) != (row.state, row.reason):
                    told[row.job] = (row.state, row.reason)
                    print(f"[{seconds:4.0f}s] {row.job}: {row.state}: {row.message}", flush=True)
            if rows and all(row.ended for row in rows):
                live.update(as_table(rows, accuracies, seconds), refresh=True)
                return rows
            time.sleep(POLL_SECONDS)


@click.command()
@click.option("--namespace", default="default", show_default=True)
@click.option("--experiment", default="mnist", show_default=True)
def main(namespace: str, experiment: str) -> None:
    """Show an experiment's jobs until the last has ended; exit with 1 if one did not end well."""
    config.load_kube_config()
    api = client.CustomObjectsApi()
    console = Console() if sys.stdout.isatty() else Console(width=LOG_WIDTH)
    rows = follow(lambda: read_rows(api, namespace, experiment), console, Accuracies())
    badly = [f"{row.job} {row.state}: {row.message}" for row in rows if row.state != "Finished"]
    if badly:
        raise SystemExit("not every job ended well:\n" + "\n".join(badly))


if __name__ == "__main__":
    main()
