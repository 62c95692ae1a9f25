"""Helm, and what it makes of the chart."""

import subprocess
from collections.abc import Mapping
from typing import Any

import yaml

from tests.support.control_plane import binaries
from tests.support.sources import REPOSITORY

CHART = REPOSITORY / "charts/alidade"
RELEASE = "alidade"
NAMESPACE = "alidade"
OLDEST_KUBERNETES = "1.30.0"
EXTERNAL: Mapping[str, Any] = {
    "mlflow": {"enabled": False},
    "tracking": {"uri": "https://mlflow.example.org", "jobUri": "https://mlflow-pods.example.org"},
}
"""Values for a tracking server of one's own."""
REMOTE_STORES: Mapping[str, Any] = {
    "mlflow": {
        "backendStore": {"existingSecret": {"name": "mlflow-database", "key": "url"}},
        "artifacts": {"destination": "s3://results/mlflow"},
        "extraEnv": [{"name": "MLFLOW_S3_ENDPOINT_URL", "value": "http://minio:9000"}],
        "extraEnvFrom": [{"secretRef": {"name": "s3-credentials"}}],
        "upgradeDatabase": True,
    },
}
"""Values for a tracking server that keeps everything in PostgreSQL and S3."""
MANY: Mapping[str, Any] = {
    "operator": {"replicas": 3},
    "monitoring": {"serviceMonitor": {"enabled": True}},
}
"""Values for several operators that Prometheus watches."""

NOTEBOOK: Mapping[str, Any] = {"notebook": {"enabled": True, "namespaces": ["team-a", "team-b"]}}
"""Values for JupyterLab, which two namespaces let submit jobs."""

Body = dict[str, Any]
Values = Mapping[str, Any]


def run(*arguments: str, values: Values | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm, with these values where it takes some."""
    given = ("--values", "-") if values is not None else ()
    return subprocess.run(
        [binaries() / "helm", *arguments, *given],
        input=yaml.safe_dump(dict(values or {})),
        capture_output=True,
        text=True,
        check=False,
    )


def _template(values: Values | None, release: str) -> subprocess.CompletedProcess[str]:
    options = ("--namespace", NAMESPACE, "--kube-version", OLDEST_KUBERNETES)
    return run("template", release, str(CHART), *options, values=values or {})


def refusal(values: Values) -> str:
    """Return what Helm says to values that the chart does not take."""
    done = _template(values, RELEASE)
    assert done.returncode, "the values are taken"
    return done.stderr


class Rendered:
    """The objects that a release would have.

    Args:
        values: What is set.
        release: Name of the release.
    """

    def __init__(self, values: Values | None = None, release: str = RELEASE) -> None:
        done = _template(values, release)
        assert not done.returncode, done.stderr
        self.objects: list[Body] = [body for body in yaml.safe_load_all(done.stdout) if body]

    def kinds(self) -> set[str]:
        """Return what kinds there are."""
        return {body["kind"] for body in self.objects}

    def all(self, kind: str) -> list[Body]:
        """Return all objects of a kind."""
        return [body for body in self.objects if body["kind"] == kind]

    def get(self, kind: str, name: str, namespace: str | None = None) -> Body:
        """Return one object."""
        found = [
            body
            for body in self.all(kind)
            if body["metadata"]["name"] == name
            and namespace in (None, body["metadata"].get("namespace"))
        ]
        assert len(found) == 1, f"{len(found)} {kind} {name} among {self.names()}"
        return found[0]

    def names(self) -> list[str]:
        """Return kinds and names of all objects."""
        return [f"{body['kind']}/{body['metadata']['name']}" for body in self.objects]

    def pod(self, component: str) -> Body:
        """Return the pod template of a component's Deployment."""
        template: Body = self.get("Deployment", f"alidade-{component}")["spec"]["template"]
        return template

    def container(self, component: str) -> Body:
        """Return the one container of a component's pods."""
        (container,) = self.pod(component)["spec"]["containers"]
        found: Body = container
        return found

    def environment(self, component: str) -> dict[str, Any]:
        """Return the variables of a component by name: their values, or where those come from."""
        variables = self.container(component)["env"]
        return {each["name"]: each.get("value", each.get("valueFrom")) for each in variables}
