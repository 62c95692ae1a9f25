"""What events still tell of pods that were gone before anybody saw how they ended.

batch/v1 counts each pod before it lets it go (KEP-2307), so that its count is right; but it counts
one that was told to stop, saved its work and exited with 0 as one that succeeded. A kubelet that
stops a container says so in an event, and says nothing of one that ends by itself. An API server
keeps events for an hour, unless it is told otherwise: what is older, batch/v1's count decides.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from alidade_core.api.job_status import Attempt, Fate
from alidade_core.api.reason import Reason
from alidade_operator.decide.answers import Trace
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.pods.fate import fate
from alidade_operator.objects.views import BatchJob
from alidade_operator.objects.well_known import WORKER

CREATED = "SuccessfulCreate"
"""The job controller's reason in an event of a batch/v1 Job."""
STOPPED = "Killing"
"""A kubelet's reason in an event of a pod."""
# The job controller's words; with many of them, the API server's client puts others before these.
_CREATED_POD = "Created pod: "
# A kubelet gives the same reason for a container that fails its liveness probe, in other words.
_STOPPING = f"Stopping container {WORKER}"


def read(
    created: Iterable[Mapping[str, Any]], stops: Iterable[Mapping[str, Any]]
) -> tuple[Trace, ...]:
    """Read off events (events.k8s.io/v1) which pods a batch/v1 Job had, from first to last.

    Args:
        created: Those of the batch/v1 Job that say that it created a pod.
        stops: Those of pods that say that they are being stopped.
    """
    told = (e for e in stops if e.get("note") == _STOPPING)
    stopped = {(e.get("regarding") or {}).get("name") for e in told}
    names = ((e.get("note") or "").rpartition(_CREATED_POD)[2] for e in sorted(created, key=_order))
    return tuple(Trace(name, name in stopped) for name in dict.fromkeys(names))


def wanted(draft: Draft, batch_job: BatchJob) -> bool:
    """Whether a batch/v1 Job counts a pod of whose end nothing but events can tell."""
    if draft.snapshot.traces is not None:
        return False
    if batch_job.failure is None:
        return bool(_unseen(draft, batch_job))
    pods = (*draft.snapshot.pods, *draft.snapshot.gone)
    if draft.snapshot.job.spec.replicas == 1:
        return sum(fate(pod) is not None for pod in pods) < batch_job.failed
    last = stopped_last(draft)
    return last is not None and last.pod not in {pod.name for pod in pods}


def stopped_last(draft: Draft) -> Attempt | None:
    """Return the last attempt, if it was seen while it was being stopped.

    It may be one of an earlier batch/v1 Job.
    """
    last = next(reversed(draft.status.attempts), None)
    return last if last is not None and last.fate is Fate.STOPPED else None


def stopped(draft: Draft, batch_job: BatchJob) -> list[str]:
    """Return the names of the pods that nobody saw end, and that were stopped, so events say.

    Args:
        draft: The plan for the job.
        batch_job: Its batch/v1 Job, which has ended, or counts a replica as done.
    """
    snapshot, replicas = draft.snapshot, draft.snapshot.job.spec.replicas
    traces = snapshot.traces or ()
    if batch_job.failure is None:
        # One that was stopped before had another after it, which has ended well.
        last = {_replica(trace.pod) if replicas > 1 else 0: trace for trace in traces}
        traces = tuple(last[index] for index in _unseen(draft, batch_job) if index in last)
    elif replicas > 1:
        # The job controller stops the others when one has failed.
        return []
    seen = {pod.name for pod in (*snapshot.pods, *snapshot.gone) if fate(pod)}
    noted = {attempt.pod: attempt.fate for attempt in draft.status.attempts if attempt.fate}
    seen |= {pod for pod, became in noted.items() if became is not Fate.STOPPED}
    unseen = [trace for trace in traces if trace.pod not in seen]
    # A node that is lost tells of nothing that it stopped.
    return [trace.pod for trace in unseen if trace.stopped or trace.pod in noted]


def _unseen(draft: Draft, batch_job: BatchJob) -> list[int]:
    """Return the replicas that are counted as done, and of which no pod was seen to end well."""
    pods = (*draft.snapshot.pods, *draft.snapshot.gone)
    seen = {pod.index or 0 for pod in pods if fate(pod) is Fate.SUCCEEDED}
    # Of several replicas the attempts of the first are noted.
    noted = draft.status.attempts
    if any(a.fate is Fate.SUCCEEDED or a.reason == Reason.COMPLETED for a in noted):
        seen.add(0)
    replicas = range(draft.snapshot.job.spec.replicas)
    return [n for n in replicas if n not in seen and (batch_job.complete or batch_job.has_done(n))]


def _replica(pod: str) -> int:
    """Return which replica a pod is, by the name that the job controller gives it."""
    index = "".join(pod.split("-")[-2:-1])
    return int(index) if index.isascii() and index.isdigit() else 0


def _order(event: Mapping[str, Any]) -> tuple[str, str]:
    metadata = event.get("metadata") or {}
    version = str(metadata.get("resourceVersion") or "")
    return str(metadata.get("creationTimestamp") or ""), version.zfill(20)
