"""Manifests of the resources, as small as they can be."""

from typing import Any

API_VERSION = "alidade.dev/v1alpha1"
EXPERIMENT = "trials"
QUEUE = "pool"
EXAMPLE_IMAGE = "localhost/alidade-example-mnist:dev"


def _manifest(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def queue(name: str = QUEUE, **spec: Any) -> dict[str, Any]:
    """Return a Queue of the CPU pool."""
    return _manifest("Queue", name, {"nodeSelector": {"alidade.dev/pool": "cpu"}, **spec})


def experiment(name: str = EXPERIMENT, **spec: Any) -> dict[str, Any]:
    """Return an Experiment whose jobs run the example's image."""
    defaults = {"queue": QUEUE, "workflow": {"image": EXAMPLE_IMAGE}}
    return _manifest("Experiment", name, {**defaults, **spec})


def job(name: str, **spec: Any) -> dict[str, Any]:
    """Return a Job of the experiment."""
    return _manifest("Job", name, {"experiment": EXPERIMENT, **spec})


def shell(script: str, **container: Any) -> dict[str, Any]:
    """Return a pod template whose container runs a script of bash instead of the worker."""
    command = {"name": "worker", "command": ["bash", "-c", script], **container}
    return {"spec": {"terminationGracePeriodSeconds": 1, "containers": [command]}}
