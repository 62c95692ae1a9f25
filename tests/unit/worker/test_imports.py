"""What the worker's modules bring along: a job's first second is theirs."""

import pkgutil
import subprocess
import sys

import alidade_worker
from tests.support.sources import WORKER


def test_nothing_of_the_worker_imports_tensorflow() -> None:
    modules = [
        each.name
        for each in pkgutil.walk_packages(alidade_worker.__path__, "alidade_worker.")
        if not each.name.endswith("__main__")
    ]
    assert "alidade_worker.source.git" in modules
    code = f"import sys, {', '.join(modules)}; print([m in sys.modules for m in {HEAVY}])"
    environment = {"PYTHONPATH": WORKER}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[False, False, False]\n"


HEAVY = ["tensorflow", "keras", "art"]
