"""Kinds of Kubernetes' own: as far as the operator makes and changes them, what is refused."""

import re
from collections.abc import Iterator
from typing import Any, Final

from alidade_operator.kube.gateway import BATCH_JOBS, EVENTS, SERVICES, Body, Kind
from tests.support.simulation.rules.metadata import (
    MAX_LABEL,
    annotation_faults,
    is_dns_label,
    is_label_value,
    label_faults,
)

_ENVIRONMENT = re.compile(r"[ -<>-~]+")
_MAX_EVENT_WORD: Final = 128
_MAX_NOTE: Final = 1024
_METADATA_THAT_MAY = ("labels", "annotations")
_OWN = "batch.kubernetes.io/controller-uid"
_DIRECTIVES = ("nodeSelector", "tolerations", "schedulingGates")


def faults(kind: Kind, body: Body) -> Iterator[str]:
    """Say what is wrong with an object, beside its metadata."""
    if kind == BATCH_JOBS:
        yield from _job_faults(body)
    elif kind == SERVICES:
        yield from _service_faults(body)
    elif kind == EVENTS:
        yield from _event_faults(body)


def with_selector(job: Body) -> Body:
    """Return a batch/v1 Job with the labels by which it knows its pods."""
    meta, spec = job["metadata"], job["spec"]
    own = {"controller-uid": meta["uid"], "job-name": meta["name"]}
    own |= {f"batch.kubernetes.io/{key}": value for key, value in own.items()}
    given = spec["template"].get("metadata") or {}
    template = {
        **spec["template"],
        "metadata": {**given, "labels": {**(given.get("labels") or {}), **own}},
    }
    selector = {"matchLabels": {_OWN: meta["uid"]}}
    return {**job, "spec": {**spec, "selector": selector, "template": _plain(template)}}


def _plain(template: Body) -> Body:
    """Return a template without what is empty and Go leaves out."""
    spec = template.get("spec") or {}
    kept = {key: value for key, value in spec.items() if value or key not in _DIRECTIVES}
    for field in ("containers", "initContainers"):
        if kept.get(field):
            kept[field] = [_plain_container(container) for container in kept[field]]
    return {**template, "spec": kept}


def _plain_container(container: Body) -> Body:
    if not container.get("env"):
        return container
    variables = [
        {key: text for key, text in variable.items() if text or key != "value"}
        for variable in container["env"]
    ]
    return {**container, "env": variables}


def change_faults(kind: Kind, old: Body, new: Body) -> Iterator[str]:
    """Say what is wrong with a change of an object."""
    if kind != BATCH_JOBS:
        return
    if old["metadata"]["uid"] != new["metadata"]["uid"]:
        # It is the value of labels that were generated.
        yield "spec.template.metadata.labels[controller-uid]: Invalid value: must be its UID"
        yield "spec.selector: Invalid value: `selector` not auto-generated"
    before, after = old["spec"], new["spec"]
    for field in ("completions", "completionMode", "podFailurePolicy", "selector"):
        if before.get(field) != after.get(field):
            yield f"spec.{field}: Invalid value: field is immutable"
    waits = before.get("suspend") and not (old.get("status") or {}).get("startTime")
    if _fixed(before["template"], waits=waits) != _fixed(after["template"], waits=waits):
        yield "spec.template: Invalid value: field is immutable"


def _fixed(template: Body, *, waits: bool) -> Body:
    """Return what may not change of a template; of a job that has never started, not all."""
    if not waits:
        return template
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    return {
        "metadata": {k: v for k, v in metadata.items() if k not in _METADATA_THAT_MAY},
        "spec": {k: v for k, v in spec.items() if k not in _DIRECTIVES},
    }


