"""What each distribution costs to install and to import, beside Python and pydantic alone.

    python3 benchmarks/distributions.py

Each gets an environment of its own, by `pip install ./NAME` from this checkout and an index. Sizes
are those of its packages, with their compiled files; an import is timed as a whole process, the
best of five, by the processor's time. Installing is timed once: mostly it is the index's time.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from venv import EnvBuilder

REPOSITORY = Path(__file__).resolve().parent.parent
TIMES = 5
MEGABYTE = 1e6


class Subject(NamedTuple):
    """What is measured: what pip is asked for, and the module that is imported."""

    name: str
    requirement: str
    module: str


SUBJECTS = (
    Subject("Python alone", "", "sys"),
    Subject("pydantic", "pydantic>=2.12", "pydantic"),
    Subject("alidade-core", "core", "alidade_core.api.job"),
    Subject("alidade (client)", "client", "alidade.client"),
    Subject("kubectl alidade", "client", "alidade.cli.app"),
    Subject("alidade-worker", "worker", "alidade_worker.__main__"),
    Subject("alidade-operator", "operator", "alidade_operator.__main__"),
)


class Cost(NamedTuple):
    """What a subject costs."""

    megabytes: float
    packages: int
    install_seconds: float
    import_seconds: float


def measure(subject: Subject, folder: Path, sources: Path) -> Cost:
    """Install a subject into an environment of its own, and import it."""
    EnvBuilder(symlinks=True).create(folder)
    python = folder / "bin/python"
    begun = time.monotonic()
    if subject.requirement:
        own = sources / subject.requirement
        wanted = str(own) if own.is_dir() else subject.requirement
        pip = (sys.executable, "-m", "pip", "--python", str(python))
        subprocess.run([*pip, "install", "--quiet", wanted], check=True)
    installed = time.monotonic() - begun
    (library,) = folder.glob("lib/python*/site-packages")
    size = sum(file.stat().st_size for file in library.rglob("*") if file.is_file())
    packages = len(list(library.glob("*.dist-info")))
    return Cost(size / MEGABYTE, packages, installed, import_seconds(python, subject.module))


def import_seconds(python: Path, module: str) -> float:
    """Return what the fastest of some processes takes that imports a module and ends."""
    times = []
    for _ in range(TIMES):
        begun = _processor_seconds()
        subprocess.run([python, "-c", f"import {module}"], check=True)
        times.append(_processor_seconds() - begun)
    return min(times)


def _processor_seconds() -> float:
    """Return what the processes that have ended took of the processor."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure all of them, and print a table."""
    print("| | MB | packages | install, s | import, s |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        # What pip builds is left beside its sources.
        sources = Path(scratch) / "sources"
        for name in ("core", "client", "operator", "worker"):
            shutil.copytree(REPOSITORY / name, sources / name)
        for number, subject in enumerate(SUBJECTS):
            cost = measure(subject, Path(scratch) / str(number), sources)
            print(
                f"| {subject.name} | {cost.megabytes:.0f} | {cost.packages} |"
                f" {cost.install_seconds:.0f} | {cost.import_seconds:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
