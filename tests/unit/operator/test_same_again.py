"""A scenario happens alike each time, so that one that failed can be looked at."""

import json
import os
import subprocess
import sys

from alidade_core.api.job import Dependency
from alidade_operator.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, PODS, QUEUES
from tests.support.simulation import simulate
from tests.support.simulation.scenario import Scenario, Task

NAMES = "abcdefgh"
TELL = f"import {__name__} as told; print(told.what_happens())"


def what_happens() -> str:
    """Return what is there in the end, with versions, of jobs of which three form a circle."""
    circle = {"f": "g", "g": "h", "h": "f"}
    tasks = tuple(
        Task(name, (Dependency(name=circle[name]),) if name in circle else ()) for name in NAMES
    )
    order, limits = (*NAMES, "cpu", "gpu", "mnist"), {"cpu": 2, "gpu": 1}
    world = simulate(Scenario(tasks, order, limits, deaths=frozenset({20}), seed=1, mishaps=0.2))
    kinds = (EXPERIMENTS, QUEUES, JOBS, BATCH_JOBS, PODS)
    return json.dumps([body for kind in kinds for body in world.server.all(kind)])


def told_with(seed: str) -> str:
    """Have a process tell whose strings have hashes, and its sets an order, of their own."""
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    call = [sys.executable, "-c", TELL]
    return subprocess.run(call, env=environment, check=True, capture_output=True, text=True).stdout


def test_in_whatever_order_sets_are() -> None:
    assert told_with("1") == told_with("2")
