"""The job's MLflow run, which the operator has made and a worker resumes."""

from collections.abc import Mapping, MutableMapping

from mlflow import MlflowClient
from mlflow.entities import Param, RunTag, SourceType
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_PROJECT_ENTRY_POINT,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
)

from alidade_worker.errors import TrackingError

PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "9", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "2"}
"""Some eight minutes of doubling pauses, capped at two: a tracking server may restart meanwhile."""


def be_patient(environment: MutableMapping[str, str]) -> None:
    """Let MLflow's client outlast an outage of its server, unless the pod says how long to try."""
    for name, value in PATIENCE.items():
        environment.setdefault(name, value)


def resume_run(run_id: str, workflow: str, entry_point: str, values: Mapping[str, str]) -> None:
    """Mark the run as running, and record what runs and with which parameters.

    A second attempt at the same job records the same again, which MLflow accepts.

    Raises:
        TrackingError: MLflow cannot be reached, or knows no such run.
    """
    client = MlflowClient()
    tags = {
        MLFLOW_SOURCE_NAME: workflow,
        MLFLOW_SOURCE_TYPE: SourceType.to_string(SourceType.PROJECT),
        MLFLOW_PROJECT_ENTRY_POINT: entry_point,
    }
    try:
        client.update_run(run_id, status="RUNNING")
        client.log_batch(
            run_id,
            params=[Param(name, value) for name, value in values.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
    except MlflowException as error:
        raise TrackingError(f"MLflow run {run_id} cannot be resumed: {error}") from error
