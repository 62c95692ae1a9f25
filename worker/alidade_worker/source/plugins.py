"""Task plugins: the wheels that a source brings, put beside the image's own libraries, offline.

``requirements.txt`` with hashes and a folder ``wheels`` beside the MLproject. What the image has
stays as it is: a plugin that would hide one of its libraries is refused.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name

from alidade_core.words import clip
from alidade_worker.log import say
from alidade_worker.source.archive import unpack
from alidade_worker.source.problems import RefusedError

REQUIREMENTS = "requirements.txt"
WHEELS = "wheels"

_LONGEST_WORDS = 1000

_Found = Mapping[NormalizedName, Distribution]

_OFFLINE = (
    *("--isolated", "--disable-pip-version-check", "--no-input", "--no-cache-dir"),
    *("--no-index", "--only-binary", ":all:", "--require-hashes"),
    # What they need of the image's libraries is there already, and checked afterwards.
    "--no-deps",
    *("--no-warn-script-location", "--no-compile", "--quiet"),
)


@dataclass(frozen=True)
class Plugins:
    """What was installed."""

    python_path: tuple[Path, ...] = ()
    programs: tuple[Path, ...] = ()


def install_plugins(workflow: Path, overlay: Path) -> Plugins:
    """Install the wheels that a workflow brings into a folder of their own.

    Args:
        workflow: The directory with the MLproject.
        overlay: The folder, which is not there yet.

    Raises:
        RefusedError: They cannot be installed, lack something, or would hide what the image has.
    """
    requirements, wheels = workflow / REQUIREMENTS, workflow / WHEELS
    brought = any(wheels.glob("*.whl"))
    if not requirements.is_file():
        if brought:
            raise RefusedError(f"{WHEELS} has no {REQUIREMENTS} with hashes beside it")
        return Plugins()
    if not brought:
        say(f"{REQUIREMENTS} is not installed: there is no folder {WHEELS} beside it")
        return Plugins()
    for wheel in sorted(wheels.glob("*.whl")):
        _check(wheel, overlay.parent)
    _install(requirements, wheels, overlay)
    own = {canonicalize_name(each.name): each for each in distributions(path=[str(overlay)])}
    image = {canonicalize_name(each.name): each for each in distributions()}
    for problem in (*_hidden(own, image), *_lacking(own, image)):
        raise RefusedError(problem)
    say("plugins: " + ", ".join(f"{each.name} {each.version}" for _, each in sorted(own.items())))
    programs = overlay / "bin"
    return Plugins((overlay,), (programs,) if programs.is_dir() else ())


def _check(wheel: Path, scratch: Path) -> None:
    """Do nothing about a wheel that would be taken as a source, which pip unpacks without limits.

    Raises:
        RefusedError: It holds what is not taken, or too much.
    """
    try:
        with TemporaryDirectory(dir=scratch) as folder:
            unpack(wheel, Path(folder))
    except RefusedError as error:
        raise RefusedError(f"its plugin {wheel.name} is of no use: {error}") from error


def _install(requirements: Path, wheels: Path, overlay: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", *_OFFLINE]
    command += ["--find-links", str(wheels), "--target", str(overlay), "--requirement"]
    done = subprocess.run(  # noqa: S603 - every word of it is ours
        [*command, str(requirements)],
        # Not the workflow's directory, from which it would import.
        cwd=overlay.parent,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        # What follows the last error is about it, as the lines that a file lacks.
        errors = [number for number, line in enumerate(lines) if "ERROR" in line] or [-1]
        told = " ".join(lines[errors[-1] :]).removeprefix("ERROR: ").rstrip(".")
        words = clip(told, _LONGEST_WORDS) or f"exit status {done.returncode}"
        raise RefusedError(f"its plugins cannot be installed ({words})")


def _hidden(own: _Found, image: _Found) -> Iterator[str]:
    """Tell of the libraries of the image that these would stand before."""
    for name, each in own.items():
        other = image.get(name)
        if other is not None and other.version != each.version:
            yield (
                f"its plugin {each.name} {each.version} would hide {other.version} of the image: "
                "leave it out, or make an image with it"
            )
    modules = {module for each in image.values() for module in _modules(each)}
    modules |= sys.stdlib_module_names
    for name, each in own.items():
        for module in sorted(_modules(each) & modules if name not in image else ()):
            yield f"its plugin {each.name} would hide module {module} of the image"


def _lacking(own: _Found, image: _Found) -> Iterator[str]:
    """Tell of what they need and is neither with them nor in the image."""
    for each in own.values():
        for text in each.requires or ():
            try:
                needed = Requirement(text)
            except InvalidRequirement as error:
                yield f"its plugin {each.name} needs {text!r}, which says nothing ({error})"
                continue
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
            name = canonicalize_name(needed.name)
            found = own.get(name) or image.get(name)
            if found is None:
                yield f"its plugin {each.name} needs {needed}, which is not in {WHEELS}"
            elif not needed.specifier.contains(found.version, prereleases=True):
                yield f"its plugin {each.name} needs {needed}, and there is {found.version}"


def _modules(distribution: Distribution) -> set[str]:
    """Return the names by which a distribution is imported, but for shared namespaces."""
    files = distribution.files or ()
    return {
        file.parts[0] if len(file.parts) > 1 else file.name.partition(".")[0]
        for file in files
        if (len(file.parts) == 1 and file.suffix in {".py", ".so"})
        or (len(file.parts) == 2 and file.name == "__init__.py")  # noqa: PLR2004 - PACKAGE/FILE
    }
