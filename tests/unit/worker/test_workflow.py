"""Jobs whose workflow has a source, from the environment to the exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support.archives import archive_of, digest, member, tar_of
from tests.support.git_server import GitServer, commit_all, git
from tests.support.process import free_port
from tests.support.wheels import wheel

RunJob = Callable[..., Any]
Source = Callable[..., bytes]

PROJECT = """
name: fetched
entry_points:
  main: {command: "python -m steps.run"}
  where: {command: "pwd"}
"""
RUN = """
import importlib.util, json, os
import steps.words
from alidade_worker.outputs import set_output
set_output("said", steps.words.SAID)
set_output("here", os.getcwd())
set_output("read", open("data.txt").read())
set_output("plugin", importlib.util.find_spec("plugin") is not None)
if os.path.isdir(os.environ.get("DATA", "")):
    set_output("data", sorted(os.listdir(os.environ["DATA"])))
"""
FILES: dict[str, str | bytes] = {
    "MLproject": PROJECT,
    "data.txt": "beside",
    "steps/__init__.py": "",
    "steps/run.py": RUN,
    "steps/words.py": "SAID = 'hello'\n",
}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Give the job a source."""

    def give(content: bytes, sha256: str = "") -> bytes:
        file = tmp_path / "workflow.tgz"
        file.write_bytes(content)
        monkeypatch.setenv("ALIDADE_WORKFLOW_URI", file.as_uri())
        monkeypatch.setenv("ALIDADE_WORKFLOW_SHA256", sha256 or digest(content))
        monkeypatch.setenv("ALIDADE_SOURCE_PATIENCE", "0")
        return content

    return give


@pytest.mark.parametrize("end", [".tgz", ".zip"])
def test_code_of_a_source_runs_and_imports_what_is_beside_it(
    run_job: RunJob, source: Source, end: str
) -> None:
    source(archive_of(FILES, end))
    outcome = run_job("main", directory="")
    outputs = json.loads(outcome.message)
    here = Path(outputs.pop("here"))
    assert outputs == {"said": "hello", "read": "beside", "plugin": "False"}
    # What was fetched goes with the job.
    assert here.is_absolute()
    assert not here.exists()


def test_a_path_is_inside_the_source_whose_root_is_imported_from_too(
    run_job: RunJob, source: Source
) -> None:
    files = {f"flows/one/{name}": text for name, text in FILES.items()}
    files["plugin.py"] = ""
    source(archive_of(files))
    outputs = json.loads(run_job("main", directory="flows/one").message)
    assert (outputs["said"], outputs["read"], outputs["plugin"]) == ("hello", "beside", "True")
    assert outputs["here"].endswith("/flows/one")


@pytest.mark.parametrize(
    ("directory", "said"),
    [
        ("gone", "cannot be used: it has no directory 'gone'."),
        ("data.txt", "cannot be used: it has no directory 'data.txt'."),
        ("../x", "cannot be used: path '../x' leads out of it."),
        ("/workflow", "cannot be used: path '/workflow' leads out of it."),
        ("steps", "There is no MLproject in workflow directory "),
    ],
)
def test_a_path_that_is_not_there(
    run_job: RunJob, source: Source, directory: str, said: str
) -> None:
    source(archive_of(FILES))
    outcome = run_job("main", directory=directory)
    assert outcome.status == 66
    assert said in outcome.message


