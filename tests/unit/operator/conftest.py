"""Fixtures of the operator's tests; and Hypothesis without a clock: a busy machine fails none."""

import pytest
from hypothesis import HealthCheck, settings

from alidade_operator.kube.gateway import EXPERIMENTS, JOBS, QUEUES
from tests.support.builders import experiment_body, job_body, queue_body
from tests.support.caching import Scene

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def lab(scene: Scene) -> Scene:
    """An experiment, two queues, and three jobs of which the second waits for the first."""
    scene.put(EXPERIMENTS, experiment_body())
    scene.put(QUEUES, queue_body(maxRunning=1), queue_body("gpu"))
    scene.put(JOBS, job_body("a"), job_body("b", depends_on=["a"]), job_body("c", queue="gpu"))
    return scene
