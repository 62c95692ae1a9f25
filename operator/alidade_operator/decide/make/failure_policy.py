"""Which ends of a pod are no failure of the workflow: podFailurePolicy, where a job has none.

With it backoffLimit counts only failures of the workflow itself (KEP-3329), and one failure of a
replica only once, though its peers cannot go on without it.
"""

from typing import Any

from alidade_core.api.job import Job
from alidade_core.contract import PEER_LOST, RUN_LOST, UNREACHABLE
from alidade_operator.objects import well_known

_DISRUPTED = {
    "action": "Ignore",
    "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
}


def default(job: Job) -> dict[str, Any]:
    """Return the podFailurePolicy of a job that has none of its own."""
    return {
        "rules": [
            _DISRUPTED,
            # Another pod would be told of the same run: the job is begun anew, with another run.
            {"action": "FailJob", "onExitCodes": _any_of(RUN_LOST)},
            {"action": "Ignore", "onExitCodes": _any_of(*_exits(job.spec.replicas))},
        ]
    }


def ignored_exits(job: Job) -> frozenset[int]:
    """Return the exit codes that are no failure of the job's workflow."""
    return frozenset() if job.spec.pod_failure_policy else _exits(job.spec.replicas)


def _any_of(*codes: int) -> dict[str, Any]:
    return {"containerName": well_known.WORKER, "operator": "In", "values": sorted(codes)}


def _exits(replicas: int) -> frozenset[int]:
    return frozenset({UNREACHABLE} if replicas == 1 else {UNREACHABLE, PEER_LOST})
