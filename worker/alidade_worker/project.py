"""The workflow's MLproject, read by MLflow: its entry points, and the command of one of them."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.projects.utils import get_entry_point_command, load_project

from alidade_core.contract import DATA_FOLDER
from alidade_worker.errors import UsageError, WorkflowError
from alidade_worker.parameters import TYPES, Declaration, did_you_mean

# MLflow announces a scratch directory for each command; a job's log is for the job.
logging.getLogger("mlflow.projects").setLevel(logging.WARNING)


@dataclass(frozen=True)
class EntryPoint:
    """An entry point as the MLproject declares it."""

    name: str
    parameters: Mapping[str, Declaration]
    directory: Path
    _project: Any

    def command(self, values: Mapping[str, str]) -> str:
        """Return the shell command with these values in it, each quoted for the shell.

        Leaves the process in the workflow's directory, where the command is to run.

        Raises:
            UsageError: a path does not exist, or a URI is none.
            WorkflowError: the command names a parameter that is not declared.
        """
        # MLflow looks for local paths from the current directory.
        os.chdir(self.directory)
        try:
            commands = get_entry_point_command(self._project, self.name, dict(values), None)
        except MlflowException as error:
            raise UsageError(
                f"Entry point {self.name} cannot run: {error}{_datasets_missing(values)}"
            ) from error
        except (LookupError, ValueError) as error:
            raise WorkflowError(
                f"The command of entry point {self.name} has a placeholder that is no declared "
                f"parameter: {error}."
            ) from error
        return " ".join(commands)


def load_entry_point(directory: Path, name: str) -> EntryPoint:
    """Read one entry point of the MLproject in a workflow's directory.

    Raises:
        WorkflowError: there is no MLproject, or it cannot be read or declares an unknown type.
        UsageError: it has no entry point of this name.
    """
    if not any(path.name.lower() == "mlproject" for path in directory.iterdir()):
        raise WorkflowError(f"There is no MLproject in workflow directory {directory}.")
    try:
        project = load_project(directory)
    except Exception as error:
        # The file may be anything, and MLflow raises what its parts do.
        raise WorkflowError(f"The MLproject in {directory} cannot be read: {error}.") from error
    entry_points = project._entry_points
    if name not in entry_points:
        raise UsageError(
            f"The workflow has no entry point {name}{did_you_mean(name, entry_points)} "
            f"It has {', '.join(sorted(entry_points)) or 'none'}."
        )
    declared = {
        str(parameter): Declaration(
            type=spec.type, default=None if spec.default is None else str(spec.default)
        )
        for parameter, spec in entry_points[name].parameters.items()
    }
    for parameter, declaration in declared.items():
        if declaration.type not in TYPES:
            raise WorkflowError(
                f"Parameter {parameter} of entry point {name} is declared as "
                f"{declaration.type}; an MLproject knows {', '.join(TYPES)}."
            )
    if not entry_points[name].command:
        raise WorkflowError(f"Entry point {name} has no command in the MLproject.")
    return EntryPoint(name=name, parameters=declared, directory=directory, _project=project)


def _datasets_missing(values: Mapping[str, str]) -> str:
    """Say what would be right where values are paths of datasets that the job does not have."""
    paths = [PurePosixPath(value) for value in values.values()]
    inside = [path.relative_to(DATA_FOLDER) for path in paths if path.is_relative_to(DATA_FOLDER)]
    names = dict.fromkeys(path.parts[0] for path in inside if path.parts)
    return "".join(
        f" Give the job, or its experiment, a dataset named {name}."
        for name in names
        if not Path(DATA_FOLDER, name).exists()
    )
