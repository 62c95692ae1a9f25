"""A bare Kubernetes control plane on loopback: the real binaries, as plain processes.

There is no kubelet: pods are scheduled onto nodes that a test creates, and the test says what
becomes of them. Everything else - validation, garbage collection, the job controller, quotas - is
the real thing, and each process can be killed and started again.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

import yaml

from tests.support.kubectl import kubectl
from tests.support.polling import eventually
from tests.support.process import Server, free_port
from tests.support.sources import REPOSITORY

CONTROLLERS = ("kube-controller-manager", "kube-scheduler")


@functools.cache
def binaries() -> Path:
    """Return the folder of the control plane's binaries, which are built if need be."""
    if given := os.environ.get("ALIDADE_CONTROL_PLANE_BINARIES"):
        return Path(given)
    command = [str(REPOSITORY / "hack/cluster/binaries"), "control-plane"]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Path(found.stdout.strip().splitlines()[-1])


@dataclass
class ControlPlane:
    """etcd, kube-apiserver, kube-controller-manager and kube-scheduler.

    Attributes:
        folder: Where its state and logs are.
        definitions: Folder of CustomResourceDefinitions that are there before any controller:
            the garbage collector takes half a minute to notice kinds that come later.
        controllers: Those who act beside the API server; without them nobody does.
        options: What else the API server is told.
        controller_options: What else the controller manager is told.
        scheduler_options: What else the scheduler is told.
    """

    folder: Path
    definitions: Path | None = None
    controllers: Sequence[str] = CONTROLLERS
    options: Sequence[str] = ()
    controller_options: Sequence[str] = ()
    scheduler_options: Sequence[str] = ()
    _servers: dict[str, Server] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    @property
    def kubectl_binary(self) -> Path:
        """The kubectl of the same version."""
        return binaries() / "kubectl"

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        _certificates(self.folder)
        self._prepare()
        try:
            self.start("etcd")
            self.start("kube-apiserver")
            self.wait_until_served()
            if self.definitions:
                self.kubectl("create", "-f", str(self.definitions))
                # It fails on a definition of which nothing is known yet.
                established = ("wait", "--for=condition=Established", "crd", "--all")
                eventually(lambda: self.kubectl(*established))
                for kind in self.kubectl("get", "crd", "--output=name").split():
                    # For a moment more it may answer that its storage is being initialized.
                    eventually(partial(self.kubectl, "get", kind.partition("/")[2]))
            for name in self.controllers:
                self.start(name)
            if self.controllers:
                self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for server in reversed(self._servers.values()):
            server.kill()
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def start(self, name: str) -> None:
        """Start one of the processes."""
        self._servers[name].start()

    def kill(self, name: str) -> None:
        """Kill one of the processes, as a crash would."""
        self._servers[name].kill()

    def processor_seconds(self) -> dict[str, float]:
        """Return what each of the processes has had of the processors by now."""
        return {name: s.processor_seconds for name, s in self._servers.items() if s.runs}

    def resident_bytes(self) -> dict[str, int]:
        """Return what of each of the processes is in the machine's memory now."""
        return {name: s.resident_bytes for name, s in self._servers.items() if s.runs}

    def stored_bytes(self) -> int:
        """Return the size of etcd's database, with what is not compacted yet."""
        return (self.folder / "etcd/member/snap/db").stat().st_size

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl as administrator; return what it printed, errors included.

        Raises:
            AssertionError: It failed, and `check` is set.
        """
        own = ("--cache-dir", self.folder / "kubectl")
        return kubectl(
            self.kubectl_binary, self.kubeconfig, *own, *arguments, stdin=stdin, check=check
        )

    def apply(self, *objects: dict[str, object], check: bool = True) -> str:
        """Apply objects by kubectl."""
        return self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects), check=check)

    def kubeconfig_of(self, namespace: str, account: str) -> Path:
        """Write a kubeconfig of a ServiceAccount, with a token of its own."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        token = self.kubectl("-n", namespace, "create", "token", account).strip()
        config["users"][0]["user"] = {"token": token}
        path = self.folder / f"{namespace}-{account}.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    def wait_until_served(self) -> None:
        """Wait for the API server."""
        self._servers["kube-apiserver"].wait_until(
            lambda: self.kubectl("get", "--raw", "/readyz", check=False) == "ok"
        )

    def wait_until_ready(self) -> None:
        """Wait for the API server, and for what every namespace is given by controllers."""
        self.wait_until_served()

        def check() -> bool:
            return self.kubectl("get", "serviceaccount/default", check=False).startswith("NAME")

        self._servers["kube-controller-manager"].wait_until(check)
        eventually(lambda: all(self._servers[name].runs for name in self.controllers))

    def _prepare(self) -> None:
        folder, port = self.folder, free_port()
        client, peer, controllers, scheduler = (free_port() for _ in range(4))
        etcd, server = f"http://127.0.0.1:{client}", f"https://127.0.0.1:{port}"
        self.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(folder, server)))
        commands: dict[str, list[str]] = {
            "etcd": [
                f"--data-dir={folder / 'etcd'}",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=default=http://127.0.0.1:{peer}",
                # Tests lose nothing with the machine.
                "--unsafe-no-fsync",
            ],
            "kube-apiserver": [
                f"--etcd-servers={etcd}",
                f"--secure-port={port}",
                "--bind-address=127.0.0.1",
                "--service-cluster-ip-range=10.96.0.0/24",
                "--tls-cert-file=server.crt",
                "--tls-private-key-file=server.key",
                "--client-ca-file=ca.crt",
                "--authorization-mode=RBAC",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-key-file=sa.key",
                "--service-account-signing-key-file=sa.key",
                *self.options,
            ],
            "kube-controller-manager": [
                f"--kubeconfig={self.kubeconfig}",
                f"--secure-port={controllers}",
                "--bind-address=127.0.0.1",
                "--root-ca-file=ca.crt",
                "--service-account-private-key-file=sa.key",
                "--use-service-account-credentials",
                "--leader-elect=false",
                f"--cert-dir={folder / 'controllers'}",
                # Nobody sends the heartbeats of nodes that are only on paper.
                "--node-monitor-grace-period=24h",
                "--kube-api-qps=200",
                "--kube-api-burst=400",
                *self.controller_options,
            ],
            "kube-scheduler": [
                f"--kubeconfig={self.kubeconfig}",
                f"--authentication-kubeconfig={self.kubeconfig}",
                f"--authorization-kubeconfig={self.kubeconfig}",
                f"--secure-port={scheduler}",
                "--bind-address=127.0.0.1",
                "--leader-elect=false",
                f"--cert-dir={folder / 'scheduler'}",
                *self.scheduler_options,
            ],
        }
        self._servers = {
            name: Server([str(binaries() / name), *options], folder / f"{name}.log")
            for name, options in commands.items()
        }


