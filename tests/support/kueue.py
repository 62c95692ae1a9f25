"""Kueue itself, as a process beside a bare control plane, with what its chart installs.

Its webhooks are called on loopback, and only those of batch/v1 Jobs and of its own kinds; its
optional servers are off. All else is as the chart has it.
"""

import base64
import functools
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import yaml

from tests.support.control_plane import REPOSITORY, ControlPlane, binaries, openssl
from tests.support.process import Server, answers, free_port

NAMESPACE = "kueue-system"
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
    """Kueue's controller manager.

    Args:
        folder: Where its certificates, its configuration and its log are.
        plane: The control plane that it works for, which need not run yet.
    """

    def __init__(self, folder: Path, plane: ControlPlane) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._plane = plane
        self._webhooks, self._probes = free_port(), free_port()
        self._manifests = _chart()
        _certificates(folder)
        self._server = Server(
            [str(built() / "kueue"), f"--config={folder / 'config.yaml'}"],
            folder / "kueue.log",
            os.environ | {"KUBECONFIG": str(plane.kubeconfig)},
        )

    def write_definitions(self, folder: Path) -> None:
        """Write its CustomResourceDefinitions to a folder."""
        definitions = self._of_kinds("CustomResourceDefinition")
        for found in definitions:
            if webhook := found["spec"].get("conversion", {}).get("webhook"):
                webhook["clientConfig"] = self._loopback(webhook["clientConfig"])
        (folder / "kueue.yaml").write_text(yaml.safe_dump_all(definitions))

    def __enter__(self) -> Self:
        self._plane.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        )
        (secret,) = self._of_kinds("Secret")
        files = ("ca.crt", "ca.key", "tls.crt", "tls.key")
        secret["data"] = {name: _base64(self._folder / name) for name in files}
        self._plane.apply(secret, *map(self._on_loopback, self._of_kinds(*_HOOKS)))
        (settings,) = self._of_kinds("ConfigMap")
        self._configure(yaml.safe_load(settings["data"]["controller_manager_config.yaml"]))
        try:
            self._server.start()
            self._server.wait_until(lambda: answers(f"http://127.0.0.1:{self._probes}/readyz"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()

    def _of_kinds(self, *kinds: str) -> list[Body]:
        return [found for found in self._manifests if found["kind"] in kinds]

    def _configure(self, settings: Body) -> None:
        settings["webhook"] = {
            "host": "127.0.0.1",
            "port": self._webhooks,
            "certDir": str(self._folder),
        }
        settings["health"] = {"healthProbeBindAddress": f"127.0.0.1:{self._probes}"}
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
            "url": f"https://127.0.0.1:{self._webhooks}{path}",
            "caBundle": _base64(self._folder / "ca.crt"),
        }


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
