"""A job whose replicas do not all run: how many do, and what holds up the others."""

from collections.abc import Sequence

from alidade_core.api.job_status import Fate
from alidade_core.api.reason import Reason
from alidade_operator.decide.pods.attempts import first_failed, latest, newest
from alidade_operator.decide.pods.diagnosis import Pending, how_it_runs
from alidade_operator.decide.pods.failure import why_pod_failed
from alidade_operator.decide.pods.fate import fate
from alidade_operator.objects.views import Pod


def progress(
    pods: Sequence[Pod], runs: Sequence[Pod], replicas: int, pending: Pending
) -> tuple[str, str]:
    """Return reason and message for a job of which at least one pod runs.

    Args:
        pods: All of its pods.
        runs: Those that run.
        replicas: How many are to run.
        pending: What holds those that do not.
    """
    leaving = [pod for pod in runs if pod.deleting or pod.node_silent]
    counted = f"{len(runs) - len(leaving)} of {replicas} pods run"
    ended = [pod for pod in latest(pods) if pod.ended]
    missing = len(runs) + len(ended) < replicas
    if missing and pending.stage is not None:
        return pending.reason, f"{counted}: {pending.message}"
    if leaving:
        reason, message = how_it_runs(leaving[0])
        return reason, f"{counted}: {message}"
    if missing:
        return Reason.RUNNING, f"{counted}: {pending.message}"
    pod = what_ended(ended)
    return Reason.RUNNING, f"{counted}: {_how_ended(pod)}" if pod else counted


def what_ended(pods: Sequence[Pod]) -> Pod | None:
    """Return which pod to tell of, of those that have ended: one that failed, if any did."""
    last = latest(pods)
    return first_failed([pod for pod in last if not ended_well(pod)]) or newest(last)


def ended_well(pod: Pod) -> bool:
    """Whether a pod that has ended did so by itself, and with success."""
    return fate(pod) is Fate.SUCCEEDED


def _how_ended(pod: Pod) -> str:
    if ended_well(pod):
        return f"pod {pod.name} ended well"
    return f"pod {pod.name} {why_pod_failed(pod).message}"
