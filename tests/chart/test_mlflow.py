"""The tracking server: its database, its artifacts, and whom it answers."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow.cli import server
from mlflow.server.security_utils import is_allowed_host_header, should_block_cors_request

from tests.chart.helm import EXTERNAL, REMOTE_STORES, Rendered


def _options(rendered: Rendered) -> Mapping[str, Any]:
    """Parse the arguments as `mlflow server` does."""
    name, *arguments = rendered.container("mlflow")["args"]
    assert name == server.name
    options: Mapping[str, Any] = server.make_context("server", arguments).params
    return options


def _volume(rendered: Rendered) -> dict[str, Any] | None:
    volumes = rendered.pod("mlflow")["spec"]["volumes"]
    return next((volume for volume in volumes if volume["name"] == "data"), None)


def _mounts(rendered: Rendered) -> dict[str, str]:
    mounts = rendered.container("mlflow")["volumeMounts"]
    return {mount["name"]: mount["mountPath"] for mount in mounts}


def test_by_default_database_and_artifacts_are_on_one_claim() -> None:
    rendered = Rendered()
    uri = rendered.environment("mlflow")["MLFLOW_BACKEND_STORE_URI"]
    assert uri == "sqlite:////data/mlflow.db"
    assert _options(rendered)["artifacts_destination"] == "/data/artifacts"
    assert _mounts(rendered)["data"] == "/data"
    claim = rendered.get("PersistentVolumeClaim", "alidade-mlflow")
    assert _volume(rendered) == {
        "name": "data",
        "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]},
    }
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
    }


def test_the_server_is_one_process_that_also_serves_the_artifacts() -> None:
    rendered = Rendered()
    options = _options(rendered)
    assert (options["host"], options["port"]) == ("0.0.0.0", 5000)
    assert options["workers"] == "1"
    assert options["serve_artifacts"] is True
    assert rendered.environment("mlflow")["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_two_servers_never_share_the_volume() -> None:
    spec = Rendered().get("Deployment", "alidade-mlflow")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(("keep", "policy"), [(True, "keep"), (False, None)])
def test_the_claim_outlives_the_release_unless_told_otherwise(
    keep: bool, policy: str | None
) -> None:
    rendered = Rendered({"mlflow": {"persistence": {"keep": keep}}})
    metadata = rendered.get("PersistentVolumeClaim", "alidade-mlflow")["metadata"]
    assert metadata.get("annotations", {}).get("helm.sh/resource-policy") == policy


def test_size_class_and_modes_of_the_claim_are_the_users() -> None:
    persistence = {
        "size": "1Ti",
        "storageClassName": "nfs",
        "accessModes": ["ReadWriteMany"],
    }
    rendered = Rendered({"mlflow": {"persistence": persistence}})
    assert rendered.get("PersistentVolumeClaim", "alidade-mlflow")["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "nfs",
        "resources": {"requests": {"storage": "1Ti"}},
    }


def test_a_claim_of_ones_own_is_used_as_it_is() -> None:
    rendered = Rendered({"mlflow": {"persistence": {"existingClaim": "results"}}})
    assert _volume(rendered) == {
        "name": "data",
        "persistentVolumeClaim": {"claimName": "results"},
    }
    assert "PersistentVolumeClaim" not in rendered.kinds()


def test_without_persistence_the_volume_is_the_pods() -> None:
    rendered = Rendered({"mlflow": {"persistence": {"enabled": False}}})
    assert _volume(rendered) == {"name": "data", "emptyDir": {}}
    assert "PersistentVolumeClaim" not in rendered.kinds()


def test_with_postgresql_and_s3_there_is_no_volume() -> None:
    rendered = Rendered(REMOTE_STORES)
    assert rendered.environment("mlflow")["MLFLOW_BACKEND_STORE_URI"] == {
        "secretKeyRef": {"name": "mlflow-database", "key": "url"}
    }
    assert _options(rendered)["artifacts_destination"] == "s3://results/mlflow"
    assert rendered.environment("mlflow")["MLFLOW_S3_ENDPOINT_URL"] == "http://minio:9000"
    assert rendered.container("mlflow")["envFrom"] == [{"secretRef": {"name": "s3-credentials"}}]
    assert "PersistentVolumeClaim" not in rendered.kinds()
    assert _volume(rendered) is None
    assert set(_mounts(rendered)) == {"tmp"}


@pytest.mark.parametrize(
    "mlflow",
    [
        {"backendStore": {"uri": "postgresql://db/mlflow"}},
        {"artifacts": {"destination": "s3://results"}},
        {
            "artifacts": {"destination": "s3://results"},
            "backendStore": {"uri": "sqlite:////data/a"},
        },
        {
            "artifacts": {"destination": "file:///data/a"},
            "backendStore": {"uri": "postgresql://db/a"},
        },
    ],
)
def test_what_is_still_kept_in_files_has_its_claim(mlflow: dict[str, Any]) -> None:
    rendered = Rendered({"mlflow": mlflow})
    assert rendered.all("PersistentVolumeClaim")
    assert _mounts(rendered)["data"] == "/data"


def test_the_database_is_upgraded_on_demand_with_the_servers_own_settings() -> None:
    assert "initContainers" not in Rendered().pod("mlflow")["spec"]
    rendered = Rendered(REMOTE_STORES)
    (upgrade,) = rendered.pod("mlflow")["spec"]["initContainers"]
    server_container = rendered.container("mlflow")
    for field in ("image", "env", "envFrom", "volumeMounts", "securityContext"):
        assert upgrade[field] == server_container[field]


def test_the_upgrade_takes_the_database_from_its_environment_and_shows_it_in_no_argument(
    tmp_path: Path,
) -> None:
    (upgrade,) = Rendered(REMOTE_STORES).pod("mlflow")["spec"]["initContainers"]
    command: list[str] = [*upgrade["command"], *upgrade["args"]]
    interpreter, arguments = command[0], command[1:]
    assert interpreter == "python"
    # The kubelet expands $(NAME) in arguments, which the node shows to everybody.
    assert "$(" not in " ".join(arguments)
    database = tmp_path / "mlflow.db"
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{database}"}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall()


@pytest.mark.parametrize(
    "host",
    [
        "alidade-mlflow:5000",
        "alidade-mlflow.alidade:5000",
        "alidade-mlflow.alidade.svc:5000",
        "alidade-mlflow.alidade.svc.cluster.local:5000",
        "alidade-mlflow",
        "localhost:5000",
        "localhost:43210",
        "127.0.0.1:5000",
        "[::1]:5000",
    ],
)
def test_the_server_answers_to_every_name_of_its_service_and_by_port_forward(host: str) -> None:
    assert is_allowed_host_header(_hosts(Rendered()), host)


@pytest.mark.parametrize(
    "host",
    ["evil.example.org", "alidade-mlflow.alidade.svc.evil.example.org:5000", "10.0.0.1:5000", ""],
)
def test_the_server_does_not_answer_to_other_names(host: str) -> None:
    assert not is_allowed_host_header(_hosts(Rendered()), host)


def test_the_operators_url_is_one_that_the_server_answers_to() -> None:
    rendered = Rendered({"mlflow": {"service": {"port": 80}}}, release="lab")
    (deployment,) = (
        body for body in rendered.all("Deployment") if body["metadata"]["name"].endswith("operator")
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    uri = next(e["value"] for e in container["env"] if e["name"] == "ALIDADE_TRACKING_URI")
    assert uri == "http://lab-alidade-mlflow.alidade.svc:80"
    hosts = next(
        argument.partition("=")[2]
        for body in rendered.all("Deployment")
        for argument in body["spec"]["template"]["spec"]["containers"][0].get("args", ())
        if argument.startswith("--allowed-hosts=")
    ).split(",")
    # A client leaves the default port out of the header.
    assert is_allowed_host_header(hosts, "lab-alidade-mlflow.alidade.svc")


def test_the_server_answers_to_an_ingress_that_the_values_name() -> None:
    values = {
        "clusterDomain": "cluster.example",
        "mlflow": {
            "allowedHosts": ["mlflow.example.org"],
            "allowedOrigins": ["https://mlflow.example.org", "https://lab.example.org"],
        },
    }
    rendered = Rendered(values)
    assert is_allowed_host_header(_hosts(rendered), "mlflow.example.org")
    assert is_allowed_host_header(_hosts(rendered), "alidade-mlflow.alidade.svc.cluster.example")
    origins = _options(rendered)["cors_allowed_origins"].split(",")
    assert not should_block_cors_request("https://mlflow.example.org", "POST", origins)
    assert should_block_cors_request("https://evil.example.org", "POST", origins)


def test_more_arguments_come_last_and_win() -> None:
    rendered = Rendered({"mlflow": {"extraArgs": ["--workers=2", "--static-prefix=/mlflow"]}})
    assert _options(rendered)["workers"] == "2"
    assert _options(rendered)["static_prefix"] == "/mlflow"


def test_a_slow_first_start_is_given_minutes() -> None:
    container = Rendered().container("mlflow")
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": "http"}


def test_with_a_server_of_ones_own_nothing_of_this_is_there() -> None:
    rendered = Rendered(EXTERNAL)
    components = {
        body["metadata"]["labels"]["app.kubernetes.io/component"] for body in rendered.objects
    }
    assert "operator" in components
    assert "mlflow" not in components
    assert not {"Deployment/alidade-mlflow", "Service/alidade-mlflow"} & set(rendered.names())
    assert "PersistentVolumeClaim" not in rendered.kinds()


def _hosts(rendered: Rendered) -> list[str]:
    hosts: str = _options(rendered)["allowed_hosts"]
    return hosts.split(",")
