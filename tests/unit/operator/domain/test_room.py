from dataclasses import replace
from typing import Any

from alidade_core.api.base import Condition
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.domain import observed
from alidade_operator.domain.observed import BackingJob
from alidade_operator.domain.room import is_settled, who_yields
from tests.support.builders import DELETED, NOW, ago, backing, complete, job, stamp

S = JobState


def condition(kind: str, status: str, reason: str) -> Condition:
    return Condition(type=kind, status=status, reason=reason, last_transition_time=NOW)


TRACKED = condition("Tracked", "True", "RunEnded")


def waits(name: str, age: float, **spec: Any) -> tuple[BackingJob, Job]:
    of = job(name, meta={"creationTimestamp": stamp(ago(age))}, **spec)
    return backing(name), of


def ended(name: str, since: float = 0, *known: Condition) -> tuple[BackingJob, Job]:
    status = JobStatus(state=S.FINISHED, completion_time=ago(since), conditions=known or (TRACKED,))
    return backing(name, suspend=False, status=complete()), job(name, status=status)


def runs(name: str) -> tuple[BackingJob, Job]:
    return backing(name, suspend=False), job(name)


def name(found: BackingJob | None) -> str | None:
    return found.name if found else None


def test_those_that_ended_go_first_the_oldest_before_others() -> None:
    standing = [waits("w", 1), ended("new", 1), ended("old", 9), runs("r")]
    assert name(who_yields(standing)) == "old"


def test_one_whose_run_or_log_is_not_settled_is_still_needed() -> None:
    open_run = ended("run", 1, condition("Tracked", "False", "TrackingUnavailable"))
    open_log = ended("log", 1, TRACKED, condition("LogsArchived", "False", "Archiving"))
    assert who_yields([open_run, open_log]) is None
    lost_log = ended("log", 1, TRACKED, condition("LogsArchived", "False", "LogsLost"))
    assert name(who_yields([open_run, lost_log])) == "log"
    assert not is_settled(JobStatus(state=S.STARTED))


def test_of_those_that_wait_the_last_in_line_goes_first() -> None:
    standing = [waits("old", 9), waits("young", 1), waits("urgent", 0, priority=1), runs("r")]
    assert name(who_yields(standing)) == "young"


def test_one_that_was_let_run_before_goes_last() -> None:
    stopped, of = waits("stopped", 0)
    told = backing("stopped", annotations={observed.PARAMETERS: "{}"})
    assert not stopped.released_before
    assert name(who_yields([(told, of), waits("old", 9)])) == "old"
    assert name(who_yields([(told, of)])) == "stopped"


def test_those_of_kueues_that_ended_go_as_others_do() -> None:
    over, of = ended("over", 1)
    standing = [(replace(over, local_queue="team"), of), waits("w", 1)]
    assert name(who_yields(standing)) == "over"


def test_nobody_yields_who_runs_is_going_or_is_kueues() -> None:
    going, of = waits("going", 1)
    going = replace(going, deleting=bool(DELETED))
    kueues, kueued = waits("kueue", 1)
    kueues = replace(kueues, local_queue="team")
    assert who_yields([runs("r"), (going, of), (kueues, kueued)]) is None
    assert who_yields([]) is None
