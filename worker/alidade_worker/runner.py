"""One job from its environment to its exit status."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from alidade_core.contract import DATA_FOLDER, EXIT_CODE, EXPERIMENT_ID, OOM_KILLS, RUN_ID
from alidade_worker.assignment import read_assignment
from alidade_worker.datasets import provide_datasets, read_datasets
from alidade_worker.errors import CODES, WorkerError
from alidade_worker.log import say
from alidade_worker.memory import CGROUPS, oom_kills
from alidade_worker.outputs import OUTPUTS, read_outputs, render_outputs
from alidade_worker.parameters import effective_parameters
from alidade_worker.project import load_entry_point
from alidade_worker.source.means import read_means
from alidade_worker.supervision import Supervisor
from alidade_worker.termination import write_message
from alidade_worker.tracking import be_patient, record_parameters, resume_run
from alidade_worker.workflow import Workflow, find_workflow

_FAILED = 1
_KILLED = 128 + signal.SIGKILL

# The kernel takes 128 KiB in one argument; quotes make a command longer than its parameters.
_LONGEST_COMMAND = 100 * 1024


@dataclass(frozen=True)
class Places:
    """Where a pod has what is no matter of its job."""

    cgroups: Path = CGROUPS
    data: Path = Path(DATA_FOLDER)
    """Where datasets are found."""


def run(
    environment: MutableMapping[str, str], supervisor: Supervisor, places: Places | None = None
) -> int:
    """Run the job that the environment describes, leave the termination message, say how it went.

    Of an entry point that fails the message says nothing but what the kernel did, and the exit code
    where it cannot be passed on: Kubernetes puts the end of the log in its place.

    Returns:
        The exit status: that of a :class:`WorkerError`, or the entry point's own, in whose place is
        1 if Kubernetes would take it for the former.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="alidade-") as scratch:
            status, message = _run(environment, supervisor, places or Places(), Path(scratch))
    except WorkerError as error:
        status, message = error.exit_code, error.message()
        say(f"exit code {status}: {error}")
    write_message(environment, message)
    return status


def _run(
    environment: MutableMapping[str, str], supervisor: Supervisor, places: Places, scratch: Path
) -> tuple[int, str]:
    be_patient(environment)
    assignment = read_assignment(environment)
    datasets = read_datasets(environment)
    means = read_means(environment, places.cgroups)
    workflow = find_workflow(assignment.workflow, environment, scratch, means)
    entry_point = load_entry_point(workflow.directory, assignment.entry_point)
    values = effective_parameters(entry_point.name, entry_point.parameters, assignment.parameters)
    provide_datasets(datasets, places.data, means)
    command = entry_point.command(values)
    if assignment.run_id:
        resume_run(assignment.run_id, workflow.origin, entry_point.name, values)
    outputs = scratch / "outputs.json"
    # Of a run that this is not to report to, its process knows nothing.
    told = {**environment, RUN_ID: assignment.run_id or ""}
    before = oom_kills(places.cgroups)
    status = supervisor.run(
        _shell(command, scratch),
        workflow.directory,
        _environment_of_child(told, outputs, workflow),
    )
    own = _news_of_memory(before, oom_kills(places.cgroups), status)
    if assignment.run_id:
        with supervisor.epilogue():
            record_parameters(assignment.run_id, values)
    if status in CODES:
        own[EXIT_CODE] = str(status)
        say(f"the entry point's exit code is {status}, a worker's own; the container's is 1")
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
    say(f"the kernel killed {processes} of this container for want of memory")
    return {OOM_KILLS: str(kills)}


def _shell(command: str, scratch: Path) -> list[str]:
    if len(command.encode()) <= _LONGEST_COMMAND:
        return ["/bin/bash", "-c", command]
    script = scratch / "command.sh"
    script.write_text(command, encoding="utf-8")
    return ["/bin/bash", str(script)]


def _environment_of_child(
    environment: Mapping[str, str], outputs: Path, workflow: Workflow
) -> dict[str, str]:
    # A command's "python" is to be the interpreter that has the worker's libraries.
    programs = (Path(sys.executable).parent, *workflow.programs)
    child = {
        **environment,
        OUTPUTS: str(outputs),
        "PATH": _before(programs, environment.get("PATH", "")),
        "PYTHONPATH": _before(workflow.python_path, environment.get("PYTHONPATH", "")),
        "PYTHONUNBUFFERED": "1",
    }
    # MLflow takes an empty ID for one to look up, Python an empty path for the current folder.
    left_out = (RUN_ID, EXPERIMENT_ID, "PYTHONPATH")
    return {name: value for name, value in child.items() if value or name not in left_out}


def _before(folders: Iterable[Path], others: str) -> str:
    return os.pathsep.join([*map(str, folders), *filter(None, [others])])
