"""A plan in the making: the status as it will be, and what is to be done."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import DependencyStatus, JobState, JobStatus, RootCause
from alidade_operator.decide import standing
from alidade_operator.decide.actions import Action
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.decide.standing import Moment, Why
from alidade_operator.objects.views import Pod

# All others follow from where the job stands.
Aspect = Literal[
    JobCondition.POD_BLOCKED,
    JobCondition.CHANGES_REFUSED,
    JobCondition.READABLE,
    JobCondition.AS_ACCEPTED,
    JobCondition.POD_TEMPLATE_APPLIED,
    JobCondition.TRACKED,
    JobCondition.LOGS_ARCHIVED,
]

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
        """Set fields of the status that say nothing of where the job stands."""
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

    def condition(self, kind: Aspect, holds: bool, reason: str, message: str = "") -> None:
        """Set a condition that is about something beside where the job stands."""
        self.status = standing.with_condition(
            self.status, self._moment, kind, holds, Why(reason, message)
        )

    def wait(self, reason: str, message: str) -> None:
        """The job may not run yet."""
        self._hold(JobState.WAITING, reason, message)

    def queue(self, reason: str, message: str) -> None:
        """The job may run when its turn comes; its pods may not yet, or are being stopped."""
        self._hold(JobState.QUEUED, reason, message)

    def run(self, reason: str, message: str) -> None:
        """The job's batch/v1 Job runs."""
        self.status = standing.released(self.status, self._moment, Why(reason, message))

    def start(self, since: datetime) -> None:
        """A pod of the job runs, or ran, for the first time since then."""
        self.status = standing.started(self.status, self._moment, since)

    def judge(self, dependencies: tuple[DependencyStatus, ...], why: Why | None) -> None:
        """Its dependencies are known so far, and do not let the job run for this reason, if any."""
        self.status = standing.judged(self.status, self._moment, dependencies, why)

    def unblock(self) -> None:
        """Nothing keeps the job's pods from running any more."""
        self.status = standing.unblocked(self.status, self._moment)

    def fail(self, reason: str, message: str, **details: Any) -> None:
        """The job failed, for a cause of its own; details are further fields of its root cause."""
        name = self.snapshot.job.metadata.name
        cause = RootCause(job=name, reason=reason, message=message, **details)
        self.end(JobState.FAILED, reason, message, cause=cause)

    def end(
        self, state: JobState, reason: str, message: str, *, cause: RootCause | None = None
    ) -> None:
        """The job ends here, whatever comes."""
        why = Why(reason, message)
        self.status = standing.ended(self.status, self._moment, state, why, cause)

    def _hold(self, state: JobState, reason: str, message: str) -> None:
        self.status = standing.held(self.status, self._moment, state, Why(reason, message))

    @property
    def _moment(self) -> Moment:
        return Moment(self.snapshot.now, self.snapshot.job.metadata.generation)


def _without_odd_indices(snapshot: Snapshot) -> Snapshot:
    """Leave out what somebody wrote into a podTemplate: a single pod has no index."""
    pods = (*snapshot.pods, *snapshot.gone, *snapshot.orphans)
    if snapshot.job.spec.replicas > 1 or all(pod.index is None for pod in pods):
        return snapshot

    def plain(pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
        return tuple(replace(pod, index=None) for pod in pods)

    return replace(
        snapshot,
        pods=plain(snapshot.pods),
        gone=plain(snapshot.gone),
        orphans=plain(snapshot.orphans),
    )
