"""One job from its environment to its exit status."""

import os
import sys
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from alidade_worker import contract
from alidade_worker.diagnosis import exit_status, explain_failure
from alidade_worker.errors import WorkerError
from alidade_worker.outputs import OUTPUTS, read_outputs, render_outputs
from alidade_worker.parameters import effective_parameters
from alidade_worker.project import load_entry_point
from alidade_worker.supervision import Supervisor
from alidade_worker.termination import write_message
from alidade_worker.tracking import be_patient, resume_run
from alidade_worker.workflow import workflow_directory


def run(environment: MutableMapping[str, str], supervisor: Supervisor) -> int:
    """Run the job that the environment describes, leave the termination message, say how it went.

    Returns:
        The exit status: the entry point's own, or that of a :class:`WorkerError`.
    """
    try:
        status, message = _run(environment, supervisor)
    except WorkerError as error:
        status, message = error.exit_code, str(error)
    if status:
        print(f"alidade-worker: exit code {status}: {message}", file=sys.stderr, flush=True)  # noqa: T201
    write_message(environment, message)
    return status


def _run(environment: MutableMapping[str, str], supervisor: Supervisor) -> tuple[int, str]:
    be_patient(environment)
    assignment = contract.read_assignment(environment)
    directory = workflow_directory(assignment.workflow)
    entry_point = load_entry_point(directory, assignment.entry_point)
    values = effective_parameters(entry_point.name, entry_point.parameters, assignment.parameters)
    command = entry_point.command(values)
    if assignment.run_id:
        resume_run(assignment.run_id, str(directory), entry_point.name, values)
    with tempfile.TemporaryDirectory(prefix="alidade-") as scratch:
        outputs = Path(scratch) / "outputs.json"
        # Of a run that this is not to report to, its process knows nothing.
        told = {**environment, contract.RUN_ID: assignment.run_id or ""}
        ending = supervisor.run(command, directory, _environment_of_child(told, outputs))
        if ending.returncode:
            message = explain_failure(entry_point.name, ending.returncode, ending.stderr)
            return exit_status(ending.returncode), message
        return 0, render_outputs(read_outputs(outputs))


def _environment_of_child(environment: Mapping[str, str], outputs: Path) -> dict[str, str]:
    child = {
        **environment,
        OUTPUTS: str(outputs),
        # A command's "python" is to be the interpreter that has the worker's libraries.
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), environment.get("PATH", ""))),
        "PYTHONUNBUFFERED": "1",
    }
    # MLflow takes an empty ID for one to look up.
    return {
        name: value
        for name, value in child.items()
        if value or name not in (contract.RUN_ID, contract.EXPERIMENT_ID)
    }
