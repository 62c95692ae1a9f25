"""What the pods of a job look like: our defaults, the user's podTemplate over them, then the rules.

Of the rules the queue's come first (queue_wins), and then the contract with the worker, which no
podTemplate changes: its image, what its environment tells it, and what a pod is known by. Where the
podTemplate is not what a pod template is, it stays as it is: the API server says what is wrong.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from alidade_core import contract
from alidade_core.api.base import GROUP
from alidade_core.api.job import Job
from alidade_core.api.queue import Queue
from alidade_operator.decide.image import Image
from alidade_operator.decide.make import node_pool, replicas, sources
from alidade_operator.decide.make.inputs import Inputs
from alidade_operator.decide.make.merge import merge
from alidade_operator.decide.make.metadata import is_of
from alidade_operator.objects import well_known

MAX_DEPTH = 64
"""Levels of a podTemplate: a PodTemplateSpec has less than twenty."""

_LAST_WORDS = {"terminationMessagePolicy": "FallbackToLogsOnError"}
_DEFAULT_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108 the pod's own /tmp, a volume
    # MLflow's last words would come behind those of what failed.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class PodTemplate(NamedTuple):
    """A template of pods.

    Attributes:
        template: It.
        gave_way: Fields of the job's podTemplate that the queue settled.
        unused: Fields of its container there that the contract with the worker settled.
    """

    template: dict[str, Any]
    gave_way: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def pod_template(
    job: Job,
    inputs: Inputs,
    queue: Queue,
    image: Image,
    tracking_uri: str,
    *,
    labels: Mapping[str, str],
) -> PodTemplate:
    """Return the template of a job's pods.

    Args:
        job: The job.
        inputs: The code and the data that it was accepted with.
        queue: Its queue, as jobs of one flavor see it.
        image: The image of its container.
        tracking_uri: Where its pods reach MLflow.
        labels: What its pods are known by.
    """
    given = {
        field: value for field, value in (job.spec.pod_template or {}).items() if value is not None
    }
    template = merge({"metadata": {}, "spec": _defaults(job, queue, image, given)}, given)
    template["metadata"] = _metadata(template["metadata"], labels)
    if not isinstance(template["spec"], dict):
        return PodTemplate(template)
    spec, gave_way = node_pool.enforce(template["spec"], queue)
    told = _contract(job, inputs, tracking_uri) + replicas.environment(job)
    template["spec"] = {
        **sources.provided(spec, inputs),
        **replicas.pod_spec(job),
        **_containers(spec, image, inputs, told),
    }
    own: dict[str, Any] = next((c for c in _listed(spec.get("containers")) if _is_own(c)), {})
    return PodTemplate(template, gave_way, sources.unused(own, inputs))


def too_deep(template: Any, levels: int = MAX_DEPTH) -> bool:
    """Whether something is nested deeper than any pod template is, or could be dealt with."""
    level = [template]
    for _ in range(levels):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _defaults(job: Job, queue: Queue, image: Image, given: Mapping[str, Any]) -> dict[str, Any]:
    worker = {
        "name": well_known.WORKER,
        "imagePullPolicy": "IfNotPresent",
        "resources": queue.spec.resources.dump(),
        **_LAST_WORDS,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "nodeSelector": dict(queue.spec.node_selector),
        "tolerations": [toleration.dump() for toleration in queue.spec.tolerations],
        "containers": [worker],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    if job.spec.priority_class_name is not None:
        pod["priorityClassName"] = job.spec.priority_class_name
    if image.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in image.pull_secrets]
    if init_containers := _init_containers(given):
        pod["initContainers"] = init_containers
    return pod


def _init_containers(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Have the user's init containers tell why they failed, if the user does not say otherwise."""
    spec = given.get("spec")
    found = spec.get("initContainers") if isinstance(spec, dict) else None
    named = [c for c in found if isinstance(c, dict)] if isinstance(found, list) else []
    return [{"name": c["name"], **_LAST_WORDS} for c in named if "name" in c]


def _metadata(given: Any, labels: Mapping[str, str]) -> Any:
    if not isinstance(given, dict):
        return given
    theirs = {**given, **{f: _theirs(given[f]) for f in ("labels", "annotations") if f in given}}
    return (
        merge(theirs, {"labels": labels}) if isinstance(theirs.get("labels", {}), dict) else theirs
    )


def _theirs(entries: Any) -> Any:
    """Return labels or annotations without those that say which job a pod belongs to, and more."""
    if not isinstance(entries, dict):
        return entries or {}
    return {key: value for key, value in entries.items() if not is_of(key, (GROUP,))}


def _containers(
    spec: Mapping[str, Any], image: Image, inputs: Inputs, told: list[dict[str, Any]]
) -> dict[str, Any]:
    def own(found: dict[str, Any]) -> dict[str, Any]:
        environment = _environment(found.get("env") or [], told)
        return {**sources.received(found, inputs, spec), "image": image.reference, **environment}

    found = spec.get("containers")
    if not isinstance(found, list):
        return {}
    return {"containers": [own(c) if _is_own(c) else c for c in found]}


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _is_own(container: Any) -> bool:
    return isinstance(container, dict) and container.get("name") == well_known.WORKER


def _environment(given: Any, told: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the environment: the contract first, as Kubernetes expands only what stands before."""
    if not isinstance(given, list):
        return {}
    settled = {*sources.VARIABLES, *(variable["name"] for variable in told)}
    theirs = [variable for variable in given if _name(variable) not in settled]
    named = {_name(variable) for variable in theirs}
    defaults = [
        {"name": name, "value": value}
        for name, value in _DEFAULT_ENVIRONMENT.items()
        if name not in named
    ]
    return {"env": [*told, *defaults, *theirs]}


def _name(variable: Any) -> str | None:
    name = variable.get("name") if isinstance(variable, dict) else None
    return name if isinstance(name, str) else None


def _contract(job: Job, inputs: Inputs, tracking_uri: str) -> list[dict[str, Any]]:
    values = {
        contract.JOB: job.metadata.name,
        contract.EXPERIMENT: job.spec.experiment,
        contract.ENTRY_POINT: job.spec.entry_point,
        **sources.environment(inputs),
        contract.TRACKING_URI: tracking_uri,
    }
    annotations = {
        contract.PARAMETERS: well_known.PARAMETERS,
        contract.RUN_ID: well_known.RUN_ID,
        contract.EXPERIMENT_ID: well_known.TRACKING_EXPERIMENT_ID,
    }
    return [{"name": name, "value": value} for name, value in values.items()] + [
        {
            "name": name,
            "valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{annotation}']"}},
        }
        for name, annotation in annotations.items()
    ]
