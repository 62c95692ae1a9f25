"""Kueue itself, with what its chart installs, as a process beside the API server.

Its webhooks are called on loopback, and only those of batch/v1 Jobs and of its own kinds; its
optional servers are off. All else is as the chart has it.
"""

import base64
import functools
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.support.control_plane import binaries, openssl
from tests.support.process import free_port
from tests.support.sources import REPOSITORY

API = "kueue.x-k8s.io/v1beta2"
NAMESPACE = "kueue-system"
CERTIFICATES = ("ca.crt", "ca.key", "tls.crt", "tls.key")
_GROUPS = {"batch", "kueue.x-k8s.io"}
_HOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
Body = dict[str, Any]


@functools.cache
def built() -> Path:
    """Return the folder of Kueue's program and chart, which are built if need be."""
    command = [str(REPOSITORY / "hack/cluster/binaries"), "kueue"]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Path(found.stdout.strip().splitlines()[-1])


class Kueue:
    """What Kueue's controller manager needs to run beside an API server.

    Attributes:
        program: Its program.
        probes: The port on loopback where it says whether it is ready.

    Args:
        folder: Where its certificates and its configuration are made.
        home: Where it finds them; default: in that folder.
    """

    def __init__(self, folder: Path, home: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.program = built() / "kueue"
        self.probes, self._port = free_port(), free_port()
        self._folder, self._home = folder, home or folder
        self._manifests = _chart()
        _certificates(folder)
        (config,) = self._of_kinds("ConfigMap")
        self._configure(yaml.safe_load(config["data"]["controller_manager_config.yaml"]))

    @property
    def arguments(self) -> tuple[str, ...]:
        """The program's arguments."""
        return (f"--config={self._home / 'config.yaml'}",)

    def definitions(self) -> list[Body]:
        """Return its CustomResourceDefinitions."""
        found = self._of_kinds("CustomResourceDefinition")
        for definition in found:
            if webhook := definition["spec"].get("conversion", {}).get("webhook"):
                webhook["clientConfig"] = self._loopback(webhook["clientConfig"])
        return found

    def prerequisites(self) -> list[Body]:
        """Return what it finds there when it starts: its certificates and its webhooks."""
        (secret,) = self._of_kinds("Secret")
        secret["data"] = {name: _base64(self._folder / name) for name in CERTIFICATES}
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        return [home, secret, *map(self._on_loopback, self._of_kinds(*_HOOKS))]

    def _of_kinds(self, *kinds: str) -> list[Body]:
        return [found for found in self._manifests if found["kind"] in kinds]

    def _configure(self, settings: Body) -> None:
        settings["webhook"] = {
            "host": "127.0.0.1",
            "port": self._port,
            "certDir": str(self._home),
        }
        settings["health"] = {"healthProbeBindAddress": f"127.0.0.1:{self.probes}"}
        settings["metrics"] = {"bindAddress": "0"}
        settings["leaderElection"] = {"leaderElect": False}
        settings["integrations"] = {"frameworks": ["batch/job"]}
        settings["featureGates"] = {"VisibilityOnDemand": False}
        (self._folder / "config.yaml").write_text(yaml.safe_dump(settings))

    def _on_loopback(self, configuration: Body) -> Body:
        hooks = [hook for hook in configuration["webhooks"] if _groups(hook["rules"]) <= _GROUPS]
        for hook in hooks:
            hook["clientConfig"] = self._loopback(hook["clientConfig"])
        return configuration | {"webhooks": hooks}

    def _loopback(self, config: Body) -> Body:
        path = config["service"]["path"]
        return {
            "url": f"https://127.0.0.1:{self._port}{path}",
            "caBundle": _base64(self._folder / "ca.crt"),
        }


def flavor(name: str, **node_labels: str) -> Body:
    """Return a ResourceFlavor of the nodes with these labels."""
    spec = {"nodeLabels": node_labels}
    return {"apiVersion": API, "kind": "ResourceFlavor", "metadata": {"name": name}, "spec": spec}


def quota(
    local_queue: str, cluster_queue: str, flavor: str, **resources: int | str
) -> tuple[Body, Body]:
    """Return a LocalQueue, and a ClusterQueue for it alone with this much of a flavor."""
    amounts = [{"name": name, "nominalQuota": amount} for name, amount in resources.items()]
    group = {
        "coveredResources": list(resources),
        "flavors": [{"name": flavor, "resources": amounts}],
    }
    return (
        {
            "apiVersion": API,
            "kind": "ClusterQueue",
            "metadata": {"name": cluster_queue},
            "spec": {
                "namespaceSelector": {},
                "preemption": {"withinClusterQueue": "LowerPriority"},
                "resourceGroups": [group],
            },
        },
        {
            "apiVersion": API,
            "kind": "LocalQueue",
            "metadata": {"name": local_queue},
            "spec": {"clusterQueue": cluster_queue},
        },
    )


def _chart() -> list[Body]:
    chart = str(built() / "chart")
    command = [str(binaries() / "helm"), "template", "kueue", chart, "--namespace", NAMESPACE]
    options = ["--kube-version", "1.34.0"]
    rendered = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE, text=True)
    return [found for found in yaml.safe_load_all(rendered.stdout) if found]


def _certificates(folder: Path) -> None:
    """Make what Kueue would make for itself, but for a server on loopback."""
    # PKCS #1, which is all that Kueue's rotation of certificates reads.
    openssl(folder, "genrsa", "-traditional", "-out", "ca.key", "2048")
    openssl(
        folder, "req", "-x509", "-key", "ca.key", "-days", "365",
        "-subj", "/CN=kueue-ca", "-addext", "subjectAltName=DNS:kueue-ca", "-out", "ca.crt",
    )  # fmt: skip
    name = f"kueue-webhook-service.{NAMESPACE}.svc"
    openssl(
        folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365",
        "-CA", "ca.crt", "-CAkey", "ca.key", "-subj", "/CN=kueue",
        "-addext", f"subjectAltName=IP:127.0.0.1,DNS:{name}",
        "-addext", "basicConstraints=CA:FALSE",
        "-keyout", "tls.key", "-out", "tls.crt",
    )  # fmt: skip


def _groups(rules: Iterable[Body]) -> set[str]:
    return {group for rule in rules for group in rule["apiGroups"]}


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