def node(
    name: str, pool: str, capacity: dict[str, str] | None = None, *, log_port: int = 0
) -> dict[str, object]:
    """Return a Node that is Ready only on paper; the logs of its pods are at the port given."""
    resources = {"cpu": "64", "memory": "256Gi", "pods": "1000"} | (capacity or {})
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"alidade.dev/pool": pool}},
        "status": {
            "capacity": resources,
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": log_port}},
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "OnPaper", "message": "no kubelet"}
            ],
        },
    }


def _certificates(folder: Path) -> None:
    """Make a CA, certificates of the API server and an administrator, and a service account key."""
    openssl(
        folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-subj", "/CN=alidade-test-ca", "-keyout", "ca.key", "-out", "ca.crt",
    )  # fmt: skip
    for name, subject, names in (
        ("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        ("admin", "/O=system:masters/CN=admin", "subjectAltName=DNS:admin"),
    ):
        (folder / f"{name}.ext").write_text(names)
        openssl(
            folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject,
            "-keyout", f"{name}.key", "-out", f"{name}.csr",
        )  # fmt: skip
        openssl(
            folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt",
        )  # fmt: skip
    openssl(folder, "genrsa", "-out", "sa.key", "2048")


def openssl(folder: Path, *arguments: str) -> None:
    """Run openssl in a folder."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def _kubeconfig(folder: Path, server: str) -> dict[str, object]:
    cluster = {"server": server, "certificate-authority": str(folder / "ca.crt")}
    user = {
        "client-certificate": str(folder / "admin.crt"),
        "client-key": str(folder / "admin.key"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }


__all__: Sequence[str] = ("ControlPlane", "binaries", "node", "openssl")
