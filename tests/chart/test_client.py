"""What clients are told of a release, and who may reach its MLflow."""

import json

import pytest

from tests.chart.cluster import Installation
from tests.chart.helm import EXTERNAL, Rendered, refusal
from tests.support.polling import eventually

GROUP = {"kind": "Group", "name": "robustness", "apiGroup": "rbac.authorization.k8s.io"}
ROLE = "alidade-mlflow-user"
USER = "ada"


def test_clients_are_told_where_mlflow_is() -> None:
    told = Rendered().get("ConfigMap", "alidade-client")["data"]
    labels = Rendered().pod("mlflow")["metadata"]["labels"]
    selected = dict(pair.split("=") for pair in told["mlflowPods"].split(","))
    assert selected.items() <= labels.items()
    assert selected["app.kubernetes.io/component"] == "mlflow"
    ports = Rendered().container("mlflow")["ports"]
    assert told["mlflowPort"] in {str(port["containerPort"]) for port in ports}
    assert told["operator"] == "alidade-operator"


def test_of_a_server_of_ones_own_clients_are_told_its_address_and_nothing_is_forwarded() -> None:
    rendered = Rendered(EXTERNAL)
    told = rendered.get("ConfigMap", "alidade-client")["data"]
    assert told["trackingUri"] == "https://mlflow.example.org"
    (rule,) = rendered.get("Role", ROLE)["rules"]
    assert rule["resources"] == ["configmaps"]
    assert ROLE not in {b["metadata"]["name"] for b in rendered.all("ValidatingAdmissionPolicy")}


def test_the_role_is_bound_to_whom_the_values_name() -> None:
    assert not [b for b in Rendered().all("RoleBinding") if b["metadata"]["name"] == ROLE]
    bound = Rendered({"rbac": {"mlflowUsers": [GROUP]}}).get("RoleBinding", ROLE)
    assert bound["subjects"] == [GROUP]
    assert bound["roleRef"]["name"] == ROLE


def test_who_is_nobody_is_refused() -> None:
    assert "kind" in refusal({"rbac": {"mlflowUsers": [{"name": "robustness"}]}})


@pytest.fixture
def pods(installed: Installation) -> dict[str, str]:
    """A pod of each component, which its Deployment has made; by the component."""

    def check() -> dict[str, str]:
        label = "app.kubernetes.io/component"
        found = {
            p["metadata"]["labels"][label]: p["metadata"]["name"] for p in installed.get("pods")
        }
        assert {"mlflow", "operator"} <= set(found)
        return found

    return eventually(check)


def test_a_user_of_mlflow_may_reach_its_pods_and_no_other(
    installed: Installation, pods: dict[str, str]
) -> None:
    plane, where = installed.plane, ("-n", installed.namespace)
    bind = (f"--role={ROLE}", f"--user={USER}")
    plane.kubectl(*where, "create", "rolebinding", "ada-uses-mlflow", *bind)

    def reach(component: str, *who: str) -> str:
        path = f"/api/v1/namespaces/{installed.namespace}/pods/{pods[component]}/portforward"
        return plane.kubectl(*who, "get", "--raw", f"{path}?ports=5000", check=False)

    only = "only those of MLflow may be reached"
    # The API server takes note of a policy and of a binding in its own time.
    eventually(lambda: only in reach("operator", f"--as={USER}"))
    # No kubelet is there to reach; nobody is forbidden anything.
    for said in (reach("mlflow", f"--as={USER}"), reach("operator")):
        assert "orbidden" not in said
        assert only not in said
    told = plane.kubectl(*where, "get", "configmap", "alidade-client", "-o", "json", f"--as={USER}")
    assert json.loads(told)["data"]["mlflowPort"] == "5000"
