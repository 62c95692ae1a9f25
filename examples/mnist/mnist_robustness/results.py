"""Read an experiment's runs back from MLflow and print how attacks transfer between models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import click
from mlflow import MlflowClient
from mlflow.entities import Run
from rich.console import Console
from rich.table import Table

from mnist_robustness.tracking import (
    ATTACK_RUN_TAG,
    ENTRY_POINT_TAG,
    MODEL_NAME_TAG,
)

JOB_TAG = "alidade.dev/job"
"""Tag that the operator sets on a job's run: the job's name."""


@dataclass(frozen=True)
class Transferability:
    """Accuracies in [0, 1] of registered models, on clean and on adversarial images."""

    clean: Mapping[str, float]
    """By model."""
    adversarial: Mapping[tuple[str, str], float]
    """By the model that was attacked and the model that was shown the images."""

    @property
    def models(self) -> list[str]:
        """Every model that took part, by name."""
        return sorted({*self.clean, *(name for pair in self.adversarial for name in pair)})


def find_runs(client: MlflowClient, experiment: str) -> list[Run]:
    """Return the experiment's finished runs, newest first; of runs of one job, the newest only.

    Raises:
        LookupError: MLflow has no experiment of this name.
    """
    found = client.get_experiment_by_name(experiment)
    if found is None:
        raise LookupError(f"MLflow has no experiment {experiment}")
    runs = client.search_runs(
        [found.experiment_id],
        filter_string="attributes.status = 'FINISHED'",
        order_by=["attributes.start_time DESC"],
    )
    newest: dict[str, Run] = {}
    for run in runs:
        newest.setdefault(run.data.tags.get(JOB_TAG, run.info.run_id), run)
    return list(newest.values())


def get_runs(client: MlflowClient, run_ids: Mapping[str, str]) -> list[Run]:
    """Return the runs of these jobs, given as run IDs by job name."""
    return [client.get_run(run_id) for run_id in run_ids.values()]


def transferability(runs: Iterable[Run]) -> Transferability:
    """Put the accuracies that runs have logged in their places; of two for one place, the first.

    Which model was attacked and which was evaluated stands in tags that the entry points set, so
    jobs may be called anything.
    """
    runs = list(runs)
    clean: dict[str, float] = {}
    adversarial: dict[tuple[str, str], float] = {}
    attacked = {run.info.run_id: run.data.tags[MODEL_NAME_TAG] for run in runs if _is(run, "fgm")}
    for run in runs:
        accuracy = run.data.metrics.get("accuracy")
        model = run.data.tags.get(MODEL_NAME_TAG)
        if accuracy is None or model is None:
            continue
        source = attacked.get(run.data.tags.get(ATTACK_RUN_TAG, ""))
        if _is(run, "train"):
            clean.setdefault(model, accuracy)
        elif source is not None:
            adversarial.setdefault((source, model), accuracy)
    return Transferability(clean=clean, adversarial=adversarial)


def as_table(result: Transferability) -> Table:
    """Lay the accuracies out: a row for each set of images, a column for each model shown them."""
    table = Table(title="Accuracy, clean and after the Fast Gradient Method")
    table.add_column("images")
    for model in result.models:
        table.add_column(model, justify="right")
    table.add_row("clean", *(_percent(result.clean.get(model)) for model in result.models))
    table.add_section()
    for source in result.models:
        table.add_row(
            f"made against {source}",
            *(_percent(result.adversarial.get((source, model))) for model in result.models),
        )
    return table


def _is(run: Run, entry_point: str) -> bool:
    return run.data.tags.get(ENTRY_POINT_TAG) == entry_point


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _jobs(pairs: Iterable[str]) -> dict[str, str]:
    jobs = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(jobs.values()):
        raise click.BadParameter("write JOB=RUN_ID")
    return jobs


@click.command()
@click.option("--experiment", default="mnist", show_default=True)
@click.option("--tracking-uri", envvar="MLFLOW_TRACKING_URI", help="default: MLflow's own")
@click.option("--job", "jobs", multiple=True, metavar="JOB=RUN_ID", help="these runs instead")
def main(experiment: str, tracking_uri: str | None, jobs: tuple[str, ...]) -> None:
    """Print the transferability matrix of an experiment."""
    client = MlflowClient(tracking_uri)
    try:
        runs = get_runs(client, _jobs(jobs)) if jobs else find_runs(client, experiment)
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    Console().print(as_table(transferability(runs)))


if __name__ == "__main__":
    main()
