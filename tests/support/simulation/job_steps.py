"""What the job controller does next about a batch/v1 Job: kube-controller-manager's syncJob.

Each write is a step of its own, and all is decided anew before each, as the real one has it all in
the API server too and may be stopped between any two: pods made and deleted, then what is about to
be counted (uncountedTerminatedPods), then the pods' finalizers, then the counts and the end.

Only what the operator makes is played: there is always a podFailurePolicy, with which a pod is
replaced only once it has ended (podReplacementPolicy Failed), a number of completions, and pods
that are never restarted in place. Time is not: pods are replaced at once, and no deadline passes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alidade_operator.kube.gateway import Body
from tests.support.builders import stamp
from tests.support.simulation.chance import clock
from tests.support.simulation.pod_failures import verdict
from tests.support.simulation.pods import (
    active,
    deleting,
    index_of,
    over,
    ready,
    terminating,
    tracked,
)

FAILED = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
_IF_ANY = ("active", "succeeded", "failed", "completedIndexes", "conditions")
_INTERIM = {"FailureTarget": "Failed", "SuccessCriteriaMet": "Complete"}


@dataclass(frozen=True)
class Make:
    """Make a pod for an index, which is None where the job has none."""

    index: int | None


@dataclass(frozen=True)
class Delete:
    """Delete a pod; one that is not to be counted is first let go of."""

    pod: Body
    counted: bool


@dataclass(frozen=True)
class LetGo:
    """Take the finalizer off a pod."""

    pod: Body


@dataclass(frozen=True)
class Tell:
    """Write the status of the job."""

    status: Body


Step = Make | Delete | LetGo | Tell


def ended(job: Body) -> bool:
    """Say whether the job controller is done with a batch/v1 Job."""
    return bool(_true(job["status"], "Complete") or _true(job["status"], "Failed"))


def next_steps(job: Body, pods: Sequence[Body]) -> Sequence[Step]:
    """Return what is to be done at once, in any order; nothing where the job is at rest.

    Args:
        job: The batch/v1 Job.
        pods: The pods that it is the controller of.
    """
    if ended(job):
        return [LetGo(pod) for pod in pods if tracked(pod)]
    sync = _Sync(job, pods)
    moved = sync.moves()
    if moved:
        return moved
    status = sync.status()
    if status != job["status"]:
        return [Tell(status)]
    return [LetGo(pod) for pod in pods if tracked(pod) and sync.may_go(pod)]


class _Sync:
    def __init__(self, job: Body, pods: Sequence[Body]) -> None:
        spec, status = job["spec"], job["status"]
        self._job, self._before = job, status
        self._pods = pods
        self._indexed = spec.get("completionMode") == "Indexed"
        self._completions = spec.get("completions", 1)
        self._suspended = bool(spec.get("suspend"))
        self._active = [pod for pod in pods if active(pod)]
        self._terminating = [pod for pod in pods if terminating(pod)]
        uncounted = status.get("uncountedTerminatedPods") or {}
        self._noted = {kind: list(uncounted.get(kind) or ()) for kind in ("succeeded", "failed")}
        self._done = _indices(status.get("completedIndexes", "")) | {
            index_of(pod) for pod in pods if _succeeded(pod) and tracked(pod)
        }
        self._end = self._ending()

    def moves(self) -> Sequence[Step]:
        """Return which pods are to be made or deleted."""
        if self._fails():
            return [Delete(pod, counted=True) for pod in self._active]
        if self._end or deleting(self._job):
            return []
        if self._suspended:
            return [Delete(pod, counted=False) for pod in self._active]
        left = max(self._completions - self._succeeded(), 0)
        wanted = min(left, self._job["spec"].get("parallelism", 1))
        surplus = len(self._active) - wanted
        if surplus > 0:
            return [Delete(pod, counted=False) for pod in self._active[:surplus]]
        missing = wanted - len(self._active) - len(self._terminating)
        if not self._indexed:
            return [Make(None)] * max(missing, 0)
        here = {index_of(pod) for pod in (*self._active, *self._terminating)} | self._done
        free = [index for index in range(self._completions) if index not in here]
        return [Make(index) for index in free[: max(missing, 0)]]

    def status(self) -> Body:
        """Return the status as it is to be now."""
        uncounted = {kind: self._uncounted(kind) for kind in self._noted}
        counted = {
            kind: self._before.get(kind, 0)
            + len(set(self._noted[kind]) - {p["metadata"]["uid"] for p in self._pods if tracked(p)})
            for kind in self._noted
        }
        status: dict[str, Any] = {
            **self._before,
            **counted,
            "active": len(self._active),
            "ready": sum(map(ready, self._active)),
            "terminating": len(self._terminating),
            "uncountedTerminatedPods": {kind: uids for kind, uids in uncounted.items() if uids},
        }
        if self._indexed:
            status |= {"succeeded": len(self._done), "completedIndexes": _intervals(self._done)}
        if not self._suspended and "startTime" not in status:
            status["startTime"] = stamp(clock())
        status = self._concluded(status) if self._end else self._told_of_pause(status)
        # Go leaves out some of what is nothing.
        return {key: value for key, value in status.items() if value or key not in _IF_ANY}

    def may_go(self, pod: Body) -> bool:
        """Say whether all that is to be known of a pod is known."""
        return bool(self._end) or deleting(self._job) or over(pod)

    def _ending(self) -> Body | None:
        """Return the condition that says how the job is about to end, None where it is not."""
        for kind in _INTERIM:
            if known := _true(self._before, kind):
                return known
        for pod in self._pods:
            what, words = verdict(self._job, pod) if _failed(pod) else ("Count", "")
            if what == "FailJob":
                return _condition("FailureTarget", "True", "PodFailurePolicy", words)
        if self._failures() > self._job["spec"]["backoffLimit"]:
            return _condition("FailureTarget", "True", *FAILED)
        if self._succeeded() >= self._completions and not self._active:
            return _condition("SuccessCriteriaMet", "True", *REACHED)
        return None

    def _fails(self) -> bool:
        return self._end is not None and self._end["type"] == "FailureTarget"

    def _succeeded(self) -> int:
        if self._indexed:
            return len(self._done)
        new = [p for p in self._new("succeeded") if _succeeded(p)]
        return int(self._before.get("succeeded", 0)) + len(new) + len(self._noted["succeeded"])

    def _failures(self) -> int:
        new = [p for p in self._new("failed") if _failed(p) and self._is_counted(p)]
        return int(self._before.get("failed", 0)) + len(new) + len(self._noted["failed"])

    def _is_counted(self, pod: Body) -> bool:
        return verdict(self._job, pod)[0] != "Ignore"

    def _new(self, kind: str) -> Iterable[Body]:
        """Return the pods that are neither counted nor about to be."""
        noted = self._noted[kind]
        return (p for p in self._pods if tracked(p) and p["metadata"]["uid"] not in noted)

    def _uncounted(self, kind: str) -> list[str]:
        """Return the pods that are about to be counted, once they are let go of."""
        here = {pod["metadata"]["uid"] for pod in self._pods if tracked(pod)}
        kept = [uid for uid in self._noted[kind] if uid in here]
        if kind == "succeeded":
            new = [] if self._indexed else [p for p in self._new(kind) if _succeeded(p)]
        else:
            # What is left of a job that fails has failed too.
            all_ = self._fails()
            new = [
                pod
                for pod in self._new(kind)
                if not _succeeded(pod) and (_failed(pod) or all_) and self._is_counted(pod)
            ]
        return [*kept, *(pod["metadata"]["uid"] for pod in new)]

    def _concluded(self, status: Body) -> Body:
        end = self._end
        assert end is not None
        conditions = list(status.get("conditions", ()))
        if not _true(status, end["type"]):
            conditions.append(end)
        elif not any(map(tracked, self._pods)) and not self._terminating:
            last = _condition(_INTERIM[end["type"]], "True", end["reason"], end["message"])
            conditions.append(last)
            if last["type"] == "Complete":
                status["completionTime"] = last["lastTransitionTime"]
        return {**status, "conditions": conditions}

    def _told_of_pause(self, status: Body) -> Body:
        conditions = list(status.get("conditions", ()))
        known = next((c for c in conditions if c["type"] == "Suspended"), None)
        told = "True" if self._suspended else "False"
        if deleting(self._job) or (known["status"] if known else "False") == told:
            return status
        words = (
            ("JobSuspended", "Job suspended") if self._suspended else ("JobResumed", "Job resumed")
        )
        others = [c for c in conditions if c["type"] != "Suspended"]
        if not self._suspended:
            status["startTime"] = stamp(clock())
        return {**status, "conditions": [*others, _condition("Suspended", told, *words)]}


def _succeeded(pod: Body) -> bool:
    return bool(pod["status"]["phase"] == "Succeeded")


def _failed(pod: Body) -> bool:
    return bool(pod["status"]["phase"] == "Failed")


def _true(status: Body, kind: str) -> Body | None:
    conditions: Iterable[Body] = status.get("conditions") or ()
    return next((c for c in conditions if (c["type"], c["status"]) == (kind, "True")), None)


def _condition(kind: str, status: str, reason: str, message: str) -> Body:
    now = stamp(clock())
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastProbeTime": now,
        "lastTransitionTime": now,
    }


def _indices(text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first:
            found |= set(range(int(first), int(last or first) + 1))
    return found


def _intervals(indices: set[int]) -> str:
    parts: list[list[int]] = []
    for index in sorted(indices):
        if parts and parts[-1][-1] == index - 1:
            parts[-1].append(index)
        else:
            parts.append([index])
    return ",".join(
        ",".join(map(str, part)) if len(part) < 3 else f"{part[0]}-{part[-1]}" for part in parts
    )