def _job_faults(body: Body) -> Iterator[str]:
    spec = body.get("spec") or {}
    for field in ("backoffLimit", "completions", "parallelism", "activeDeadlineSeconds"):
        if spec.get(field, 0) < 0:
            yield f"spec.{field}: Invalid value: must be greater than or equal to 0"
    if spec.get("completionMode") == "Indexed":
        last = max(spec.get("completions", 1) - 1, 0)
        if not is_dns_label(f"{body['metadata'].get('name')}-{last}"):
            yield "metadata.name: Invalid value: will not be able to create pod with invalid DNS"
    template = spec.get("template") or {}
    metadata, pod = template.get("metadata") or {}, template.get("spec") or {}
    yield from label_faults(metadata.get("labels"), "spec.template.labels")
    if len(body["metadata"].get("name") or "") > MAX_LABEL:
        yield "spec.template.labels: Invalid value: its name is that of a label"
    yield from annotation_faults(metadata.get("annotations"), "spec.template.annotations")
    yield from _pod_faults(pod)
    yield from _policy_faults(spec.get("podFailurePolicy") or {}, pod)
    if spec.get("podFailurePolicy") and pod.get("restartPolicy") == "OnFailure":
        yield "spec.template.spec.restartPolicy: Invalid value: only Never is supported"


def _policy_faults(policy: Body, pod: Body) -> Iterator[str]:
    containers = (*(pod.get("containers") or []), *(pod.get("initContainers") or []))
    names = {None, *(container.get("name") for container in containers)}
    where = "spec.podFailurePolicy.rules.onExitCodes.containerName"
    for rule in policy.get("rules") or []:
        if (rule.get("onExitCodes") or {}).get("containerName") not in names:
            yield f"{where}: Invalid value: must be one of the containers of the pod template"


def _pod_faults(spec: Body) -> Iterator[str]:
    if spec.get("restartPolicy") not in ("Never", "OnFailure"):
        yield "spec.template.spec.restartPolicy: Required value"
    containers = spec.get("containers") or []
    if not containers:
        yield "spec.template.spec.containers: Required value"
    for key, value in (spec.get("nodeSelector") or {}).items():
        yield from label_faults({key: value}, "spec.template.spec.nodeSelector")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    names: set[str] = set()
    for container in (*containers, *(spec.get("initContainers") or [])):
        yield from _container_faults(container, volumes)
        name = container.get("name") or ""
        if name in names:
            yield "spec.template.spec.containers.name: Duplicate value"
        names.add(name)


def _container_faults(container: Body, volumes: set[Any]) -> Iterator[str]:
    where = "spec.template.spec.containers"
    if not is_dns_label(container.get("name") or ""):
        yield f"{where}.name: Invalid value"
    if not container.get("image"):
        yield f"{where}.image: Invalid value"
    for variable in container.get("env") or []:
        if not _ENVIRONMENT.fullmatch(variable.get("name") or ""):
            yield f"{where}.env.name: Invalid value"
    for mount in container.get("volumeMounts") or []:
        if mount.get("name") not in volumes:
            yield f"{where}.volumeMounts.name: Not found"
    resources = container.get("resources") or {}
    for field in ("limits", "requests"):
        if any(str(amount).startswith("-") for amount in (resources.get(field) or {}).values()):
            yield f"{where}.resources.{field}: Invalid value: must be greater than or equal to 0"


def _service_faults(body: Body) -> Iterator[str]:
    spec = body.get("spec") or {}
    for port in spec.get("ports") or []:
        if not 0 < port.get("port", 0) < 2**16:
            for field in ("port", "targetPort"):
                yield f"spec.ports.{field}: Invalid value: must be between 1 and 65535"
    if not spec.get("ports") and spec.get("clusterIP") != "None":
        yield "spec.ports: Required value"
    for value in (spec.get("selector") or {}).values():
        if not is_label_value(value):
            yield "spec.selector: Invalid value"


def _event_faults(body: Body) -> Iterator[str]:
    # By the rules of events.k8s.io/v1, and not by those of the core's events.
    if not body.get("eventTime"):
        yield "eventTime: Required value"
    for field in ("reportingController", "reportingInstance", "action", "reason"):
        value = body.get(field) or ""
        if not value or len(value.encode()) > _MAX_EVENT_WORD:
            yield f"{field}: Invalid value"
    if len((body.get("note") or "").encode()) > _MAX_NOTE:
        # By its name in the core's events, as which they are stored.
        yield f"message: Invalid value: can have at most {_MAX_NOTE} bytes"
    if body.get("type") not in ("Normal", "Warning"):
        yield "type: Invalid value"
    if not (body.get("regarding") or {}).get("namespace"):
        yield "regarding.namespace: Invalid value: does not match"
