"""Each fault that is planted is found, and told with what to do."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from alidade.doctor.facts import Facts
from alidade.doctor.judgement import judge
from alidade_core.api.base import Condition
from alidade_core.api.crd import RESOURCES, custom_resource_definition
from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.queue import Queue
from tests.support.builders import NOW, experiment, job, queue, stamp

Body = dict[str, Any]
R = TypeVar("R", Experiment, Queue, Job)
POOL = {"alidade.dev/pool": "cpu"}


def definition(kind: type) -> Body:
    found = copy.deepcopy(custom_resource_definition(kind))
    found["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
    return found


def node(name: str = "cpu-0", labels: Body | None = None, **spec: Any) -> Body:
    return {
        "metadata": {"name": name, "labels": POOL if labels is None else labels},
        "spec": spec,
        "status": {"allocatable": {"cpu": "4", "memory": "16Gi"}},
    }


def deployment(replicas: int = 1, ready: int = 1) -> Body:
    return {
        "metadata": {"name": "alidade-operator"},
        "spec": {"replicas": replicas},
        "status": {"readyReplicas": ready},
    }


def pod_of(component: str, **status: Any) -> Body:
    labels = {"app.kubernetes.io/component": component}
    return {"metadata": {"name": component, "labels": labels}, "status": status}


def lease(seconds_ago: float = 5) -> Body:
    renewed = NOW - timedelta(seconds=seconds_ago)
    return {
        "spec": {
            "holderIdentity": "alidade-operator-x",
            "leaseDurationSeconds": 15,
            "renewTime": stamp(renewed),
        }
    }


def pool(**spec: Any) -> Queue:
    return queue(nodeSelector=POOL, **spec)


def with_condition(found: R, **condition: str) -> R:
    told = Condition.model_validate(
        {"status": "False", "reason": "Because", "lastTransitionTime": stamp(NOW), **condition}
    )
    status = found.status.model_copy(update={"conditions": (told,)})
    return found.model_copy(update={"status": status})


WELL = Facts(
    now=NOW,
    namespace="lab",
    installation=("alidade", "alidade"),
    kubernetes=(1, 34),
    definitions={d["metadata"]["name"]: d for d in map(definition, RESOURCES)},
    told={"version": "0.1.0", "operator": "alidade-operator"},
    operators=[deployment()],
    pods=[pod_of("operator"), pod_of("mlflow")],
    lease=lease(),
    mlflow="",
    experiments=[experiment()],
    queues=[pool()],
    jobs=[job(status={"state": "Started"})],
    nodes=[node()],
)


def without(name: str) -> Facts:
    assert WELL.definitions is not None
    return replace(WELL, definitions={k: v for k, v in WELL.definitions.items() if k != name})


def changed(change: Callable[[Body], None]) -> Facts:
    found = definition(Job)
    change(found)
    assert WELL.definitions is not None
    return replace(WELL, definitions={**WELL.definitions, "jobs.alidade.dev": found})


def _spec(found: Body) -> Body:
    schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    fields: Body = schema["properties"]["spec"]["properties"]
    return fields


def test_what_is_well_is_not_complained_of() -> None:
    assert judge(WELL) == []


def test_what_could_not_be_looked_at_is_not_complained_of() -> None:
    assert judge(Facts(now=NOW, namespace="lab", installation=("alidade", "alidade"))) == []


FAULTS: dict[str, tuple[Facts, str]] = {
    "an old cluster": (
        replace(WELL, kubernetes=(1, 29)),
        "Kubernetes is 1.29, and Alidade needs 1.30 or newer",
    ),
    "no definition": (
        without("queues.alidade.dev"),
        "the definition queues.alidade.dev is not there",
    ),
    "an older definition": (
        changed(lambda found: _spec(found).pop("replicas")),
        "the definition jobs.alidade.dev is older than this client: it has no spec.replicas",
    ),
    "a newer definition": (
        changed(lambda found: _spec(found).update(later={"type": "string"})),
        "the definition jobs.alidade.dev is newer than this client, which knows no spec.later",
    ),
    "a definition that is not served": (
        changed(
            lambda found: found.update(
                status={
                    "conditions": [
                        {"type": "Established", "status": "False", "reason": "NotAccepted"},
                        {"type": "NamesAccepted", "status": "False", "message": "ajob is taken"},
                    ]
                }
            )
        ),
        "the definition jobs.alidade.dev is not served: ajob is taken",
    ),
    "no installation": (
        replace(WELL, told={}),
        "there is no installation 'alidade' in namespace alidade",
    ),
    "another version": (
        replace(WELL, told={"version": "9.9.9"}),
        "the installation is of version 9.9.9, and this client of 0.1.0",
    ),
    "no operator": (
        replace(WELL, operators=[]),
        "there is no Deployment of the operator in namespace alidade",
    ),
    "an operator that is scaled to nothing": (
        replace(WELL, operators=[deployment(replicas=0, ready=0)]),
        "the operator is scaled to nothing: deployment/alidade-operator has 0 replicas",
    ),
    "an operator without its image": (
        replace(
            WELL,
            operators=[deployment(ready=0)],
            pods=[
                pod_of(
                    "operator",
                    containerStatuses=[
                        {"state": {"waiting": {"reason": "ErrImagePull", "message": "no such tag"}}}
                    ],
                )
            ],
        ),
        "no instance of the operator is ready: deployment/alidade-operator (ErrImagePull: no such "
        "tag)",
    ),
    "no worker image": (
        replace(
            WELL,
            operators=[
                {
                    **deployment(),
                    "spec": {
                        "replicas": 1,
                        "template": {
                            "spec": {"containers": [{"env": [{"name": "A", "value": "b"}]}]}
                        },
                    },
                }
            ],
            experiments=[experiment(workflow=None)],
        ),
        "jobs of experiment 'mnist' have no image: it names none, and neither does the "
        "installation",
    ),
    "an image that is not made from the worker's": (
        replace(
            WELL,
            jobs=[
                job(
                    status={
                        "state": "Failed",
                        "rootCause": {
                            "job": "train",
                            "reason": "SourceUnsupported",
                            "message": "image own:3 does not keep to the contract",
                        },
                    }
                )
            ],
        ),
        "job 'train' failed: image own:3 does not keep to the contract",
    ),
    "nobody leads": (replace(WELL, lease={}), "no operator leads: nobody holds the Lease"),
    "an operator that does nothing": (
        replace(WELL, lease=lease(seconds_ago=600)),
        "the operator does nothing: alidade-operator-x has not renewed its Lease for 10 minutes",
    ),
    "MLflow away": (
        replace(
            WELL,
            mlflow="no pod of MLflow is ready",
            pods=[
                pod_of(
                    "mlflow",
                    conditions=[
                        {
                            "type": "PodScheduled",
                            "status": "False",
                            "reason": "Unschedulable",
                            "message": "unbound PersistentVolumeClaims",
                        }
                    ],
                )
            ],
        ),
        "MLflow cannot be used: no pod of MLflow is ready (Unschedulable: unbound "
        "PersistentVolumeClaims)",
    ),
    "no queue": (
        replace(WELL, queues=[], experiments=[]),
        "there is no queue in namespace lab",
    ),
    "a queue that is held": (
        replace(WELL, queues=[pool(stopPolicy="Hold")]),
        "queue 'cpu' starts no jobs: its stopPolicy is Hold",
    ),
    "a queue without places": (
        replace(WELL, queues=[pool(maxRunning=0)]),
        "queue 'cpu' starts no jobs: its maxRunning is 0",
    ),
    "a queue at fault": (
        replace(WELL, queues=[with_condition(pool(), type="Valid", message="no such toleration")]),
        "queue 'cpu' is at fault: no such toleration",
    ),
    "a queue whose labels no node has": (
        replace(WELL, nodes=[node(labels={})]),
        "queue 'cpu' has no node to run on: none has the labels alidade.dev/pool=cpu",
    ),
    "a cordoned node": (
        replace(WELL, nodes=[node(unschedulable=True)]),
        "queue 'cpu' has no node to run on: cpu-0 is cordoned",
    ),
    "a tainted node": (
        replace(WELL, nodes=[node(taints=[{"key": "gpu", "effect": "NoSchedule"}])]),
        "queue 'cpu' has no node to run on: cpu-0 is tainted with gpu=:NoSchedule",
    ),
    "a resource that no node has": (
        replace(WELL, queues=[pool(resources={"limits": {"nvidia.com/gpu": 1}})]),
        "queue 'cpu' has no node to run on: none of 1 has nvidia.com/gpu: 1",
    ),
    "a flavor without nodes": (
        replace(WELL, queues=[pool(flavors=[{"name": "big", "nodeSelector": {"size": "big"}}])]),
        "queue 'cpu', flavor 'big', has no node to run on: none has the labels "
        "alidade.dev/pool=cpu,size=big",
    ),
    "a right that lacks": (
        replace(WELL, lacking=[("create jobs.alidade.dev in namespace lab", "alidade-submit")]),
        "you may not create jobs.alidade.dev in namespace lab",
    ),
    "an experiment that is not ready": (
        replace(
            WELL, experiments=[with_condition(experiment(), type="Ready", message="MLflow says no")]
        ),
        "experiment 'mnist' is not ready: MLflow says no",
    ),
    "an experiment without its queue": (
        replace(WELL, queues=[pool(), pool().model_copy()], experiments=[experiment(queue="gpu")]),
        "experiment 'mnist' names the queue 'gpu', which there is not",
    ),
    "a namespace that nobody serves": (
        replace(WELL, now=NOW + timedelta(minutes=3), lease=lease(-180), jobs=[job("train")]),
        "no operator sees to this namespace: 1 jobs have no status, as 'train'",
    ),
    "an image that cannot be pulled": (
        replace(
            WELL,
            jobs=[
                with_condition(
                    job(status={"state": "Queued"}),
                    type="PodBlocked",
                    status="True",
                    reason="ImagePullBackOff",
                    message="no such image",
                )
            ],
        ),
        "job 'train': no pod can run: ImagePullBackOff: no such image",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_is_planted_is_the_one_that_is_told(name: str) -> None:
    facts, said = FAULTS[name]
    (finding,) = judge(facts)
    assert finding.what == said
    assert finding.remedy


def test_nodes_that_fit_are_found() -> None:
    tainted = node(taints=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}])
    for toleration in (
        {"key": "gpu", "operator": "Exists"},
        {"operator": "Exists"},
        {"key": "gpu", "value": "yes"},
        {"key": "gpu", "value": "yes", "effect": "NoSchedule"},
    ):
        queues = [pool(tolerations=[toleration])]
        assert judge(replace(WELL, nodes=[tainted], queues=queues)) == []
    asked = {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"memory": "16Gi"}}
    assert judge(replace(WELL, queues=[pool(resources=asked)])) == []
