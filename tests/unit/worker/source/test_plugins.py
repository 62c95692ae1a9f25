"""Plugins are installed by pip itself, offline."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from alidade_worker.source.limits import MEBIBYTE
from alidade_worker.source.plugins import Plugins, install_plugins
from alidade_worker.source.problems import RefusedError
from tests.support.wheels import wheel

Install = Callable[[str], Plugins]


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    folder = tmp_path / "workflow"
    folder.mkdir()
    return folder


@pytest.fixture
def wheels(workflow: Path) -> Path:
    return workflow / "wheels"


@pytest.fixture
def install(workflow: Path, tmp_path: Path) -> Install:
    def run(requirements: str) -> Plugins:
        (workflow / "requirements.txt").write_text(requirements)
        return install_plugins(workflow, tmp_path / "overlay")

    return run


@pytest.fixture
def refusal(install: Install) -> Callable[[str], str]:
    def run(requirements: str) -> str:
        with pytest.raises(RefusedError) as caught:
            install(requirements)
        return str(caught.value)

    return run


def test_plugins_are_imported_and_their_programs_run(
    wheels: Path, install: Install, capfd: pytest.CaptureFixture[str]
) -> None:
    files = {
        "attacks/__init__.py": "",
        "attacks/noise.py": "import helpers\ndef main(): print('noise', helpers.LEVEL)\n",
        "attacks-1.0.dist-info/entry_points.txt": "[console_scripts]\nnoise = attacks.noise:main\n",
    }
    numpy = f"numpy=={version('numpy')}"
    needs = ["helpers>=2", numpy, "nothing; python_version < '3'", "more; extra == 'more'"]
    lines = wheel(wheels, "attacks", files=files, requires=needs)
    lines += wheel(wheels, "helpers", "2.1", {"helpers.py": "LEVEL = 3\n"})
    plugins = install(lines)
    assert "plugins: attacks 1.0, helpers 2.1" in capfd.readouterr().err
    command = "import attacks.noise; attacks.noise.main()"
    environment = {"PYTHONPATH": str(plugins.python_path[0]), "PATH": str(plugins.programs[0])}
    for words in ([sys.executable, "-c", command], [str(plugins.programs[0] / "noise")]):
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == "noise 3\n"


def test_without_requirements_and_wheels_there_are_none(workflow: Path, tmp_path: Path) -> None:
    assert install_plugins(workflow, tmp_path / "overlay") == Plugins()


def test_requirements_without_wheels_are_for_other_purposes(
    install: Install, capfd: pytest.CaptureFixture[str]
) -> None:
    assert install("tensorflow\n") == Plugins()
    assert "requirements.txt is not installed: there is no folder wheels" in capfd.readouterr().err


def test_wheels_without_requirements_are_refused(
    workflow: Path, wheels: Path, tmp_path: Path
) -> None:
    wheel(wheels, "attacks")
    with pytest.raises(RefusedError, match=r"^wheels has no requirements.txt with hashes beside"):
        install_plugins(workflow, tmp_path / "overlay")


@pytest.mark.parametrize(
    ("requirements", "said"),
    [
        ("attacks==1.0\n", "Hashes are required in --require-hashes mode"),
        ("gone==1.0 --hash=sha256:" + "0" * 64, "No matching distribution found for gone==1.0"),
        ("attacks==1.0 --hash=sha256:" + "0" * 64, "THESE PACKAGES DO NOT MATCH THE HASHES"),
        ("attacks >>> 1\n", "Invalid requirement: 'attacks >>> 1'"),
    ],
)
def test_what_pip_does_not_install_is_told_in_its_words(
    wheels: Path, refusal: Callable[[str], str], requirements: str, said: str
) -> None:
    wheel(wheels, "attacks")
    told = refusal(requirements)
    assert told.startswith("its plugins cannot be installed (")
    assert said in told


def test_the_line_that_a_file_lacks_is_told(wheels: Path, refusal: Callable[[str], str]) -> None:
    line = wheel(wheels, "attacks")
    assert line.strip() in refusal("attacks==1.0\n")


def test_a_wheel_is_limited_as_a_source_is(wheels: Path, refusal: Callable[[str], str]) -> None:
    line = wheel(wheels, "attacks", files={"attacks/zeros": "0" * 11 * MEBIBYTE})
    told = refusal(line)
    assert told.startswith("its plugin attacks-1.0-py3-none-any.whl is of no use: with entry 'atta")
    assert "as only a bomb does" in told


def test_what_a_plugin_lacks_is_told(wheels: Path, refusal: Callable[[str], str]) -> None:
    lines = wheel(wheels, "attacks", requires=["helpers>=2"])
    assert refusal(lines) == "its plugin attacks needs helpers>=2, which is not in wheels"


def test_a_plugin_that_needs_another_version_than_the_image_has(
    wheels: Path, refusal: Callable[[str], str]
) -> None:
    lines = wheel(wheels, "attacks", requires=["numpy<1"])
    there = version("numpy")
    assert refusal(lines) == f"its plugin attacks needs numpy<1, and there is {there}"


@pytest.mark.parametrize(
    ("name", "files", "said"),
    [
        ("numpy", None, "its plugin numpy 1.0 would hide {} of the image: leave it out, or"),
        ("mine", {"mlflow/__init__.py": ""}, "its plugin mine would hide module mlflow of the"),
        ("mine", {"keras.py": ""}, "its plugin mine would hide module keras of the image"),
        ("mine", {"random.py": ""}, "its plugin mine would hide module random of the image"),
    ],
)
def test_a_plugin_that_would_hide_what_the_image_has_is_refused(
    wheels: Path, refusal: Callable[[str], str], name: str, files: dict[str, str] | None, said: str
) -> None:
    told = refusal(wheel(wheels, name, files=files))
    assert told.startswith(said.format(version("numpy")))
