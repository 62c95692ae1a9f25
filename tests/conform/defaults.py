"""What a real API server fills in of Kubernetes' own kinds, and the simulated one does not.

Nothing in the operator reads these fields. They are compared all the same: with what is here.
"""

from collections.abc import Mapping
from typing import Any, Final

from alidade_operator.kube.gateway import BATCH_JOBS, EVENTS, PODS, SERVICES, Kind

_POD: Final = {
    "containers[].terminationMessagePath": "/dev/termination-log",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
}
_UNTIL_EVICTED: Final = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}

FILLED_IN: Final[Mapping[Kind, Mapping[str, Any]]] = {
    BATCH_JOBS: {
        "spec.backoffLimit": 6,
        "spec.completionMode": "NonIndexed",
        "spec.completions": 1,
        "spec.manualSelector": False,
        "spec.parallelism": 1,
        "spec.podReplacementPolicy": "Failed",
        "spec.template.spec.containers[].env[].valueFrom.fieldRef.apiVersion": "v1",
        **{f"spec.template.spec.{path}": value for path, value in _POD.items()},
    },
    PODS: {
        **{f"spec.{path}": value for path, value in _POD.items()},
        "spec.containers[].env[].valueFrom.fieldRef.apiVersion": "v1",
        "spec.containers[].imagePullPolicy": "IfNotPresent",
        "spec.containers[].resources": {},
        "spec.containers[].terminationMessagePolicy": "File",
        "spec.enableServiceLinks": True,
        "spec.preemptionPolicy": "PreemptLowerPriority",
        "spec.priority": 0,
        "spec.restartPolicy": "Always",
        "spec.securityContext": {},
        "spec.tolerations": [
            {"key": "node.kubernetes.io/not-ready", **_UNTIL_EVICTED},
            {"key": "node.kubernetes.io/unreachable", **_UNTIL_EVICTED},
        ],
        "status.conditions[].lastProbeTime": None,
        "status.conditions[].lastTransitionTime": None,
        "status.containerStatuses[].lastState": {},
        "status.qosClass": "BestEffort",
    },
    SERVICES: {
        "spec.clusterIPs": ["None"],
        "spec.internalTrafficPolicy": "Cluster",
        "spec.ipFamilies": ["IPv4"],
        "spec.ipFamilyPolicy": "SingleStack",
        "spec.ports[].protocol": "TCP",
        "spec.ports[].targetPort": 2222,
        "spec.sessionAffinity": "None",
        "spec.type": "ClusterIP",
        "status": {"loadBalancer": {}},
    },
    EVENTS: {
        "deprecatedFirstTimestamp": None,
        "deprecatedLastTimestamp": None,
        "deprecatedSource": {},
    },
}
"""Values by their paths, in which [] is each item of a list."""
