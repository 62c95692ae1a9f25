"""Small manifests for tests, as a user would write them."""

from typing import Any

Body = dict[str, Any]

EXPERIMENT = "bench"
QUEUE = "cpu"
POOL = {"alidade.dev/pool": "cpu"}
IMAGE = "localhost/alidade-example-mnist:dev"


def _resource(kind: str, name: str, spec: Body) -> Body:
    return {
        "apiVersion": "alidade.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def queue(name: str = QUEUE, **spec: Any) -> Body:
    """Return a Queue on the nodes of the pool `cpu`."""
    return _resource("Queue", name, {"nodeSelector": POOL} | spec)


def experiment(name: str = EXPERIMENT, **spec: Any) -> Body:
    """Return an Experiment whose jobs run the example's image in the queue `cpu`."""
    return _resource("Experiment", name, {"workflow": {"image": IMAGE}, "queue": QUEUE} | spec)


def job(name: str, *depends_on: str | Body, **spec: Any) -> Body:
    """Return a Job that depends on others, given by name or as a whole entry."""
    entries = [{"name": d} if isinstance(d, str) else d for d in depends_on]
    wanted = {"dependsOn": entries} if entries else {}
    return _resource("Job", name, {"experiment": EXPERIMENT} | wanted | spec)


def shell(script: str, **container: Any) -> Body:
    """Return a pod template whose container runs a script of bash instead of the worker."""
    command = {"name": "worker", "command": ["bash", "-c", script], **container}
    return {"spec": {"terminationGracePeriodSeconds": 1, "containers": [command]}}
