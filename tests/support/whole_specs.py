"""Specs that have every field there is, each as it should be."""

from typing import Any

from tests.support import workflow_sources
from tests.support.manifests import EXPERIMENT, IMAGE, POOL, QUEUE

Body = dict[str, Any]

FIRST = "first"
CPUS = {"resource": "limits.cpu", "divisor": "1"}
SECURITY = {"runAsUser": 1000, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
PROBE: Body = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 10}

# The main fields of a pod, with a container as pods have them.
CONTAINER: Body = {
    "name": "worker",
    "command": ["run"],
    "args": ["--fast"],
    "workingDir": "/scratch",
    "imagePullPolicy": "IfNotPresent",
    "env": [
        {"name": "A", "value": "1"},
        {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "C", "valueFrom": {"resourceFieldRef": CPUS}},
    ],
    "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c", "optional": True}}],
    "ports": [{"containerPort": 80, "name": "web", "protocol": "TCP"}],
    "livenessProbe": PROBE,
    "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
    "securityContext": SECURITY,
    "terminationMessagePolicy": "File",
    "volumeMounts": [{"name": "data", "mountPath": "/scratch", "readOnly": False}],
}
POD: Body = {
    "initContainers": [{"name": "fetch", "image": "fetch:1", "command": ["fetch"]}],
    "containers": [CONTAINER, {"name": "side", "image": "side:1"}],
    "volumes": [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}],
    "nodeSelector": POOL,
    "tolerations": [{"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 1,
                    "preference": {
                        "matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]
                    },
                }
            ]
        }
    },
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"team": "a"}},
        }
    ],
    "securityContext": {
        "fsGroup": 1000,
        "sysctls": [{"name": "kernel.shm_rmid_forced", "value": "0"}],
    },
    "imagePullSecrets": [{"name": "registry"}],
    "hostAliases": [{"ip": "127.0.0.1", "hostnames": ["self"]}],
    "dnsConfig": {"nameservers": ["127.0.0.1"], "options": [{"name": "ndots", "value": "1"}]},
    "dnsPolicy": "ClusterFirst",
    "serviceAccountName": "default",
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "shareProcessNamespace": False,
    "schedulerName": "default-scheduler",
    "restartPolicy": "Never",
    "terminationGracePeriodSeconds": 1,
}
FAILURES: Body = {
    "rules": [
        {
            "action": "Ignore",
            "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
        },
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": "worker", "operator": "In", "values": [64]},
        },
    ]
}
JOB: Body = {
    "experiment": EXPERIMENT,
    "queue": QUEUE,
    "entryPoint": "main",
    "image": "localhost/workflow:1",
    "workflow": {"path": "attacks", "source": workflow_sources.ARCHIVE},
    "datasets": [{**workflow_sources.PATH, "sha256": workflow_sources.SHA256}],
    "parameters": [{"name": "eps", "value": "0.1"}],
    "dependsOn": [{"name": FIRST, "condition": "Ended", "onUnsatisfied": "Fail"}],
    "suspend": False,
    "cancel": False,
    "priority": 1,
    "replicas": 1,
    "priorityClassName": "system-node-critical",
    "backoffLimit": 1,
    "activeDeadlineSeconds": 600,
    "ttlSecondsAfterFinished": 3600,
    "podFailurePolicy": FAILURES,
    "podTemplate": {
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}},
        "spec": POD,
    },
}
JOBS: tuple[Body, ...] = (
    JOB,
    {
        **JOB,
        "parameters": [{"name": "eps", "valueFrom": {"job": FIRST, "output": "eps"}}],
        "workflow": {"path": "attacks", "source": workflow_sources.GIT},
        "datasets": [workflow_sources.ARTIFACT],
    },
    {
        **JOB,
        "parameters": [{"name": "eps", "valueFrom": {"job": FIRST, "field": "mlflowRunId"}}],
        "workflow": {"source": workflow_sources.CONFIG_MAP},
    },
    # There is no such claim, of which the scheduler tells.
    {**JOB, "datasets": [workflow_sources.CLAIM]},
)

AMOUNTS: Body = {"requests": {"cpu": "1", "memory": 1}, "limits": {"cpu": "1500m", "memory": "1Gi"}}
TOLERATION: Body = {
    "key": "a",
    "operator": "Equal",
    "value": "b",
    "effect": "NoExecute",
    "tolerationSeconds": 60,
}
PLACES: Body = {"nodeSelector": {"pool": "cpu"}, "tolerations": [TOLERATION], "resources": AMOUNTS}
PATIENCE: Body = {"stopPolicy": "None", "startDeadlineSeconds": 60, "placementTimeoutSeconds": 60}
QUEUES: tuple[Body, ...] = (
    {
        **PLACES,
        **PATIENCE,
        "flavors": [{"name": "gpu", **PLACES, "fallbackAfterSeconds": 60}],
        "maxRunning": 2,
        "jobsMayOverride": ["CPU"],
    },
    {**PLACES, **PATIENCE, "kueueLocalQueue": "team"},
)
EXPERIMENTS: tuple[Body, ...] = (
    {
        "workflow": {"image": IMAGE, "path": "attacks", "source": workflow_sources.ARCHIVE},
        "datasets": [workflow_sources.CHECKED_CLAIM],
        "queue": QUEUE,
        "mlflowExperiment": "shared",
        "artifactLocation": "file:/nowhere",
        "tracking": "MLflow",
        "completions": 1,
    },
    {
        "workflow": {"source": workflow_sources.GIT},
        "datasets": [workflow_sources.ARTIFACT],
    },
    {
        "workflow": {"source": workflow_sources.CONFIG_MAP},
        "datasets": [workflow_sources.PATH],
    },
)
