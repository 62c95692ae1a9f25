"""What pods may do to the node they run on."""

import pytest

from tests.chart.helm import EXTERNAL, MANY, NOTEBOOK, REMOTE_STORES, Body, Rendered, Values
from tests.support import sizes

VARIANTS = [
    {},
    EXTERNAL,
    REMOTE_STORES,
    MANY,
    NOTEBOOK,
    {"mlflow": {"persistence": {"enabled": False}}},
]


def _pods(values: Values) -> list[Body]:
    pods = [body["spec"]["template"]["spec"] for body in Rendered(values).all("Deployment")]
    assert pods
    return pods


def _containers(pod: Body) -> list[Body]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


@pytest.mark.parametrize("values", VARIANTS)
def test_no_pod_runs_as_root(values: Values) -> None:
    for pod in _pods(values):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["runAsGroup"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


@pytest.mark.parametrize("values", VARIANTS)
def test_no_container_gains_privileges_or_writes_to_its_image(values: Values) -> None:
    for pod in _pods(values):
        for container in _containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }


@pytest.mark.parametrize("values", VARIANTS)
def test_every_container_has_a_place_for_its_temporary_files(values: Values) -> None:
    for pod in _pods(values):
        (folder,) = (volume for volume in pod["volumes"] if volume["name"] == "tmp")
        assert "emptyDir" in folder
        for container in _containers(pod):
            assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]
            assert {"name": "HOME", "value": "/tmp"} in container["env"]


def test_what_waits_for_mlflow_cannot_fill_the_disk_of_its_node() -> None:
    (folder,) = (v for v in Rendered({}).pod("operator")["spec"]["volumes"] if v["name"] == "tmp")
    assert folder["emptyDir"] == {"sizeLimit": "512Mi"}


def test_the_operators_memory_is_enough_for_the_jobs_that_it_is_made_for() -> None:
    (operator,) = Rendered({}).pod("operator")["spec"]["containers"]
    limit = operator["resources"]["limits"]["memory"]
    needed = sizes.IDLE + sizes.FOR_EACH_WAITING_JOB * sizes.WAITING_JOBS
    assert needed <= int(limit.removesuffix("Mi")) * 2**20


@pytest.mark.parametrize("values", VARIANTS)
def test_every_container_has_requests_and_a_limit_of_memory(values: Values) -> None:
    for pod in _pods(values):
        for container in pod["containers"]:
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert set(container["resources"]["limits"]) == {"memory"}


def _projects_a_token(pod: Body) -> bool:
    sources = [s for v in pod["volumes"] for s in v.get("projected", {}).get("sources", ())]
    return any("serviceAccountToken" in source for source in sources)


@pytest.mark.parametrize("values", VARIANTS)
def test_only_who_has_to_ask_it_gets_a_token_of_the_api_server(values: Values) -> None:
    for body in Rendered(values).all("Deployment"):
        pod = body["spec"]["template"]["spec"]
        asks = body["metadata"]["name"] in {"alidade-operator", "alidade-notebook"}
        assert (pod["automountServiceAccountToken"] or _projects_a_token(pod)) is asks
        assert pod["serviceAccountName"] == body["metadata"]["name"]


def test_the_variables_of_other_services_are_not_taken_for_settings() -> None:
    assert all(pod["enableServiceLinks"] is False for pod in _pods({}))


def test_a_null_takes_an_id_away_where_the_cluster_picks_its_own() -> None:
    ids = {"runAsUser": None, "runAsGroup": None, "fsGroup": None}
    for pod in _pods({"podSecurityContext": ids}):
        assert set(pod["securityContext"]) == {
            "runAsNonRoot",
            "fsGroupChangePolicy",
            "seccompProfile",
        }


@pytest.mark.parametrize("component", ["operator", "mlflow", "notebook"])
def test_an_account_of_ones_own_takes_the_place_of_the_charts(component: str) -> None:
    account = {"create": False, "name": "robot"}
    values: dict[str, Body] = {"notebook": {}, component: {"serviceAccount": account}}
    values["notebook"]["enabled"] = True
    rendered = Rendered(values)
    assert rendered.pod(component)["spec"]["serviceAccountName"] == "robot"
    accounts = {body["metadata"]["name"] for body in rendered.all("ServiceAccount")}
    assert accounts == {"alidade-operator", "alidade-mlflow", "alidade-notebook"} - {
        f"alidade-{component}"
    }


def test_an_account_has_its_annotations_and_hands_out_no_token_by_itself() -> None:
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/results"}
    rendered = Rendered({"mlflow": {"serviceAccount": {"annotations": annotations}}})
    account = rendered.get("ServiceAccount", "alidade-mlflow")
    assert account["metadata"]["annotations"] == annotations
    assert account["automountServiceAccountToken"] is False
