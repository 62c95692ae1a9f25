"""A plain user of the cluster: who may submit in one namespace and reach MLflow, and no more."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.support.cluster import KUBECONFIG, SYSTEM, Cluster

_NAME = "researcher"


@contextmanager
def researcher(cluster: Cluster, folder: Path) -> Iterator[Path]:
    """Yield the kubeconfig of somebody with the chart's roles for users, in a namespace."""
    who = f"--serviceaccount={cluster.namespace}:{_NAME}"
    system, binding = Cluster(SYSTEM), f"{cluster.namespace}-{_NAME}"
    cluster.kubectl("create", "serviceaccount", _NAME)
    cluster.kubectl("create", "rolebinding", _NAME, "--clusterrole=alidade-submit", who)
    # A run that was interrupted leaves its own behind.
    system.kubectl("delete", "rolebinding", binding, "--ignore-not-found")
    system.kubectl("create", "rolebinding", binding, "--role=alidade-mlflow-user", who)
    config = yaml.safe_load(KUBECONFIG.read_text())
    config["contexts"][0]["context"]["namespace"] = cluster.namespace
    token = cluster.kubectl("create", "token", _NAME).strip()
    config["users"][0]["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    try:
        yield path
    finally:
        system.kubectl("delete", "rolebinding", binding)
