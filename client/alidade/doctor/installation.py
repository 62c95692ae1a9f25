"""Whether the installation works: operator and MLflow."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from alidade.doctor.facts import Facts, Finding
from alidade.installation import INSTALLATION

Body = dict[str, Any]

VERSION: Final = "0.1.0"
"""The version of this client."""

WORKER_IMAGE: Final = "ALIDADE_WORKER_IMAGE"
"""The operator's variable with the image of jobs that name none."""

_PATIENCE: Final = timedelta(minutes=2)
_OPERATOR: Final = {"app.kubernetes.io/component": "operator"}
_MLFLOW: Final = {"app.kubernetes.io/component": "mlflow"}


def findings(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong."""
    namespace, name = facts.installation
    if facts.told is not None and not facts.told:
        yield Finding(
            f"there is no installation '{name}' in namespace {namespace}",
            f"install the chart there, or set {INSTALLATION} to its namespace",
        )
    told = (facts.told or {}).get("version")
    if told and told != VERSION:
        yield Finding(
            f"the installation is of version {told}, and this client of {VERSION}",
            "install the client of the same version",
        )
    yield from _operator(facts)
    yield from _worker_image(facts)
    yield from _leader(facts)
    yield from _mlflow(facts)


def _operator(facts: Facts) -> Iterator[Finding]:
    namespace, _ = facts.installation
    if facts.operators is not None and not facts.operators:
        yield Finding(
            f"there is no Deployment of the operator in namespace {namespace}",
            "helm upgrade --install alidade charts/alidade",
        )
    for deployment in facts.operators or ():
        name = deployment["metadata"]["name"]
        if not deployment["spec"].get("replicas", 1):
            yield Finding(
                f"the operator is scaled to nothing: deployment/{name} has 0 replicas",
                f"kubectl -n {namespace} scale deployment/{name} --replicas=1",
            )
        elif not deployment.get("status", {}).get("readyReplicas"):
            yield Finding(
                f"no instance of the operator is ready: deployment/{name}"
                f"{_trouble(facts, _OPERATOR)}",
                f"kubectl -n {namespace} logs deployment/{name}",
            )


def _worker_image(facts: Facts) -> Iterator[Finding]:
    """See that jobs that name no image have one."""
    without = [
        each.metadata.name
        for each in facts.experiments or ()
        if each.spec.workflow is None or each.spec.workflow.image is None
    ]
    for deployment in facts.operators or () if without else ():
        containers = deployment["spec"].get("template", {}).get("spec", {}).get("containers", ())
        env = [variable for container in containers for variable in container.get("env", ())]
        if env and not any(v["name"] == WORKER_IMAGE and v.get("value") for v in env):
            yield Finding(
                f"jobs of experiment '{without[0]}' have no image: it names none, and neither does "
                "the installation",
                "upgrade the chart, whose images.worker is the default",
            )


def _leader(facts: Facts) -> Iterator[Finding]:
    if facts.lease is None:
        return
    namespace, _ = facts.installation
    spec = facts.lease.get("spec", {})
    renewed = spec.get("renewTime")
    if not spec.get("holderIdentity") or not renewed:
        yield Finding(
            "no operator leads: nobody holds the Lease",
            f"see whether it runs: kubectl -n {namespace} get pods",
        )
        return
    since = facts.now - datetime.fromisoformat(renewed).astimezone(UTC)
    if since > timedelta(seconds=spec.get("leaseDurationSeconds", 0)) + _PATIENCE:
        yield Finding(
            f"the operator does nothing: {spec['holderIdentity']} has not renewed its Lease for "
            f"{int(since.total_seconds() // 60)} minutes",
            f"see whether it runs: kubectl -n {namespace} get pods",
        )


def _mlflow(facts: Facts) -> Iterator[Finding]:
    if facts.mlflow:
        yield Finding(f"MLflow cannot be used: {facts.mlflow}{_trouble(facts, _MLFLOW)}",
                      "mend that; jobs that run go on, others wait for it")  # fmt: skip


def _trouble(facts: Facts, labels: dict[str, str]) -> str:
    """Say what keeps a component's pods from running, in the words of the cluster."""
    for pod in facts.pods or ():
        if not labels.items() <= pod["metadata"].get("labels", {}).items():
            continue
        status = pod.get("status", {})
        for container in status.get("containerStatuses", ()):
            waits = container.get("state", {}).get("waiting")
            if waits:
                return f" ({waits.get('reason')}: {waits.get('message', 'no more is said')})"
        for condition in status.get("conditions", ()):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return f" ({condition.get('reason')}: {condition.get('message')})"
    return ""
