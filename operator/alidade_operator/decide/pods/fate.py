"""What became of a pod that has ended: one table, from its status as real kubelets write it.

An exit code alone does not tell. A pod that is evicted, preempted, drained or deleted may save a
checkpoint and exit with 0, and has not finished; one that a kubelet rejects has not failed, as
nothing of it ran (KEP-3329 and the kubelet's sources).
"""

from datetime import timedelta

from alidade_core.api.job_status import Fate
from alidade_operator.objects.views import Container, Pod

# containerd's and CRI-O's word of a container that ran when the node went down.
_UNKNOWN = ("Unknown", 255)
# The kubelet's of one that the runtime has lost.
_STATUS_UNKNOWN = "ContainerStatusUnknown"
# Stamps are to the second, and clocks that are kept in step are apart by less than that.
_IN_STEP = timedelta(seconds=2)
# A kubelet takes no longer to take a pod on, nor to unmount the volumes of one that it has stopped.
_KUBELET = timedelta(seconds=30)
# The pod's own activeDeadlineSeconds have passed: what was asked for.
_DEADLINE = "DeadlineExceeded"


def fate(pod: Pod) -> Fate | None:
    """Say what became of a pod, None while it is open.

    It counts as ended with the job's own container already, of which the kubelet tells first.
    """
    if not pod.ended:
        return None
    if was_stopped(pod) or is_lost(pod):
        return Fate.STOPPED
    if pod.phase == "Succeeded" or (not pod.over and pod.exit_code == 0):
        return Fate.SUCCEEDED
    return Fate.NEVER_RAN if _never_ran(pod) else Fate.FAILED


def being_stopped(pod: Pod) -> bool:
    """Whether somebody or something asks a pod to end."""
    return pod.deleting or pod.disruption is not None


def was_stopped(pod: Pod) -> bool:
    """Whether a pod that has ended was asked to end before.

    What was seen counts first. Else the times tell, which are the API server's and the kubelet's: a
    pod that had ended before gets no time of grace when it is deleted, and its container finished
    earlier, by more than a kubelet takes to have it gone. By the clock of a node that is behind
    each pod would have ended before it was asked to: that is made good as far as it shows. Of a
    clock that is ahead nothing shows. In doubt it was stopped: the same work is then done again,
    where half a result would be taken for a whole one.
    """
    if pod.stopped is not None:
        return pod.stopped
    if not being_stopped(pod):
        return False
    asked, ended_at = pod.stop_asked, pod.ended_at
    if pod.graceful or asked is None or ended_at is None:
        return True
    # A kubelet deletes what it has stopped anew, without any time, and nothing tells any more when
    # the first deletion was; but what batch/v1 has counted ended long before, and what disrupts a
    # pod keeps its own time. A clock that is behind is so by more than shows, as a kubelet tells by
    # it when it has taken a pod on.
    anew = pod.deleting and not pod.counted and pod.disruption is None
    return ended_at - asked >= -(_KUBELET if anew or pod.clock_late else _IN_STEP)


def is_lost(pod: Pod) -> bool:
    """Whether a pod ended as its node lost the job's container, which nobody saw the end of.

    Where the kubelet says why it ended the pod itself, that is why, whatever it then lost.
    """
    return pod.container is not None and not pod.reason and _lost(pod.container)


def _lost(container: Container) -> bool:
    ended = container.terminated
    if ended is None:
        return False
    return ended.reason == _STATUS_UNKNOWN or (ended.reason, ended.exit_code) == _UNKNOWN


def _never_ran(pod: Pod) -> bool:
    # A container that could not be started, as its command is not there, is the workflow's fault.
    tried = any(c is not None and c.terminated for c in (pod.init, pod.container))
    return not pod.ran and not tried and pod.reason != _DEADLINE
