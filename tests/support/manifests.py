"""Small manifests for tests, as a user would write them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Body = dict[str, Any]

EXPERIMENT = "bench"
QUEUE = "cpu"
GO = "go"
WORKFLOW = "workflow"
POOL = {"alidade.dev/pool": "cpu"}
IMAGE = "localhost/alidade-example-mnist:dev"
_SIGNAL: Body = {"name": GO, "configMap": {"name": GO, "optional": True}}


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


def waiting_for_it(
    script: str, *, volumes: Iterable[Body] = (), mounts: Iterable[Body] = ()
) -> Body:
    """Return a pod template whose script finds `/go/now` once `go_ahead()` is there.

    Pods that start later find it at once, those that run up to a minute and a half later.
    """
    mount = {"name": GO, "mountPath": f"/{GO}"}
    template = shell(script, volumeMounts=[mount, *mounts])
    template["spec"]["volumes"] = [_SIGNAL, *volumes]
    return template


def workflow(entry_points: Mapping[str, Any], **files: str) -> Body:
    """Return a ConfigMap that holds a workflow: its MLproject, and code by the modules' names."""
    project = json.dumps({"name": "own", "entry_points": entry_points})
    code = {f"{name}.py": text for name, text in files.items()}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": WORKFLOW},
        "data": {"MLproject": project, **code},
    }


def with_workflow(**container: Any) -> Body:
    """Return a pod template for the worker, with that workflow at `/own`."""
    mount = {"name": WORKFLOW, "mountPath": "/own"}
    worker = {"name": "worker", "volumeMounts": [mount], **container}
    volume = {"name": WORKFLOW, "configMap": {"name": WORKFLOW}}
    return {"spec": {"containers": [worker], "volumes": [volume]}}


def with_workflow_after(script: str, **container: Any) -> Body:
    """Return the same, whose worker begins once a script of bash has ended.

    The script finds `/go/now` as one that is `waiting_for_it`.
    """
    template = with_workflow(**container)
    before = shell(script, volumeMounts=[{"name": GO, "mountPath": f"/{GO}"}])
    (waits,) = before["spec"]["containers"]
    template["spec"]["initContainers"] = [{**waits, "name": "waits", "image": IMAGE}]
    template["spec"]["volumes"].append(_SIGNAL)
    return template


def go_ahead() -> Body:
    """Return what jobs wait for that are `waiting_for_it`."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": GO},
        "data": {"now": ""},
    }