def test_what_is_refused_is_one_sentence_and_runs_nothing(
    run_job: RunJob, source: Source, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source(tar_of([member("MLproject", PROJECT.encode()), member("../evil.py", b"")]))
    outcome = run_job("where", directory="")
    uri = (tmp_path / "workflow.tgz").as_uri()
    said = (
        f"The workflow's source {uri} cannot be used: entry '../evil.py' leads out of the folder."
    )
    assert (outcome.status, outcome.message) == (66, said)
    assert capfd.readouterr() == ("", f"alidade-worker: exit code 66: {said}\n")


def test_another_archive_than_was_meant_is_refused(run_job: RunJob, source: Source) -> None:
    content = source(archive_of(FILES), sha256="0" * 64)
    outcome = run_job("main", directory="")
    assert outcome.status == 66
    assert f"its sha256 is {digest(content)}, not {'0' * 64}" in outcome.message


def test_a_source_that_cannot_be_reached_has_a_reason_of_its_own(
    run_job: RunJob, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source(archive_of(FILES))
    uri = f"http://me:secret@127.0.0.1:{free_port()}/a.tgz"
    monkeypatch.setenv("ALIDADE_WORKFLOW_URI", uri)
    outcome = run_job("main", directory="")
    assert outcome.status == 69
    told = json.loads(outcome.message)
    assert told["alidade.dev/reason"] == "SourceUnavailable"
    shown = uri.replace("me:secret@", "")
    assert told["alidade.dev/message"].startswith(
        f"The workflow's source {shown} cannot be reached: the server cannot be reached ("
    )
    assert "secret" not in outcome.message


def test_a_commit_is_run_like_an_archive(
    run_job: RunJob, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "served" / "repo"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(str(text))
    git(folder, "init", "--quiet")
    commit = commit_all(folder)
    source(b"")
    monkeypatch.delenv("ALIDADE_WORKFLOW_SHA256")
    with GitServer(tmp_path / "served") as server:
        monkeypatch.setenv("ALIDADE_WORKFLOW_URI", f"git+{server.uri}/repo/.git@{commit}")
        assert json.loads(run_job("main", directory="").message)["said"] == "hello"
        gone = "1" * 40
        monkeypatch.setenv("ALIDADE_WORKFLOW_URI", f"git+{server.uri}/repo/.git@{gone}")
        outcome = run_job("main", directory="")
        assert outcome.status == 66
        assert f"the repository has no commit {gone}" in outcome.message


def test_the_run_tells_where_the_workflow_is_from(
    run_job: RunJob, source: Source, client: MlflowClient, run_id: str, tmp_path: Path
) -> None:
    source(archive_of(FILES))
    assert run_job("main", run_id=run_id, directory="").status == 0
    origin = client.get_run(run_id).data.tags["mlflow.source.name"]
    assert origin == (tmp_path / "workflow.tgz").as_uri()


def test_plugins_of_a_source_are_there_for_its_code(
    run_job: RunJob, source: Source, tmp_path: Path
) -> None:
    line = wheel(tmp_path / "wheels", "plugin")
    built = tmp_path / "wheels" / "plugin-1.0-py3-none-any.whl"
    files = {**FILES, "requirements.txt": line, f"wheels/{built.name}": built.read_bytes()}
    source(archive_of(files))
    assert json.loads(run_job("main", directory="").message)["plugin"] == "True"
    source(archive_of({**files, "requirements.txt": "plugin==1.0\n"}))
    outcome = run_job("main", directory="")
    assert outcome.status == 66
    assert "cannot be used: its plugins cannot be installed (" in outcome.message


def test_datasets_are_there_before_the_entry_point(
    run_job: RunJob, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source(archive_of(FILES))
    content = archive_of({"a.png": "1"})
    (tmp_path / "d.tgz").write_bytes(content)
    dataset = {"name": "d", "uri": (tmp_path / "d.tgz").as_uri(), "sha256": digest(content)}
    monkeypatch.setenv("ALIDADE_DATASETS", json.dumps([dataset]))
    monkeypatch.setenv("DATA", str(tmp_path / "data" / "d"))
    assert json.loads(run_job("main", directory="").message)["data"] == "['a.png']"
    monkeypatch.setenv("ALIDADE_DATASETS", json.dumps([{**dataset, "sha256": "0" * 64}]))
    monkeypatch.setenv("DATA", "")
    outcome = run_job("main", directory="")
    assert outcome.status == 66
    assert outcome.message.startswith(f"Dataset d ({dataset['uri']}) cannot be used: ")
