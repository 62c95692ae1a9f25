"""What a job costs the API server and MLflow in requests, which no machine makes more or fewer.

The bounds are of jobs that run smoothly. `make bench` says what many of them cost.
"""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.scene import Scene
from tests.integration.test_logs import until_archived
from tests.support.audit import AuditLog, Key, Request, counted
from tests.support.manifests import experiment, job, queue
from tests.support.operator import Operator
from tests.support.polling import eventually
from tests.support.rights import USER
from tests.support.tracking import TrackingServer

SILENCE_SECONDS = 1
STATUS = ("patch", "jobs.alidade.dev/status")
EVENT = ("create", "events.events.k8s.io")
CREATION = ("create", "jobs.batch")
RELEASE = ("patch", "jobs.batch")
LOG = ("get", "pods/log")

# On a slow machine each step of a job's is seen by itself; on a fast one several are told at once.
PLAIN = Counter({STATUS: 8, EVENT: 2, CREATION: 1})
WITH_ALL = Counter({STATUS: 13, EVENT: 2, CREATION: 1, RELEASE: 1, LOG: 3})


@pytest.fixture
def operator(account: Path, tracking: TrackingServer, tmp_path: Path) -> Iterator[Operator]:
    with Operator(tmp_path / "operator.log", account, tracking.uri) as operator:
        yield operator


def about(requests: list[Request], name: str) -> Counter[Key]:
    """Count the requests about a job, and what is made for it and is named after it."""
    return counted(
        requests, lambda r: r.name == name or r.name.startswith((f"{name}-", f"{name}."))
    )


def until_quiet(audit: AuditLog, begun: int, scene: Scene) -> list[Request]:
    """Wait until the operator asks no more about a namespace; return what it has asked."""

    def asked(mark: int) -> list[Request]:
        return [r for r in audit.since(mark) if (r.user, r.namespace) == (USER, scene.namespace)]

    def quiet() -> bool:
        mark = audit.mark()
        time.sleep(SILENCE_SECONDS)
        return not asked(mark)

    eventually(quiet)
    return asked(begun)


@pytest.mark.usefixtures("operator")
def test_a_job_without_a_run_costs_no_more_than_this(empty_scene: Scene, audit: AuditLog) -> None:
    mark = audit.mark()
    empty_scene.apply(queue(), experiment(tracking="None"), job("plain"))
    empty_scene.until("plain", "Finished")

    found = about(until_quiet(audit, mark, empty_scene), "plain")

    assert found <= PLAIN, found


@pytest.mark.usefixtures("operator")
def test_a_job_with_a_dependency_a_run_and_a_log_costs_no_more_than_this(
    scene: Scene, audit: AuditLog
) -> None:
    mark = audit.mark()
    scene.apply(job("parent"), job("whole", "parent"))
    scene.until("whole", "Finished")
    scene.until_tracked("whole")
    until_archived(scene, "whole")

    found = about(until_quiet(audit, mark, scene), "whole")

    assert found <= WITH_ALL, found
