"""Each distribution asks for what it imports, so that it can be installed alone."""

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from alidade.doctor.installation import VERSION
from alidade_core.contract import SOURCE_COMMAND
from tests.support.sources import REPOSITORY

DISTRIBUTIONS = ("core", "client", "operator", "worker")
# It reads the list of files of all that is installed.
what_brings = functools.cache(packages_distributions)


def imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.split(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.split(".")[0]


def asked_for(folder: Path) -> set[str]:
    """Return the requirements that its pyproject.toml or its setup.py names."""
    texts = [file.read_text() for file in folder.glob("*.*") if file.suffix in {".py", ".toml"}]
    named = re.findall(r'"([a-z][a-z0-9-]*)(?:\[[a-z0-9,]+\])?(?:[><=]=| @ )', "".join(texts))
    return {name for name in named if name != "setuptools"}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_it_asks_for_what_it_imports_and_nothing_else(name: str) -> None:
    folder = REPOSITORY / name
    # What the client writes for its users is run by the worker.
    written = set(folder.glob("alidade/template/**/*.py"))
    sources = sorted(set(folder.glob("alidade*/**/*.py")) - written)
    own = {source.relative_to(folder).parts[0] for source in sources}
    modules = {module for source in sources for module in imported(source)}
    modules -= own | set(sys.stdlib_module_names)
    assert {_distribution(module) for module in modules} == asked_for(folder)


def test_one_version_is_that_of_all() -> None:
    chart = yaml.safe_load((REPOSITORY / "charts/alidade/Chart.yaml").read_text())
    told = {"chart": chart["version"], "what it installs": chart["appVersion"], "doctor": VERSION}
    for name in DISTRIBUTIONS:
        told[name] = _project(name)["version"]
        setup = REPOSITORY / name / "setup.py"
        if setup.exists():
            (core,) = re.findall(r'"alidade-core==(.+?)"', setup.read_text())
            told[f"the core that {name} asks for"] = core
    assert set(told.values()) == {VERSION}, told


def test_the_worker_brings_the_program_that_the_operator_asks_for() -> None:
    assert _project("worker")["scripts"] == {SOURCE_COMMAND: "alidade_worker.__main__:main"}


def _project(name: str) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((REPOSITORY / name / "pyproject.toml").read_text())
    found: dict[str, Any] = project["project"]
    return found


def _distribution(module: str) -> str:
    """Return what brings a module, by the name of what is the least of it."""
    match module:
        case "pydantic_core":
            return "pydantic"
        case "mlflow":
            return "mlflow-skinny"
        case "botocore":
            return "boto3"
        case "alidade_core":
            return "alidade-core"
        case _:
            return what_brings()[module][0].lower().replace("_", "-")
