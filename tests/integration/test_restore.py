"""etcd is restored from a backup while the operator runs, which goes by what there is then."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bench import CRDS
from tests.support.control_plane import ControlPlane
from tests.support.manifests import Body, experiment, job, queue
from tests.support.operator import Operator
from tests.support.polling import eventually

NOWHERE = "http://127.0.0.1:1"
STORE = ("kube-apiserver", "etcd")


class Restorable:
    """An API server whose store can be put back, and an operator of it."""

    def __init__(self, plane: ControlPlane, operator: Operator) -> None:
        self.plane = plane
        self.operator = operator
        self._backup = plane.folder / "backup"

    def back_up(self) -> None:
        """Keep all that is stored by now."""
        self._stop()
        shutil.copytree(self.plane.folder / "etcd", self._backup)
        self._go_on()

    def restore(self) -> None:
        """Have what was kept, and nothing else."""
        self._stop()
        shutil.rmtree(self.plane.folder / "etcd")
        self._backup.rename(self.plane.folder / "etcd")
        self._go_on()

    def apply(self, *objects: Body) -> None:
        self.plane.apply(*objects)

    def cancel(self, name: str) -> None:
        cancelled = json.dumps({"spec": {"cancel": True}})
        self.plane.kubectl("patch", "jobs.alidade.dev", name, "--type=merge", "-p", cancelled)

    def until(self, name: str, state: str) -> dict[str, Any]:
        def check() -> dict[str, Any]:
            job = json.loads(self.plane.kubectl("get", "jobs.alidade.dev", name, "-o", "json"))
            assert job.get("status", {}).get("state") == state
            return dict(job["metadata"])

        return eventually(check)

    def _stop(self) -> None:
        for name in STORE:
            self.plane.kill(name)

    def _go_on(self) -> None:
        for name in reversed(STORE):
            self.plane.start(name)
        self.plane.wait_until_served()


@pytest.fixture
def restorable(tmp_path: Path) -> Iterator[Restorable]:
    with ControlPlane(tmp_path / "plane", CRDS, controllers=()) as plane:
        log = tmp_path / "operator.log"
        with Operator(log, plane.kubeconfig, NOWHERE, own_namespace="default") as operator:
            yield Restorable(plane, operator)


def test_jobs_go_on_from_where_the_backup_has_them(restorable: Restorable) -> None:
    restorable.apply(queue(stopPolicy="Hold"), experiment(tracking="None"))
    restorable.apply(job("ended"), job("deleted"))
    for name in ("ended", "deleted"):
        restorable.until(name, "Queued")
    restorable.back_up()

    restorable.cancel("ended")
    restorable.until("ended", "Cancelled")
    before = restorable.until("deleted", "Queued")
    restorable.plane.kubectl("delete", "jobs.alidade.dev", "deleted")
    restorable.apply(job("after", "ended"))
    restorable.until("after", "Skipped")
    restorable.restore()

    # Its UID is one that was gone.
    assert restorable.until("deleted", "Queued")["uid"] == before["uid"]
    for name in ("ended", "deleted"):
        restorable.cancel(name)
        restorable.until(name, "Cancelled")
    restorable.apply(job("after", {"name": "ended", "condition": "Ended"}))
    restorable.until("after", "Queued")
    assert "cluster.turned_back" in restorable.operator.log()
    assert restorable.operator.runs
