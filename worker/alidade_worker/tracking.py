"""The job's MLflow run, which the operator has made and a worker resumes."""

import json
from collections.abc import Mapping, MutableMapping

from mlflow import MlflowClient
from mlflow.entities import Param, RunTag, SourceType
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_DOES_NOT_EXIST,
    ErrorCode,
)
from mlflow.utils.mlflow_tags import (
    MLFLOW_PROJECT_ENTRY_POINT,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
)

from alidade_core.contract import PARAMETERS_TAG
from alidade_worker.errors import RunLostError, TrackingError
from alidade_worker.log import say

PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "9", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "2"}
"""Some eight minutes of doubling pauses, capped at two: a tracking server may restart meanwhile."""

_LONGEST_TAG = 5000
_MISSING = ErrorCode.Name(RESOURCE_DOES_NOT_EXIST)
_REFUSED = ErrorCode.Name(INVALID_PARAMETER_VALUE)


def be_patient(environment: MutableMapping[str, str]) -> None:
    """Let MLflow's client outlast an outage of its server, unless the pod says how long to try."""
    for name, value in PATIENCE.items():
        environment.setdefault(name, value)


def resume_run(run_id: str, origin: str, entry_point: str, values: Mapping[str, str]) -> None:
    """Mark the run as running, and record what runs.

    Its parameters are no more than a tag yet, as its code may log them in its own words.

    Raises:
        RunLostError: MLflow knows no such run.
        TrackingError: MLflow cannot be asked.
    """
    client = MlflowClient()
    tags = {
        MLFLOW_SOURCE_NAME: origin,
        MLFLOW_SOURCE_TYPE: SourceType.to_string(SourceType.PROJECT),
        MLFLOW_PROJECT_ENTRY_POINT: entry_point,
    }
    told = json.dumps(dict(values))
    if values and len(told) <= _LONGEST_TAG:
        tags[PARAMETERS_TAG] = told
    try:
        client.update_run(run_id, status="RUNNING")
        client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    except MlflowException as error:
        problem = f"MLflow run {run_id} cannot be resumed: {error}"
        # To MLflow a deleted run is there, but in a state that is not valid.
        lost = error.error_code in (_MISSING, _REFUSED)
        raise (RunLostError if lost else TrackingError)(problem) from error


def record_parameters(run_id: str, values: Mapping[str, str]) -> None:
    """Record the parameters that the entry point had, those that it did not log itself.

    After it, as MLflow keeps a parameter's first value: the code's own spelling is the right one.
    What MLflow does not take is said in the log, and keeps no job from its end.
    """
    if not values:
        return
    client = MlflowClient()
    try:
        known = client.get_run(run_id).data.params
        for name, value in values.items():
            if name not in known:
                _record(client, run_id, Param(name, value))
    except MlflowException as error:
        say(f"the parameters are not in the MLflow run: {error}")


def _record(client: MlflowClient, run_id: str, param: Param) -> None:
    """Record a parameter; one that MLflow does not take does not keep it from the others."""
    try:
        client.log_batch(run_id, params=[param])
    except MlflowException as error:
        if error.error_code != _REFUSED:
            raise
        say(f"parameter {param.key} is not in the MLflow run: {error}")
