"""A plan in the making: the status as it will be, and what is to be done."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alidade.api.job_status import JobState, JobStatus, RootCause
from alidade.domain.actions import Action
from alidade.domain.conditions import set_condition
from alidade.domain.observed import Pod
from alidade.domain.snapshot import Snapshot

_LONGEST_SLEEP = 24 * 3600.0


class Draft:
    """Collects what follows from one snapshot; used within one call of `plan`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = _without_odd_indices(snapshot)
        self.actions: list[Action] = []
        self.wants_place = False
        self.wake_after: timedelta | None = None
        self.status: JobStatus = snapshot.job.status
        self.set(observed_generation=snapshot.job.metadata.generation)

    def set(self, **fields: Any) -> None:
        """Set fields of the status."""
        self.status = self.status.model_copy(update=fields)

    def do(self, action: Action) -> None:
        """Ask for something to be done, once."""
        if action not in self.actions:
            self.actions.append(action)

    def wake(self, after: timedelta) -> None:
        """Ask to be planned again, at the latest after this time."""
        after = max(after, timedelta(seconds=1))
        self.wake_after = after if self.wake_after is None else min(after, self.wake_after)

    def due(self, since: datetime, seconds: float) -> bool:
        """Whether so many seconds have passed since then; if not, ask to be planned again then."""
        left = seconds - (self.snapshot.now - since).total_seconds()
        if left > 0:
            # What is stored may be older than the bounds of the API, and beyond those of a clock.
            self.wake(timedelta(seconds=min(left, _LONGEST_SLEEP)))
            return False
        return True

    def condition(self, kind: str, status: bool, reason: str, message: str = "") -> None:
        """Set a condition."""
        self.set(
            conditions=set_condition(
                self.status.conditions,
                kind,
                status,
                reason,
                message,
                now=self.snapshot.now,
                generation=self.snapshot.job.metadata.generation,
            )
        )

    def wait(self, reason: str, message: str) -> None:
        """The job may not run yet."""
        self.set(state=JobState.WAITING, reason=reason, message=message)

    def queue(self, reason: str, message: str) -> None:
        """The job may run, and no pod of it does."""
        self.set(state=JobState.QUEUED, reason=reason, message=message)

    def start(self, reason: str, message: str) -> None:
        """A pod of the job runs."""
        self.set(state=JobState.STARTED, reason=reason, message=message)

    def fail(self, reason: str, message: str, **details: Any) -> None:
        """The job failed, for a cause of its own; details are further fields of its root cause."""
        name = self.snapshot.job.metadata.name
        cause = RootCause(job=name, reason=reason, message=message, **details)
        self.end(JobState.FAILED, reason, message, cause=cause)

    def end(
        self, state: JobState, reason: str, message: str, *, cause: RootCause | None = None
    ) -> None:
        """The job ends here, whatever comes."""
        self.set(
            state=state,
            reason=reason,
            message=message,
            root_cause=cause,
            completion_time=self.snapshot.now.replace(microsecond=0),
        )
        finished = state is JobState.FINISHED
        self.condition("Complete", finished, reason, message)
        self.condition("Failed", state is JobState.FAILED, reason, message)


def _without_odd_indices(snapshot: Snapshot) -> Snapshot:
    """Leave out what somebody wrote into a podTemplate: a single pod has no index."""
    pods = (*snapshot.pods, *snapshot.gone, *snapshot.strays)
    if snapshot.job.spec.replicas > 1 or all(pod.index is None for pod in pods):
        return snapshot

    def plain(pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
        return tuple(replace(pod, index=None) for pod in pods)

    return replace(
        snapshot,
        pods=plain(snapshot.pods),
        gone=plain(snapshot.gone),
        strays=plain(snapshot.strays),
    )
