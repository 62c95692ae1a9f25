import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support.polling import PATIENCE_SECONDS, eventually
from tests.support.sources import WORKER

RunJob = Callable[..., Any]


def test_outputs_become_the_termination_message(run_job: RunJob, workflow: Path) -> None:
    outcome = run_job(whom="a b", times="2")
    assert outcome.status == 0
    assert json.loads(outcome.message) == {"greeting": "hello a b"}
    assert (workflow / "greeted").read_text() == "['a b', '2', '0.5']"


def test_a_job_without_outputs_says_so(run_job: RunJob, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("x")
    assert run_job("read", file=str(tmp_path / "note")).message == "{}"


@pytest.mark.parametrize(
    ("entry_point", "parameters", "status", "message"),
    [
        ("greet", {}, 64, "Parameter whom of entry point greet has no default and is missing."),
        ("exit", {"code": "x"}, 64, 'Parameter code of entry point exit is "x", but has to be'),
        ("read", {"file": "gone"}, 64, "Entry point read cannot run: Got value gone"),
        ("gret", {}, 64, "The workflow has no entry point gret; did you mean greet?"),
        ("stray", {}, 66, "The command of entry point stray has a placeholder"),
        ("boast", {}, 65, "The job's outputs take 5008 bytes together"),
    ],
)
def test_the_workers_own_failures_say_what_was_wrong(
    run_job: RunJob, entry_point: str, parameters: dict[str, str], status: int, message: str
) -> None:
    outcome = run_job(entry_point, **parameters)
    assert outcome.status == status
    assert outcome.message.startswith(message)


@pytest.mark.parametrize(
    ("entry_point", "parameters", "status"),
    [
        ("fail", {}, 1),
        ("exit", {"code": "42"}, 42),
        ("die", {}, 137),
        ("complain", {}, 3),
    ],
)
def test_of_an_entry_point_that_fails_the_log_tells_and_the_message_is_left_to_kubernetes(
    run_job: RunJob,
    entry_point: str,
    parameters: dict[str, str],
    status: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    outcome = run_job(entry_point, **parameters)
    assert (outcome.status, outcome.message) == (status, "")
    assert "alidade-worker" not in capfd.readouterr().err


@pytest.mark.parametrize("code", [64, 65, 66, 69, 76])
def test_what_a_worker_exits_with_is_not_for_an_entry_point_to_say(
    run_job: RunJob, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = run_job("exit", code=str(code))
    assert (outcome.status, json.loads(outcome.message)) == (
        1,
        {"alidade.dev/exit-code": f"{code}"},
    )
    assert f"alidade-worker: the entry point's exit code is {code}" in capfd.readouterr().err


def _count(file: Path, kills: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"low 0\noom 9\noom_kill {kills}\noom_group_kill 0\n")


@pytest.mark.parametrize("counter", ["memory.events", "memory/memory.oom_control"])
def test_processes_killed_for_want_of_memory_are_told_whatever_the_end(
    run_job: RunJob,
    tmp_path: Path,
    workflow: Path,
    counter: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "cgroups" / counter
    _count(file, 3)
    project = workflow / "MLproject"
    count = f"sed -i s/oom_kill.*/oom_kill\\ 5/ {file}"
    project.write_text(
        f"entry_points: {{well: {{command: '{count}'}}, badly: {{command: '{count}; exit 137'}}}}"
    )
    told = {"alidade.dev/oom-kills": "2"}
    for entry_point, status in (("well", 0), ("badly", 137)):
        _count(file, 3)
        outcome = run_job(entry_point)
        assert (outcome.status, json.loads(outcome.message)) == (status, told)
        assert "the kernel killed 2 processes of this container" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("counts", "message"), [(True, '{"alidade.dev/oom-kills":"0"}'), (False, "")]
)
def test_that_a_process_was_killed_for_something_else_is_told_where_the_kernel_counts(
    run_job: RunJob, tmp_path: Path, workflow: Path, counts: bool, message: str
) -> None:
    if counts:
        _count(tmp_path / "cgroups/memory.events", 3)
    (workflow / "MLproject").write_text("entry_points: {shot: {command: 'kill -9 $$'}}")
    outcome = run_job("shot")
    assert (outcome.status, outcome.message) == (137, message)


@pytest.mark.parametrize(
    "value",
    [
        "caf\u00e9 \U0001f600 \ufffe \x7f\x85",
        "a\nb\tc\r\n",
        "-n $HOME `id` \"'\\ {x} %s ;&|",
        "",
        "\u00e9" * 30_000,
        "'" * 64_000,
    ],
    ids=["planes", "lines", "shell", "empty", "long", "quotes"],
)
def test_a_value_arrives_byte_for_byte_and_never_costs_the_job_its_run(
    run_job: RunJob, workflow: Path, client: MlflowClient, run_id: str, value: str
) -> None:
    assert run_job("whole", text=value, run_id=run_id).status == 0
    assert (workflow / "given").read_bytes() == value.encode()
    assert client.get_run(run_id).info.status == "RUNNING"


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_value_that_no_command_can_be_given_is_refused_by_its_name(
    run_job: RunJob, value: str
) -> None:
    outcome = run_job("whole", text=value)
    assert outcome.status == 64
    assert outcome.message.startswith("Parameter text holds a character that no command can be")


@pytest.mark.parametrize(
    ("left", "status", "message"),
    [
        (b'{"a": "\xf0\x9f\x98\x80 \\ud83d\\ude00"}', 0, '{"a":"\U0001f600 \U0001f600"}'),
        (b'{"a": "\\ud800", "b": "\\u0000\\u007f"}', 0, '{"a":"\ufffd","b":"\\u0000\x7f"}'),
        (b"\xff\xfe", 65, "The entry point's outputs are not JSON"),
        (b"[" * 100_000, 65, "The entry point's outputs are not JSON"),
        (b'{"a": 1}', 65, "The entry point's outputs are no JSON object of strings"),
        (b'{"alidade.dev/oom-kills": "7"}', 65, "Output alidade.dev/oom-kills cannot be"),
    ],
)
def test_whatever_an_entry_point_leaves_is_outputs_or_told(
    run_job: RunJob, workflow: Path, left: bytes, status: int, message: str
) -> None:
    (workflow / "left").write_bytes(left)
    outcome = run_job("odd")
    assert outcome.status == status
    assert outcome.message.startswith(message)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfea\0", b"\xe9: x", b"a: [" * 5000, b"- a\n", b"entry_points: 3", b""],
)
def test_a_project_file_that_is_none_is_told(
    run_job: RunJob, workflow: Path, content: bytes
) -> None:
    (workflow / "MLproject").write_bytes(content)
    assert run_job("greet").status in (64, 66)


def test_the_run_is_resumed_with_its_parameters(
    run_job: RunJob, client: MlflowClient, run_id: str
) -> None:
    assert run_job(whom="you", run_id=run_id).status == 0
    run = client.get_run(run_id)
    assert run.data.params == {"whom": "you", "times": "1", "weight": "0.5"}
    assert run.data.tags["mlflow.project.entryPoint"] == "greet"
    assert run.data.tags["mlflow.source.type"] == "PROJECT"
    assert run.info.status == "RUNNING"


def test_a_second_attempt_goes_on_in_the_same_run(
    run_job: RunJob, client: MlflowClient, run_id: str
) -> None:
    for _ in range(2):
        assert run_job(whom="you", run_id=run_id).status == 0
    assert run_job("log", run_id=run_id).status == 0
    client.set_terminated(run_id, "FAILED")
    assert run_job("log", run_id=run_id).status == 0
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert len(client.get_metric_history(run_id, "attempts")) == 2
    assert len(client.search_runs([run.info.experiment_id])) == 1


def test_a_run_that_is_not_there(run_job: RunJob, client: MlflowClient) -> None:
    outcome = run_job(whom="you", run_id="0" * 32)
    assert outcome.status == 76
    assert outcome.message.startswith(f"MLflow run {'0' * 32} cannot be resumed: ")


def test_without_tracking_there_is_no_run_to_resume(run_job: RunJob, workflow: Path) -> None:
    assert run_job("ids").status == 0
    assert (workflow / "ids").read_text() == "0\n"


@pytest.mark.parametrize("index", [0, 1])
def test_of_several_replicas_the_first_alone_has_the_run(
    run_job: RunJob, workflow: Path, client: MlflowClient, run_id: str, index: int
) -> None:
    cluster = {"worker": ["a-0.a:2222", "a-1.a:2222"]}
    config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    assert run_job("ids", run_id=run_id, tf_config=config).status == 0
    assert client.get_run(run_id).info.status == ("SCHEDULED" if index else "RUNNING")
    assert (workflow / "ids").read_text() == ("0\n" if index else "1\n")


def test_a_tf_config_that_is_none(run_job: RunJob) -> None:
    outcome = run_job("ids", tf_config="{")
    assert outcome.status == 64
    assert outcome.message.startswith("TF_CONFIG is not JSON: ")


def _start_worker(workflow: Path, message: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "alidade_worker"],
        env={
            **os.environ,
            "PYTHONPATH": WORKER,
            "ALIDADE_ENTRY_POINT": "wait",
            "ALIDADE_WORKFLOW": str(workflow),
            "ALIDADE_TERMINATION_LOG": str(message),
        },
        stderr=subprocess.PIPE,
        text=True,
    )


def test_sigterm_reaches_the_entry_point_which_may_end_in_its_own_way(tmp_path: Path) -> None:
    (tmp_path / "MLproject").write_text(
        "entry_points: {wait: {command: \"trap 'echo tidied > tidy; exit 7' TERM; "
        'touch ready; while :; do sleep 0.05; done"}}'
    )
    worker = _start_worker(tmp_path, tmp_path / "message")
    eventually((tmp_path / "ready").exists)
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=PATIENCE_SECONDS)
    assert worker.returncode == 7
    assert (tmp_path / "tidy").read_text() == "tidied\n"


def test_sigterm_ends_an_entry_point_that_does_not_care_and_its_children(tmp_path: Path) -> None:
    (tmp_path / "MLproject").write_text(
        'entry_points: {wait: {command: "touch ready; sleep 60 & wait"}}'
    )
    worker = _start_worker(tmp_path, tmp_path / "message")
    eventually((tmp_path / "ready").exists)
    worker.send_signal(signal.SIGTERM)
    _, stderr = worker.communicate(timeout=PATIENCE_SECONDS)
    assert worker.returncode == 143
    assert not (tmp_path / "message").read_text()
    assert "Traceback" not in stderr
