from dataclasses import replace
from typing import Any

from alidade_core.api.base import Condition
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.admission.quota import is_settled, who_comes_first, who_yields
from alidade_operator.decide.rejection import Refused
from alidade_operator.objects import well_known
from alidade_operator.objects.views import BatchJob
from tests.support.builders import DELETED, NOW, ago, batch_job, complete, job, stamp

S = JobState


def condition(kind: str, status: str, reason: str) -> Condition:
    return Condition(type=kind, status=status, reason=reason, last_transition_time=NOW)


ASKS = Refused(job("asks"), NOW)
ASKS_KUEUE = replace(ASKS, through_kueue=True)
TRACKED = condition("Tracked", "True", "RunEnded")


def waits(name: str, age: float, **spec: Any) -> tuple[BatchJob, Job]:
    of = job(name, meta={"creationTimestamp": stamp(ago(age))}, **spec)
    return batch_job(name), of


def ended(name: str, since: float = 0, *known: Condition) -> tuple[BatchJob, Job]:
    status = JobStatus(state=S.FINISHED, completion_time=ago(since), conditions=known or (TRACKED,))
    return batch_job(name, suspend=False, status=complete()), job(name, status=status)


def runs(name: str) -> tuple[BatchJob, Job]:
    return batch_job(name, suspend=False), job(name)


def kueued(standing: tuple[BatchJob, Job]) -> tuple[BatchJob, Job]:
    """Have it handed over to Kueue."""
    found, of = standing
    return replace(found, local_queue="team"), of


def name(found: BatchJob | None) -> str | None:
    return found.name if found else None


def test_those_that_ended_go_first_the_oldest_before_others() -> None:
    standing = [waits("w", 1), ended("new", 1), ended("old", 9), runs("r")]
    assert name(who_yields(standing, ASKS)) == "old"


def test_one_whose_run_or_log_is_not_settled_is_still_needed() -> None:
    open_run = ended("run", 1, condition("Tracked", "False", "TrackingUnavailable"))
    open_log = ended("log", 1, TRACKED, condition("LogsArchived", "False", "Archiving"))
    assert who_yields([open_run, open_log], ASKS) is None
    lost_log = ended("log", 1, TRACKED, condition("LogsArchived", "False", "LogsLost"))
    assert name(who_yields([open_run, lost_log], ASKS)) == "log"
    assert not is_settled(JobStatus(state=S.STARTED))


def test_of_those_that_wait_the_last_in_line_goes_first() -> None:
    standing = [waits("old", 9), waits("young", 1), waits("urgent", 0, priority=1), runs("r")]
    assert name(who_yields(standing, ASKS)) == "young"


def test_one_that_was_let_run_before_goes_last() -> None:
    stopped, of = waits("stopped", 0)
    told = batch_job("stopped", annotations={well_known.PARAMETERS: "{}"})
    assert not stopped.released_before
    assert name(who_yields([(told, of), waits("old", 9)], ASKS)) == "old"
    assert name(who_yields([(told, of)], ASKS)) == "stopped"


def test_those_of_kueues_that_ended_go_as_others_do() -> None:
    standing = [kueued(ended("over", 1)), waits("w", 1)]
    assert name(who_yields(standing, ASKS)) == "over"


def test_nobody_yields_who_runs_or_is_going() -> None:
    going, of = waits("going", 1)
    going = replace(going, deleting=bool(DELETED))
    assert who_yields([runs("r"), (going, of), kueued(runs("admitted"))], ASKS) is None
    assert who_yields([], ASKS) is None


def test_what_kueue_lets_wait_yields_after_others_that_wait() -> None:
    standing = [kueued(waits("old", 9)), kueued(waits("young", 1)), waits("ours", 99)]
    assert name(who_yields(standing, ASKS)) == "ours"
    assert name(who_yields(standing[:2], ASKS)) == "young"


def test_what_kueue_has_reserved_a_quota_for_does_not_yield() -> None:
    old, young = kueued(waits("old", 9)), kueued(waits("young", 1))
    assert name(who_yields([old, young], ASKS, {young[0].uid})) == "old"
    assert who_yields([young], ASKS, {young[0].uid}) is None


def test_what_kueue_lets_wait_does_not_yield_to_what_it_may_let_wait_too() -> None:
    kueues, ours = kueued(waits("kueues", 1)), waits("ours", 9)
    assert who_yields([kueues], ASKS_KUEUE) is None
    assert name(who_yields([kueues, ours], ASKS_KUEUE)) == "ours"


def test_of_those_that_were_refused_what_can_run_at_once_comes_first_then_by_turn() -> None:
    def refused(name: str, age: float, *, through_kueue: bool = False) -> Refused:
        return Refused(waits(name, age)[1], NOW, through_kueue)

    kueues, old, young = refused("kueues", 99, through_kueue=True), refused("b", 9), refused("a", 1)
    over = Refused(ended("over")[1], NOW)
    assert who_comes_first([kueues, young, old, over]) == old
    assert who_comes_first([kueues, over]) == kueues
    assert who_comes_first([over]) is None
