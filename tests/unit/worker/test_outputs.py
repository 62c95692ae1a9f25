from pathlib import Path

import pytest

from alidade_worker.errors import OutputsError
from alidade_worker.outputs import OUTPUTS, read_outputs, render_outputs, set_output


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "outputs.json"
    monkeypatch.setenv(OUTPUTS, str(path))
    return path


def test_outputs_are_text_and_the_last_value_counts(file: Path) -> None:
    set_output("model_version", 3)
    set_output("model_version", 4)
    set_output("name", "größe")
    assert read_outputs(file) == {"model_version": "4", "name": "größe"}


def test_without_alidade_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OUTPUTS, raising=False)
    monkeypatch.chdir(tmp_path)
    set_output("model_version", 3)
    assert list(tmp_path.iterdir()) == []


def test_what_kubernetes_would_cut_is_refused_and_changes_nothing(file: Path) -> None:
    set_output("a", "x" * 4088)
    with pytest.raises(OutputsError, match=r"take 4105 bytes together; Kubernetes keeps 4096"):
        set_output("b", "yy")
    assert list(read_outputs(file)) == ["a"]


def test_the_limit_counts_bytes_not_characters() -> None:
    assert len(render_outputs({"a": "é" * 2044}).encode()) == 4096
    with pytest.raises(OutputsError):
        render_outputs({"a": "é" * 2045})


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1}'])
def test_other_contents_are_refused(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(OutputsError):
        read_outputs(file)
