"""Why the pods of a released job do not run, and how those do that run: in the cluster's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from alidade_core.api.reason import Reason
from alidade_core.last_words import cause
from alidade_core.words import shorten
from alidade_operator.decide.pods.attempts import latest
from alidade_operator.objects.views import Container, Pod

# What a kubelet says of a container whose turn has yet to come; all else that it says is trouble.
PREPARED = frozenset({"", "ContainerCreating", "PodInitializing"})
PENDING = Reason.POD_PENDING
UNSCHEDULABLE = Reason.UNSCHEDULABLE
NODE_SILENT = Reason.NODE_UNREACHABLE
CRASHES = "CrashLoopBackOff"


class Stage(StrEnum):
    """What a pod cannot get past."""

    PLACING = "placing"
    """The API server refuses it, or the scheduler finds no node for it."""
    STARTING = "starting"
    """Its node cannot start its containers: an image, a volume, a variable is not there."""


@dataclass(frozen=True)
class Pending:
    """Why no pod of a released job runs; `stage` is set where something keeps it from that."""

    reason: str
    message: str
    stage: Stage | None = None

    @property
    def said(self) -> str:
        """The message, with whose words it is."""
        return ("the scheduler said: " if self.reason == UNSCHEDULABLE else "") + self.message


def why_not_running(pods: Sequence[Pod]) -> Pending:
    """Say what holds the pods of a job that has been released; of several, what may end it."""
    pending = latest([p for p in pods if p.phase == "Pending" and not p.deleting])
    found = [_why_pending(pod) for pod in pending]
    return min(found, key=_how_far, default=Pending(PENDING, "no pod yet"))


def _how_far(why: Pending) -> int:
    return (Stage.STARTING, Stage.PLACING, None).index(why.stage)


def _why_pending(pod: Pod) -> Pending:
    if pod.unschedulable:
        return Pending(UNSCHEDULABLE, f"pod {pod.name}: {pod.unschedulable}", Stage.PLACING)
    for container in (pod.init, pod.container):
        if container and crashes(container):
            why = f"pod {pod.name}: {how_it_crashes(container)}"
            return Pending(CRASHES, shorten(why), Stage.STARTING)
        waiting = container and container.waiting
        if waiting and waiting.reason not in PREPARED:
            return _cannot_start(pod, waiting.reason, waiting.message)
    if pod.node is None:
        return Pending(PENDING, f"pod {pod.name} waits for the scheduler")
    return Pending(PENDING, f"pod {pod.name} starts on node {pod.node}")


def _cannot_start(pod: Pod, reason: str, message: str) -> Pending:
    # The kubelet alternates between the two; a status that does the same tells nothing more.
    if reason == "ErrImagePull":
        reason = "ImagePullBackOff"
    # What the registry said stands behind the kubelet's own words.
    message = message.rsplit("ErrImagePull: ", 1)[-1]
    return Pending(reason, shorten(f"pod {pod.name}: {message}"), Stage.STARTING)


def crashes(container: Container) -> bool:
    """Whether a container that is started again and again ends with failure each time."""
    waits = container.waiting is not None and container.waiting.reason == CRASHES
    return waits or (container.restarts and container.last_end is not None)


def how_it_crashes(container: Container) -> str:
    """Tell of a container that is started again and again, in its own last words."""
    what = "sidecar" if container.restarts else "container"
    ended = container.last_end
    if ended is None:
        return f"{what} '{container.name}' keeps failing"
    said = cause(ended.message, ended.exit_code)
    words = f": {said}" if said else ""
    return f"{what} '{container.name}' keeps ending with exit code {ended.exit_code}{words}"


def how_it_runs(pod: Pod) -> tuple[str, str]:
    """Return reason and message for a pod whose container was last reported to run."""
    where = f"pod {pod.name} on node {pod.node}"
    why = f" ({pod.disruption.reason}: {pod.disruption.message})" if pod.disruption else ""
    if pod.node_silent and pod.deleting:
        return NODE_SILENT, (
            f"{where} is to be stopped{why}, but the node does not report; no other pod takes "
            "its place until it does, or is deleted, or tainted as out-of-service"
        )
    if pod.node_silent:
        return NODE_SILENT, f"{where} ran when the node last reported"
    if pod.deleting:
        return Reason.STOPPING, f"{where} is being stopped{why}"
    beside = f", but its {how_it_crashes(pod.sidecar)}" if pod.sidecar else ""
    return Reason.RUNNING, shorten(f"pod {pod.name} runs on node {pod.node}{beside}")
