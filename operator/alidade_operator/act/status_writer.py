"""Telling the world where jobs are: statuses, and events about what is new in them."""

import asyncio
from typing import NamedTuple

import structlog

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobStatus
from alidade_operator.act.recorder import Recorder
from alidade_operator.act.status import write_status
from alidade_operator.decide.coalescing import MOMENT_SECONDS, at_once
from alidade_operator.decide.events import note_change, note_refusals, note_what_gave_way
from alidade_operator.decide.plan import Plan
from alidade_operator.index.cache import Cache
from alidade_operator.kube.gateway import JOBS, Gateway
from alidade_operator.ops.metrics import JOBS_ENDED

# A timer may go off this much before its time.
_TIMERS_SECONDS = 0.01

log = structlog.get_logger(__name__)


class _Untold(NamedTuple):
    """What is known of a job, and not written yet.

    Attributes:
        told: The status that was read of it.
        known: What is known since.
        since: Since when, by the event loop's clock.
    """

    told: JobStatus
    known: JobStatus
    since: float


class StatusWriter:
    """Writes the statuses of jobs, at once or with what follows within a moment.

    Plans go on from what is known, be it written or not.

    Args:
        cache: Where answers are put.
        gateway: The Kubernetes API.
        recorder: Where events go.
        moment: For how many seconds a status may be behind what is known.
    """

    def __init__(
        self, cache: Cache, gateway: Gateway, recorder: Recorder, moment: float = MOMENT_SECONDS
    ) -> None:
        self._cache = cache
        self._gateway = gateway
        self._recorder = recorder
        self._moment = moment
        self._untold: dict[str, _Untold] = {}

    def known(self, job: Job) -> Job:
        """Return a job as it was read, with what is known of it since."""
        untold = self._untold.get(job.metadata.uid)
        if untold is None:
            return job
        if untold.told != job.status:
            # Whatever that was decided upon is not so any more.
            self.forget(job.metadata.uid)
            return job
        return job.model_copy(update={"status": untold.known})

    def forget(self, uid: str) -> None:
        """Forget what is not written yet of a job."""
        self._untold.pop(uid, None)

    def forget_all(self) -> None:
        """Forget what is not written yet."""
        self._untold.clear()

    async def tell(self, job: Job, decided: Plan) -> float | None:
        """Write a job's status, if what it is to be has to be told now.

        Args:
            job: The job, as `known` returned it.
            decided: What it is to be, and what is to be done.

        Returns:
            After how many seconds that has to be told which is not, None where all is.

        Raises:
            ApiError: It could not be written.
        """
        uid, now = job.metadata.uid, asyncio.get_running_loop().time()
        before = self._untold.get(uid)
        told, since = (before.told, before.since) if before else (job.status, now)
        if decided.status == told:
            self.forget(uid)
            return None
        left = since + self._moment - now
        if left > _TIMERS_SECONDS and not at_once(told, decided.status, decided.actions):
            self._untold[uid] = _Untold(told, decided.status, since)
            return left
        await self._write(job, told, decided.status)
        self.forget(uid)
        return None

    async def _write(self, job: Job, old: JobStatus, new: JobStatus) -> None:
        body = await write_status(self._gateway, JOBS, job, old, new)
        self._cache.put_answer(JOBS, body)
        if new.state is not old.state:
            log.info(
                "job.state",
                namespace=job.metadata.namespace,
                job=job.metadata.name,
                state=new.state,
                reason=new.reason,
                message=new.message,
            )
            if new.ended:
                JOBS_ENDED.labels(new.state, new.reason).inc()
        for worth in (note_change, note_what_gave_way, note_refusals):
            if (note := worth(old, new)) is not None:
                self._recorder.record(job, note)
