"""What a real API server makes of the chart."""

import json
from typing import Any

import pytest

from tests.chart.cluster import Installation
from tests.chart.helm import CHART, EXTERNAL, REMOTE_STORES, Values
from tests.support.polling import eventually


@pytest.mark.parametrize(
    "values",
    [
        EXTERNAL,
        REMOTE_STORES,
        {"notebook": {"enabled": True}},
        {"operator": {"replicas": 3}},
        {"mlflow": {"persistence": {"enabled": False}, "upgradeDatabase": True}},
        {"mlflow": {"service": {"type": "NodePort", "port": 80}}},
        {"namespaces": ["default", "kube-public"]},
    ],
)
def test_the_api_server_takes_what_the_values_may_lead_to(
    installed: Installation, values: Values
) -> None:
    assert "STATUS: pending-upgrade" in installed.install(values, "--dry-run=server")


@pytest.mark.parametrize("component", ["operator", "mlflow"])
def test_pods_are_admitted_where_only_restricted_ones_are(
    installed: Installation, component: str
) -> None:
    selector = f"--selector=app.kubernetes.io/component={component}"
    (pod,) = eventually(lambda: installed.get("pods", selector))
    assert pod["spec"]["serviceAccountName"] == f"alidade-{component}"


def test_the_definitions_come_with_the_chart(installed: Installation) -> None:
    answer = installed.plane.kubectl("get", "--raw", "/apis/alidade.dev/v1alpha1")
    served = {resource["name"] for resource in json.loads(answer)["resources"]}
    assert {"experiments", "queues", "jobs"} <= served


def test_the_definitions_are_upgraded_by_kubectl(installed: Installation) -> None:
    crds = ("apply", "--server-side", "--force-conflicts", "--filename", str(CHART / "crds"))
    said = installed.plane.kubectl(*crds).splitlines()
    assert len(said) == 3
    assert all(line.endswith("serverside-applied") for line in said)


def test_the_notes_say_how_to_go_on(installed: Installation) -> None:
    notes = installed.install()
    for line in (
        "Runs are tracked at http://alidade-mlflow.alidade.svc:5000.",
        "kubectl apply --namespace default --kustomize examples/mnist",
        "kubectl get jobs.alidade.dev --namespace default",
        "kubectl port-forward --namespace alidade service/alidade-mlflow 5000:5000",
    ):
        assert line in notes


def test_the_notes_are_about_the_values(installed: Installation) -> None:
    notes = installed.install({**EXTERNAL, "namespaces": ["team-a"]}, "--dry-run=server")
    assert "serves the namespaces team-a." in notes
    assert (
        "Runs are tracked at https://mlflow.example.org "
        "(by jobs: https://mlflow-pods.example.org)." in notes
    )
    assert "kubectl get jobs.alidade.dev --namespace team-a" in notes
    assert "port-forward" not in notes


def test_the_notes_warn_of_results_that_will_be_lost(installed: Installation) -> None:
    lossy: dict[str, Any] = {"mlflow": {"persistence": {"enabled": False}}}
    assert "WARNING: mlflow.persistence.enabled" in installed.install(lossy, "--dry-run=server")
    assert "WARNING" not in installed.install({}, "--dry-run=server")


def test_results_outlive_the_release_and_the_next_one_takes_them_up(
    installed: Installation,
) -> None:
    plane = installed.plane
    plane.kubectl("create", "namespace", "passing")
    release = Installation(plane, "passing", "passing")
    values = {"namespaces": ["passing"]}
    release.install(values)
    (claim,) = release.get("persistentvolumeclaims")
    said = release.helm("uninstall")
    assert claim["metadata"]["name"] in said
    assert not release.get("deployments,services,roles,rolebindings")
    release.install(values)
    (again,) = release.get("persistentvolumeclaims")
    assert again["metadata"]["uid"] == claim["metadata"]["uid"]
    release.helm("uninstall")


def test_uninstalling_leaves_definitions_and_what_users_made(installed: Installation) -> None:
    plane = installed.plane
    plane.kubectl("create", "namespace", "leaving")
    release = Installation(plane, "leaving", "leaving")
    release.install({"namespaces": ["leaving"]})
    queue = {"apiVersion": "alidade.dev/v1alpha1", "kind": "Queue", "metadata": {"name": "cpu"}}
    plane.kubectl("-n", "leaving", "apply", "-f", "-", stdin=json.dumps({**queue, "spec": {}}))
    release.helm("uninstall")
    assert [found["metadata"]["name"] for found in release.get("queues.alidade.dev")] == ["cpu"]
