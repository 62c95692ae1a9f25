"""A release of the chart on a real API server, and its operator as a process beside it.

No kubelet runs the release's pods. The operator that runs instead has the account, the rights and
the environment that the chart gives it.
"""

import json
from pathlib import Path
from typing import Any

from tests.chart.helm import CHART, Values, run
from tests.support.control_plane import ControlPlane
from tests.support.operator import Operator

NAMESPACED = "team"
"""Name and namespace of a release that serves only some namespaces."""
SERVED = ("team-a", "team-b")
NOWHERE = "http://127.0.0.1:1"


class Installation:
    """A release.

    Args:
        plane: The cluster.
        release: Name of the release.
        namespace: Where it is.
    """

    def __init__(self, plane: ControlPlane, release: str, namespace: str) -> None:
        self.plane = plane
        self.release = release
        self.namespace = namespace
        chart = CHART.name
        full = release if chart in release else f"{release}-{chart}"
        self.name = f"{full}-operator"

    @property
    def account(self) -> str:
        """The operator's user name."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    def helm(self, verb: str, *arguments: str, values: Values | None = None) -> str:
        """Run helm on the release; return what it printed."""
        options = ("--namespace", self.namespace, "--kubeconfig", str(self.plane.kubeconfig))
        done = run(verb, self.release, *arguments, *options, values=values)
        assert not done.returncode, done.stderr
        return done.stdout

    def install(self, values: Values | None = None, *options: str) -> str:
        """Install the chart, or upgrade the release; return the notes."""
        return self.helm("upgrade", str(CHART), "--install", *options, values=values or {})

    def get(self, kind: str, *options: str) -> list[dict[str, Any]]:
        """Return objects in the namespace of the release."""
        answer = self.plane.kubectl("-n", self.namespace, "get", kind, *options, "-o", "json")
        items: list[dict[str, Any]] = json.loads(answer)["items"]
        return items

    def may(self, right: str, namespace: str | None = None) -> bool:
        """Say whether the operator may do this, in a namespace or everywhere.

        The API server is asked, as `kubectl auth can-i` knows no kind that is not installed.
        """
        words, _, subresource = right.partition(" --subresource=")
        verb, _, what = words.partition(" ")
        resource, _, name = what.partition("/")
        plural, _, group = resource.partition(".")
        attributes = {
            "verb": verb,
            "group": group,
            "resource": plural,
            "subresource": subresource,
            "name": name,
            "namespace": namespace or "",
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": self.account, "resourceAttributes": attributes},
        }
        told = self.plane.kubectl("create", "-f", "-", "-o", "json", stdin=json.dumps(review))
        return bool(json.loads(told)["status"]["allowed"])

    def operator(self, folder: Path, identity: str) -> Operator:
        """Make an instance of the operator, which the test starts and stops."""
        (deployment,) = self.get("deployment", f"--field-selector=metadata.name={self.name}")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        settings = {
            variable["name"].removeprefix("ALIDADE_").lower(): variable["value"]
            for variable in container["env"]
            if variable["name"].startswith("ALIDADE_") and "value" in variable
        }
        for unreachable in ("tracking_uri", "http_port"):
            del settings[unreachable]
        log = folder / f"{identity}.log"
        kubeconfig = self.plane.kubeconfig_of(self.namespace, self.name)
        return Operator(log, kubeconfig, NOWHERE, identity=identity, **settings)
