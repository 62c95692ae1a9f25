"""The workflow to begin with, as it is written and sent; what it does is tested with TensorFlow."""

import io
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from alidade.begin import MAX_NAME, TEMPLATE_NAME, begin, next_steps
from alidade.cli import app
from alidade.errors import FolderError
from alidade.manifests import from_yaml
from alidade.packing import pack
from alidade_core.api.experiment import Experiment
from alidade_core.api.queue import Queue
from tests.support.archives import tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    begin(tmp_path / "own", "first-try")
    return tmp_path / "own"


def test_everything_is_called_by_the_name_that_is_given(folder: Path) -> None:
    assert not any(TEMPLATE_NAME.encode() in (content or b"") for content in tree(folder).values())
    queue, experiment = from_yaml((folder / "experiment.yaml").read_text())
    assert isinstance(queue, Queue)
    assert isinstance(experiment, Experiment)
    assert queue.metadata.name == experiment.metadata.name == experiment.spec.queue == "first-try"
    project = yaml.safe_load((folder / "MLproject").read_text())
    assert project["name"] == "first-try"
    assert set(project["entry_points"]) == {"train", "attack", "evaluate"}


def test_the_archive_has_what_a_job_needs_and_no_more(folder: Path) -> None:
    packed = pack(folder)
    assert set(packed.left_out) == {"README.md", "experiment.yaml", "test_robustness.py"}
    with tarfile.open(fileobj=io.BytesIO(packed.content)) as archive:
        assert {"MLproject", "robustness/train.py"} <= set(archive.getnames())


def test_the_readme_has_the_commands_that_are_printed(folder: Path) -> None:
    lines = (folder / "README.md").read_text().splitlines()
    assert set(next_steps(Path(), "first-try")) <= set(lines)


def test_a_folder_with_a_space_is_quoted() -> None:
    steps = next_steps(Path("my folder"), "x")
    assert steps[0] == "kubectl apply -f 'my folder/experiment.yaml'"
    assert steps[1].startswith("kubectl alidade submit 'my folder' train ")


@pytest.mark.parametrize("kind", ["full", "file", "below a file"])
def test_what_is_there_already_stays(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("mine")
    before = tree(tmp_path)
    place, said = {
        "full": (tmp_path, "is not empty: name a new folder, or an empty one"),
        "file": (tmp_path / "file", "cannot be written to: File exists"),
        "below a file": (tmp_path / "file" / "own", "cannot be written to: Not a directory"),
    }[kind]
    with pytest.raises(FolderError, match=said):
        begin(place, "x")
    assert tree(tmp_path) == before


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["kubectl-alidade", "init", *arguments])
    with pytest.raises(SystemExit) as left:
        app.main()
    return int(left.value.code or 0)


def test_the_command_says_what_is_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "My_Attack"
    assert run(monkeypatch, str(own)) == 0
    head, *steps = capsys.readouterr().out.splitlines()
    count = sum(content is not None for content in tree(own).values())
    assert head.startswith(f"wrote {count} files to {own}; ")
    assert [step.strip() for step in steps] == next_steps(own, "my-attack")
    assert run(monkeypatch, str(own)) == 8
    assert capsys.readouterr().err == (
        f"error: {own}: is not empty: name a new folder, or an empty one\n"
    )


@pytest.mark.parametrize("name", ["My_Attack", "x" * (MAX_NAME + 1), ""])
def test_a_name_that_no_experiment_has_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run(monkeypatch, str(tmp_path / "own"), "--name", name) == 2
    assert "has to be of at most 50 of" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "own").exists()
