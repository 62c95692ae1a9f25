"""A job as a worker is told of it, through its environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from alidade_core.contract import ENTRY_POINT, PARAMETERS, RUN_ID, WORKFLOW
from alidade_worker.errors import UsageError
from alidade_worker.replicas import is_chief


@dataclass(frozen=True)
class Assignment:
    """One job as a worker sees it."""

    entry_point: str
    parameters: Mapping[str, str]
    workflow: str
    run_id: str | None
    """MLflow run to resume; None where there is none, or another replica has it."""


def read_assignment(environment: Mapping[str, str]) -> Assignment:
    """Read a job from the environment that the operator gave the pod.

    Raises:
        UsageError: the parameters are not a JSON object of strings, or TF_CONFIG is not JSON.
    """
    try:
        speaks = is_chief(environment)
    except ValueError as error:
        raise UsageError(f"TF_CONFIG is not JSON: {error}.") from error
    return Assignment(
        entry_point=environment.get(ENTRY_POINT) or "main",
        parameters=_parameters(environment.get(PARAMETERS) or "{}"),
        workflow=environment.get(WORKFLOW, ""),
        run_id=(environment.get(RUN_ID) or None) if speaks else None,
    )


def _parameters(text: str) -> dict[str, str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{PARAMETERS} is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise UsageError(f"{PARAMETERS} must be a JSON object of strings, not {text}.")
    for name, value in values.items():
        if not isinstance(value, str):
            raise UsageError(
                f"{PARAMETERS} must hold strings, but {name} is {json.dumps(value)}: "
                f"write {json.dumps(str(value))}."
            )
        if not _can_be_passed(value):
            raise UsageError(
                f"Parameter {name} holds a character that no command can be given: "
                f"{json.dumps(value)}."
            )
    return values


def _can_be_passed(value: str) -> bool:
    try:
        return "\0" not in value and value.encode() is not None
    except UnicodeEncodeError:
        return False
