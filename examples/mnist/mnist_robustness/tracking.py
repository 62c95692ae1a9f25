"""The MLflow run that an entry point reports to."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click
import mlflow

from alidade_worker import replicas

ENTRY_POINT_TAG = "mnist.entry_point"
MODEL_NAME_TAG = "mnist.model_name"
MODEL_VERSION_TAG = "mnist.model_version"
ATTACK_RUN_TAG = "mnist.attack_run_id"
SEED_TAG = "mnist.seed"


@contextmanager
def tracked_run(
    entry_point: str, parameters: Mapping[str, object], *, parallel: bool = False
) -> Iterator[str]:
    """Resume the run that the environment names, or start one; yield its ID.

    An exception in the block ends the run as FAILED.

    Args:
        entry_point: what is run.
        parameters: its parameters, for a run that is started.
        parallel: whether it can be run by several replicas; only the chief of those has a run, and
            the others get an empty ID.

    Raises:
        click.ClickException: there are several all the same.
    """
    if replicas.size() > 1 and not parallel:
        raise click.ClickException(f"{entry_point} cannot be shared: set spec.replicas to 1")
    if not replicas.is_chief():
        yield ""
        return
    # Whoever made the run has recorded its parameters, and MLflow refuses other spellings of them.
    resumed = bool(os.environ.get("MLFLOW_RUN_ID"))
    with mlflow.start_run(tags={ENTRY_POINT_TAG: entry_point}) as run:
        if not resumed:
            mlflow.log_params(dict(parameters))
        yield run.info.run_id
