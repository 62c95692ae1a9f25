"""Write a kustomization of the tutorial for other epochs, another registry or unlabelled nodes."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from kubernetes import client, config

TUTORIAL = Path(__file__).resolve().parents[2] / "examples" / "mnist"
POOL = "alidade.dev/pool=cpu"


def _replace(path: str, value: object) -> dict[str, object]:
    return {"op": "replace", "path": path, "value": value}


def _patch(kind: str, name: str, *operations: Mapping[str, object]) -> dict[str, Any]:
    target = {"group": "alidade.dev", "kind": kind, "name": name}
    return {"target": target, "patch": json.dumps(operations)}


def patches(epochs: str, registry: str, pool_exists: bool) -> Iterator[dict[str, Any]]:
    """Yield the kustomize patches that make the tutorial's manifests fit.

    Args:
        epochs: Epochs of training; empty for the tutorial's own.
        registry: Where the nodes find the images.
        pool_exists: Whether some node has the label that the queue selects.
    """
    if epochs:
        expected = {"op": "test", "path": "/spec/parameters/0/name", "value": "epochs"}
        yield _patch("Job", "train-.*", expected, _replace("/spec/parameters/0/value", epochs))
    if registry != "localhost":
        image = f"{registry}/alidade-example-mnist:dev"
        yield _patch("Experiment", "mnist", _replace("/spec/workflow/image", image))
    if not pool_exists:
        yield _patch("Queue", "tensorflow-cpu", {"op": "remove", "path": "/spec/nodeSelector"})


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--epochs", default="", help="empty: the tutorial's own")
@click.option("--registry", default="localhost", show_default=True)
def main(folder: Path, epochs: str, registry: str) -> None:
    """Write FOLDER/kustomization.yaml."""
    config.load_kube_config()
    nodes = client.CoreV1Api().list_node(label_selector=POOL).items
    if not nodes:
        sys.stderr.write(f"no node is labelled {POOL}: the jobs may run on any node\n")
    folder.mkdir(parents=True, exist_ok=True)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(TUTORIAL, folder)],
        "patches": list(patches(epochs, registry, bool(nodes))),
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization, sort_keys=False))


if __name__ == "__main__":
    main()
