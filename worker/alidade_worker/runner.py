"""One job from its environment to its exit status."""

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from alidade_core.contract import EXIT_CODE, EXPERIMENT_ID, OOM_KILLS, RUN_ID
from alidade_worker.assignment import read_assignment
from alidade_worker.errors import CODES, WorkerError
from alidade_worker.memory import CGROUPS, oom_kills
from alidade_worker.outputs import OUTPUTS, read_outputs, render_outputs
from alidade_worker.parameters import effective_parameters
from alidade_worker.project import load_entry_point
from alidade_worker.supervision import Supervisor
from alidade_worker.termination import write_message
from alidade_worker.tracking import be_patient, resume_run
from alidade_worker.workflow import workflow_directory

_FAILED = 1
_KILLED = 128 + signal.SIGKILL

# The kernel takes 128 KiB in one argument; quotes make a command longer than its parameters.
_LONGEST_COMMAND = 100 * 1024


def run(
    environment: MutableMapping[str, str], supervisor: Supervisor, cgroups: Path = CGROUPS
) -> int:
    """Run the job that the environment describes, leave the termination message, say how it went.

    Of an entry point that fails the message says nothing but what the kernel did, and the exit code
    where it cannot be passed on: Kubernetes puts the end of the log in its place.

    Returns:
        The exit status: that of a :class:`WorkerError`, or the entry point's own, in whose place is
        1 if Kubernetes would take it for the former.
    """
    try:
        status, message = _run(environment, supervisor, cgroups)
    except WorkerError as error:
        status, message = error.exit_code, str(error)
        _say(f"exit code {status}: {message}")
    write_message(environment, message)
    return status


def _run(
    environment: MutableMapping[str, str], supervisor: Supervisor, cgroups: Path
) -> tuple[int, str]:
    be_patient(environment)
    assignment = read_assignment(environment)
    directory = workflow_directory(assignment.workflow)
    entry_point = load_entry_point(directory, assignment.entry_point)
    values = effective_parameters(entry_point.name, entry_point.parameters, assignment.parameters)
    command = entry_point.command(values)
    if assignment.run_id:
        resume_run(assignment.run_id, str(directory), entry_point.name, values)
    with tempfile.TemporaryDirectory(prefix="alidade-") as scratch:
        outputs = Path(scratch) / "outputs.json"
        # Of a run that this is not to report to, its process knows nothing.
        told = {**environment, RUN_ID: assignment.run_id or ""}
        before = oom_kills(cgroups)
        status = supervisor.run(
            _shell(command, Path(scratch)), directory, _environment_of_child(told, outputs)
        )
        own = _news_of_memory(before, oom_kills(cgroups), status)
        if status in CODES:
            own[EXIT_CODE] = str(status)
            _say(f"the entry point's exit code is {status}, a worker's own; the container's is 1")
            status = _FAILED
        if status:
            return status, render_outputs({}, own) if own else ""
        return 0, render_outputs(read_outputs(outputs), own)


def _news_of_memory(before: int | None, after: int | None, status: int) -> dict[str, str]:
    if before is None or after is None:
        return {}
    kills = after - before
    if kills <= 0:
        # Unless it is told otherwise, whoever reads that status takes want of memory for likely.
        return {OOM_KILLS: "0"} if status == _KILLED else {}
    processes = "one process" if kills == 1 else f"{kills} processes"
    _say(f"the kernel killed {processes} of this container for want of memory")
    return {OOM_KILLS: str(kills)}


def _say(text: str) -> None:
    line = f"alidade-worker: {text}\n"
    sys.stderr.buffer.write(line.encode(errors="replace"))
    sys.stderr.buffer.flush()


def _shell(command: str, scratch: Path) -> list[str]:
    if len(command.encode()) <= _LONGEST_COMMAND:
        return ["/bin/bash", "-c", command]
    script = scratch / "command.sh"
    script.write_text(command, encoding="utf-8")
    return ["/bin/bash", str(script)]


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
        name: value for name, value in child.items() if value or name not in (RUN_ID, EXPERIMENT_ID)
    }
