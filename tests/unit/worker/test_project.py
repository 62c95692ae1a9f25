from pathlib import Path

import pytest

from alidade_worker.errors import UsageError, WorkflowError
from alidade_worker.project import load_entry_point
from alidade_worker.workflow import workflow_directory


def test_values_are_quoted_for_the_shell(workflow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workflow)
    command = load_entry_point(workflow, "greet").command(
        {"whom": "$(rm -rf /); a 'b'", "times": "1", "weight": "0.5"}
    )
    assert command == """python greet.py '$(rm -rf /); a '"'"'b'"'"'' 1 0.5"""


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("/data/there-is-none", "Give the job, or its experiment, a dataset named there-is-none."),
        ("/data/there-is-none/a", "a dataset named there-is-none."),
        ("/elsewhere", "no such file or directory was found."),
    ],
)
def test_a_dataset_that_the_job_does_not_have_is_asked_for(
    tmp_path: Path, value: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "MLproject").write_text(
        "entry_points: {e: {parameters: {data_dir: path}, command: 'ls {data_dir}'}}"
    )
    with pytest.raises(UsageError) as refused:
        load_entry_point(tmp_path, "e").command({"data_dir": value})
    assert str(refused.value).endswith(advice)


def test_a_missing_entry_point_is_named_with_those_there_are(workflow: Path) -> None:
    with pytest.raises(UsageError, match=r"no entry point gret; did you mean greet\? It has boast"):
        load_entry_point(workflow, "gret")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read"),
        ("entry_points: [a]", "cannot be read"),
        ("a: b: c", "cannot be read"),
        ("name: x\nconda_env: gone.yaml", "no such file"),
        ("entry_points: {e: {parameters: {n: integer}, command: x}}", "declared as integer"),
        ("entry_points: {e: {parameters: {}}}", "has no command"),
    ],
)
def test_an_unusable_mlproject_is_the_workflows_fault(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "MLproject").write_text(content)
    with pytest.raises(WorkflowError, match=message):
        load_entry_point(tmp_path, "e")


def test_a_directory_without_mlproject(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="There is no MLproject in workflow directory"):
        load_entry_point(tmp_path, "e")


def test_the_workflow_is_a_directory_of_the_pod(tmp_path: Path) -> None:
    assert workflow_directory(str(tmp_path)) == tmp_path
    with pytest.raises(WorkflowError, match="There is no workflow directory"):
        workflow_directory(str(tmp_path / "gone"))


def test_without_a_source_the_workflow_is_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alidade_worker.workflow.DEFAULT_DIRECTORY", Path("/nowhere"))
    with pytest.raises(WorkflowError, match="no workflow directory /nowhere"):
        workflow_directory("")
