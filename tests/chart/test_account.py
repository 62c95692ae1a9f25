"""The operator's account on a real API server: it may do its work, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.chart.cluster import NAMESPACED, SERVED, Installation
from tests.chart.helm import NAMESPACE
from tests.support.manifests import experiment, job, queue
from tests.support.polling import eventually

WORK = [
    "list experiments.alidade.dev",
    "watch experiments.alidade.dev",
    "patch experiments.alidade.dev --subresource=status",
    "list queues.alidade.dev",
    "watch queues.alidade.dev",
    "patch queues.alidade.dev --subresource=status",
    "get jobs.alidade.dev",
    "list jobs.alidade.dev",
    "watch jobs.alidade.dev",
    "delete jobs.alidade.dev",
    "patch jobs.alidade.dev --subresource=status",
    "update jobs.alidade.dev --subresource=finalizers",
    "get jobs.batch",
    "list jobs.batch",
    "watch jobs.batch",
    "create jobs.batch",
    "patch jobs.batch",
    "delete jobs.batch",
    "list pods",
    "watch pods",
    "get pods --subresource=log",
    "get services",
    "create services",
    "create events.events.k8s.io",
    "list events.events.k8s.io",
    "list workloads.kueue.x-k8s.io",
]
NOT_ITS_WORK = [
    "create jobs.alidade.dev",
    "update jobs.alidade.dev",
    "patch jobs.alidade.dev",
    "deletecollection jobs.alidade.dev",
    "delete experiments.alidade.dev",
    "patch queues.alidade.dev",
    "update jobs.batch --subresource=status",
    "create pods",
    "delete pods",
    "delete services",
    "create pods --subresource=exec",
    "get secrets",
    "list secrets",
    "get configmaps",
    "create serviceaccounts --subresource=token",
    "list namespaces",
    "list nodes",
    "list customresourcedefinitions.apiextensions.k8s.io",
    "create rolebindings.rbac.authorization.k8s.io",
    "delete events.events.k8s.io",
    "patch workloads.kueue.x-k8s.io",
    "create events",
]


@pytest.mark.parametrize("right", WORK)
def test_by_default_the_operator_may_do_its_work_everywhere(
    installed: Installation, right: str
) -> None:
    assert installed.may(right)


@pytest.mark.parametrize("right", WORK)
def test_with_namespaces_the_operator_may_do_its_work_there_alone(
    namespaced: Installation, right: str
) -> None:
    allowed = [
        namespace
        for namespace in (*SERVED, NAMESPACED, "default", "kube-system")
        if namespaced.may(right, namespace)
    ]
    assert allowed == list(SERVED)


@pytest.mark.parametrize("right", NOT_ITS_WORK)
def test_the_operator_may_do_nothing_else(
    installed: Installation, namespaced: Installation, right: str
) -> None:
    assert not installed.may(right, "default")
    assert not installed.may(right, NAMESPACE)
    assert not namespaced.may(right, SERVED[0])


@pytest.mark.parametrize("verb", ["get", "update", "delete"])
def test_the_operator_may_touch_its_own_lease_alone(installed: Installation, verb: str) -> None:
    assert installed.may(f"{verb} leases.coordination.k8s.io/alidade-operator", NAMESPACE)
    assert not installed.may(f"{verb} leases.coordination.k8s.io/other", NAMESPACE)
    assert not installed.may(f"{verb} leases.coordination.k8s.io/alidade-operator", "default")


@pytest.mark.parametrize("release", ["installed", "namespaced"])
def test_its_rights_are_all_that_the_operator_needs(
    release: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    installation: Installation = request.getfixturevalue(release)
    # The release without namespaces serves all of them, and the other leaves this one alone.
    namespace = "default" if release == "installed" else SERVED[0]
    user = User(installation, namespace)
    with installation.operator(tmp_path, "instance-0") as operator:
        user.apply(
            queue(maxRunning=1),
            experiment(tracking="None"),
            job("passing", ttlSecondsAfterFinished=0),
            job("cancelled", dependsOn=[{"name": "kept"}]),
            job("kept", suspend=True),
        )
        user.cancel("cancelled")
        user.succeed("passing")
        eventually(lambda: user.gone("jobs.alidade.dev", "passing"))
        eventually(lambda: user.state("cancelled") == "Cancelled")
        eventually(lambda: user.gone("jobs.batch", "cancelled"))
        eventually(lambda: user.state("kept") == "Queued")
        eventually(lambda: {"passing", "cancelled"} <= user.told_of())
        assert operator.terminate() == 0
    said = operator.log().lower()
    assert "forbidden" not in said
    assert "traceback" not in said
    assert not installation.get("leases")


class User:
    """Who has jobs run, and plays the kubelet.

    Args:
        installation: The release whose operator runs them.
        namespace: Where they are.
    """

    def __init__(self, installation: Installation, namespace: str) -> None:
        self._plane = installation.plane
        self._namespace = namespace

    def kubectl(self, *arguments: str, **options: Any) -> str:
        return self._plane.kubectl("-n", self._namespace, *arguments, **options)

    def apply(self, *objects: dict[str, Any]) -> None:
        for each in objects:
            self.kubectl("apply", "-f", "-", stdin=json.dumps(each))

    def cancel(self, name: str) -> None:
        self.kubectl(
            "patch", "jobs.alidade.dev", name, "--type=merge", '-p={"spec":{"cancel":true}}'
        )

    def succeed(self, name: str) -> None:
        """Report that the pod of a job ended well."""
        selector = f"--selector=alidade.dev/job={name}"
        pod = eventually(lambda: self.kubectl("get", "pods", selector, "-o", "name").strip())
        phase = '-p={"status":{"phase":"Succeeded"}}'
        self.kubectl("patch", pod, "--subresource=status", "--type=merge", phase)

    def state(self, name: str) -> str:
        path = "jsonpath={.status.state}"
        return self.kubectl("get", "jobs.alidade.dev", name, "-o", path).strip()

    def gone(self, kind: str, name: str) -> bool:
        return not self.kubectl("get", kind, name, "--ignore-not-found").strip()

    def told_of(self) -> set[str]:
        """Return the names of jobs that there are events about."""
        path = "jsonpath={.items[*].regarding.name}"
        return set(self.kubectl("get", "events.events.k8s.io", "-o", path).split())
