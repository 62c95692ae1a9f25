"""The operator's Deployment and what goes with it."""

import base64
import os

import pytest

from alidade_operator.decide.image import Image
from alidade_operator.ops.settings import Settings
from tests.chart.helm import EXTERNAL, MANY, NAMESPACE, Rendered


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tuple(os.environ):
        if name.startswith("ALIDADE_"):
            monkeypatch.delenv(name)


def _settings(rendered: Rendered, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Read the rendered environment as the operator does."""
    for name, value in rendered.environment("operator").items():
        monkeypatch.setenv(name, value if isinstance(value, str) else "pod-name")
    return Settings()


@pytest.mark.usefixtures("no_settings")
def test_the_operator_is_told_where_its_tracking_server_and_its_lease_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = _settings(Rendered(), monkeypatch)
    assert settings.tracking_uri == "http://alidade-mlflow.alidade.svc:5000"
    assert settings.for_jobs() == settings.tracking_uri
    assert settings.served() == ()
    assert (settings.own_namespace, settings.lease_name) == (NAMESPACE, "alidade-operator")
    assert settings.identity == "pod-name"


@pytest.mark.usefixtures("no_settings")
def test_the_operator_is_told_all_that_the_values_say(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        **EXTERNAL,
        "namespaces": ["team-a", "123"],
        "operator": {
            "workers": 3,
            "logLevel": "DEBUG",
            "logFormat": "console",
            "unpropagatedMetadata": ["example.org", "tool.example.com"],
        },
    }
    settings = _settings(Rendered(values), monkeypatch)
    assert settings.tracking_uri == "https://mlflow.example.org"
    assert settings.for_jobs() == "https://mlflow-pods.example.org"
    assert settings.served() == ("team-a", "123")
    assert settings.workers == 3
    assert (settings.log_level, settings.log_format) == ("DEBUG", "console")
    assert settings.unpropagated() == ("example.org", "tool.example.com")


def test_the_signing_key_is_made_unless_there_is_one_already() -> None:
    name = "alidade-operator-key"
    made = Rendered()
    secret = made.get("Secret", name)
    assert len(base64.b64decode(secret["data"]["key"])) == 48
    assert secret["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    own = Rendered({"operator": {"signingKeySecret": "own"}})
    assert own.all("Secret") == []
    for rendered, secret_name in ((made, name), (own, "own")):
        source = rendered.environment("operator")["ALIDADE_SIGNING_KEY"]
        assert source == {"secretKeyRef": {"name": secret_name, "key": "key"}}


@pytest.mark.usefixtures("no_settings")
@pytest.mark.parametrize("domain", ["argoproj.io", "fluxcd.io", "helm.sh"])
def test_what_deployment_tools_find_their_objects_by_stays_on_the_job(
    domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert domain in _settings(Rendered(), monkeypatch).unpropagated()


@pytest.mark.usefixtures("no_settings")
def test_the_list_of_what_stays_on_the_job_may_be_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = Rendered({"operator": {"unpropagatedMetadata": []}})
    assert _settings(rendered, monkeypatch).unpropagated() == ()


def test_the_operator_knows_every_variable_that_it_is_told() -> None:
    values = {**EXTERNAL, "namespaces": ["team-a"]}
    told = {
        name.removeprefix("ALIDADE_").lower()
        for name in Rendered(values).environment("operator")
        if name.startswith("ALIDADE_")
    }
    assert told <= set(Settings.model_fields)


def test_the_identity_of_an_instance_is_the_name_of_its_pod() -> None:
    identity = Rendered().environment("operator")["ALIDADE_IDENTITY"]
    assert identity == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_variables_of_ones_own_come_after_those_of_the_chart() -> None:
    token = {
        "name": "MLFLOW_TRACKING_TOKEN",
        "valueFrom": {"secretKeyRef": {"name": "mlflow", "key": "token"}},
    }
    source = {"secretRef": {"name": "mlflow-login"}}
    rendered = Rendered({"operator": {"extraEnv": [token], "extraEnvFrom": [source]}})
    container = rendered.container("operator")
    assert container["env"][-1] == token
    assert container["envFrom"] == [source]


def test_the_image_comes_from_the_registry_with_its_secrets() -> None:
    images = {
        "registry": "registry.example.org/alidade",
        "tag": "0.1.0",
        "pullPolicy": "Always",
        "pullSecrets": [{"name": "login"}],
    }
    rendered = Rendered({"images": images})
    for component in ("operator", "mlflow"):
        container = rendered.container(component)
        assert container["image"] == f"registry.example.org/alidade/alidade-{component}:0.1.0"
        assert container["imagePullPolicy"] == "Always"
        assert rendered.pod(component)["spec"]["imagePullSecrets"] == [{"name": "login"}]


def test_by_default_the_image_is_one_built_on_this_machine() -> None:
    container = Rendered().container("operator")
    assert container["image"] == "localhost/alidade-operator:dev"
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert "command" not in container
    assert "args" not in container


@pytest.mark.usefixtures("no_settings")
@pytest.mark.parametrize(
    ("images", "image"),
    [
        ({}, Image("localhost/alidade-worker:dev")),
        (
            {
                "registry": "registry.example.org/alidade",
                "tag": "0.1.0",
                "pullSecrets": [{"name": "login"}, {"name": "login-2"}],
            },
            Image("registry.example.org/alidade/alidade-worker:0.1.0", ("login", "login-2")),
        ),
        ({"worker": "registry.example.org/gpu:7"}, Image("registry.example.org/gpu:7")),
    ],
)
def test_jobs_that_name_no_image_run_in_the_worker_of_the_installation(
    images: dict[str, object], image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _settings(Rendered({"images": images}), monkeypatch).default_image() == image


def test_probes_and_metrics_reach_the_port_that_the_operator_serves() -> None:
    rendered = Rendered()
    container = rendered.container("operator")
    (port,) = container["ports"]
    assert str(port["containerPort"]) == rendered.environment("operator")["ALIDADE_HTTP_PORT"]
    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert all(container[probe]["httpGet"]["port"] == port["name"] for probe in paths)
    (metrics,) = rendered.get("Service", "alidade-operator")["spec"]["ports"]
    assert metrics["targetPort"] == port["name"]


@pytest.mark.parametrize("component", ["operator", "mlflow"])
@pytest.mark.parametrize("release", ["alidade", "lab", "alidade-of-team-a"])
def test_services_select_the_pods_of_their_component_alone(component: str, release: str) -> None:
    rendered = Rendered(release=release)
    pods = {
        body["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]: body["spec"][
            "template"
        ]["metadata"]["labels"]
        for body in rendered.all("Deployment")
    }
    services = [
        body["spec"]["selector"]
        for body in rendered.all("Service")
        if body["metadata"]["name"].endswith(component)
    ]
    assert len(services) == 1
    selected = [name for name, labels in pods.items() if services[0].items() <= labels.items()]
    assert selected == [component]


@pytest.mark.parametrize(
    ("release", "values", "name"),
    [
        ("alidade", {}, "alidade"),
        ("lab", {}, "lab-alidade"),
        ("lab", {"nameOverride": "robustness"}, "lab-robustness"),
        ("lab", {"fullnameOverride": "robustness"}, "robustness"),
        ("r" * 53, {}, "r" * 48),
    ],
)
def test_objects_are_named_after_the_release(
    release: str, values: dict[str, str], name: str
) -> None:
    rendered = Rendered(values, release)
    deployments = {body["metadata"]["name"] for body in rendered.all("Deployment")}
    assert deployments == {f"{name}-operator", f"{name}-mlflow"}
    assert all(len(body["metadata"]["name"]) <= 63 for body in rendered.objects)


def test_one_instance_may_be_evicted_at_any_time() -> None:
    rendered = Rendered()
    assert rendered.get("Deployment", "alidade-operator")["spec"]["replicas"] == 1
    assert "PodDisruptionBudget" not in rendered.kinds()
    assert "topologySpreadConstraints" not in rendered.pod("operator")["spec"]


def test_several_instances_are_spread_and_evicted_one_by_one() -> None:
    rendered = Rendered(MANY)
    labels = rendered.pod("operator")["metadata"]["labels"]
    budget = rendered.get("PodDisruptionBudget", "alidade-operator")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    (spread,) = rendered.pod("operator")["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["labelSelector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize("component", ["operator", "mlflow"])
def test_where_pods_run_is_the_users_to_say(component: str) -> None:
    scheduling = {
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "system-cluster-critical",
    }
    spec = Rendered({component: scheduling}).pod(component)["spec"]
    assert {field: spec[field] for field in scheduling} == scheduling


@pytest.mark.parametrize("component", ["operator", "mlflow"])
def test_volumes_of_ones_own_are_mounted(component: str) -> None:
    volume = {"name": "ca", "configMap": {"name": "ca"}}
    mount = {"name": "ca", "mountPath": "/etc/ca"}
    rendered = Rendered({component: {"extraVolumes": [volume], "extraVolumeMounts": [mount]}})
    assert volume in rendered.pod(component)["spec"]["volumes"]
    assert mount in rendered.container(component)["volumeMounts"]


def test_annotations_and_labels_of_pods_are_those_of_all_pods() -> None:
    rendered = Rendered({"podAnnotations": {"images": "0123"}, "podLabels": {"team": "a"}})
    for component in ("operator", "mlflow"):
        metadata = rendered.pod(component)["metadata"]
        assert metadata["annotations"] == {"images": "0123"}
        assert metadata["labels"]["team"] == "a"


def test_a_service_monitor_is_made_on_demand() -> None:
    assert "ServiceMonitor" not in Rendered().kinds()
    monitor = {"enabled": True, "interval": "1m", "labels": {"release": "prometheus"}}
    rendered = Rendered({"monitoring": {"serviceMonitor": monitor}})
    found = rendered.get("ServiceMonitor", "alidade-operator")
    service = rendered.get("Service", "alidade-operator")
    assert found["metadata"]["labels"]["release"] == "prometheus"
    assert found["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert found["spec"]["endpoints"] == [
        {"port": service["spec"]["ports"][0]["name"], "path": "/metrics", "interval": "1m"}
    ]
