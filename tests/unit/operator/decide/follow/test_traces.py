from typing import Any

import pytest

from alidade_core.api.job_status import Attempt, Fate, JobStatus
from alidade_operator.decide.answers import Trace
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.follow import traces
from tests.support.builders import batch_job, complete, failed, job, snapshot, succeeded_pod


def created(pod: str, at: int, note: str = "Created pod: {}") -> dict[str, Any]:
    stamp = f"2026-03-01T12:00:{at:02}Z"
    metadata = {"creationTimestamp": stamp, "resourceVersion": str(at)}
    return {"metadata": metadata, "note": note.format(pod)}


def killing(pod: str, note: str = "Stopping container worker") -> dict[str, Any]:
    return {"regarding": {"name": pod}, "note": note}


def test_pods_are_read_in_the_order_in_which_they_were_created() -> None:
    combined = "(combined from similar events): Created pod: {}"
    told = [created("c", 9, combined), created("a", 2), created("b", 8)]
    others = [killing("of-another-job"), killing("a", "Stopping container sidecar")]
    probed = killing("b", "Container worker failed liveness probe, will be restarted")
    assert traces.read(told, [*others, probed, killing("c")]) == (
        Trace("a", stopped=False),
        Trace("b", stopped=False),
        Trace("c", stopped=True),
    )


def test_events_without_any_words_tell_nothing() -> None:
    assert traces.read([], [{}, {"regarding": None, "note": None}]) == ()


def draft(status: dict[str, Any], *told: Trace, **fields: Any) -> Draft:
    spec, known = fields.pop("spec", {}), fields.pop("known", JobStatus())
    of = batch_job(suspend=False, status=status)
    return Draft(snapshot(job(status=known, **spec), batch_job=of, traces=told, **fields))


BEFORE, LAST = Trace("a", stopped=True), Trace("b", stopped=False)
FIRST, PEER, AGAIN = (
    Trace(f"train-{name}", stopped=name == "0-x") for name in ("0-x", "1-x", "1-y")
)
LOST = JobStatus(attempts=(Attempt(pod="b", fate=Fate.STOPPED),))
SEEN = JobStatus(attempts=(Attempt(pod="a", fate=Fate.FAILED),))
WELL = JobStatus(attempts=(Attempt(pod="b", fate=Fate.SUCCEEDED),))


@pytest.mark.parametrize(
    ("of", "names"),
    [
        (draft(complete(), BEFORE), ["a"]),
        (draft(complete(), BEFORE, LAST), []),
        (draft(complete(), FIRST, PEER, spec={"replicas": 2}), ["train-0-x"]),
        (draft(complete(), FIRST, PEER, AGAIN, spec={"replicas": 2}), ["train-0-x"]),
        (draft({"completedIndexes": "0"}, FIRST, PEER, spec={"replicas": 2}), ["train-0-x"]),
        (draft({"completedIndexes": "1"}, FIRST, PEER, spec={"replicas": 2}), []),
        (draft(complete(), BEFORE, known=WELL), []),
        (draft(complete(), BEFORE, pods=(succeeded_pod(),)), []),
        (draft(failed(failed=2), BEFORE, LAST), ["a"]),
        (draft(failed(failed=2), BEFORE, LAST, known=SEEN), []),
        (draft(failed(failed=2), BEFORE, LAST, known=LOST), ["a", "b"]),
        (draft(failed(), BEFORE, spec={"replicas": 2}), []),
    ],
    ids=[
        "stopped",
        "another ended well after it",
        "one of two replicas",
        "one of two replicas, of which the other was begun anew",
        "one of two replicas, while the other runs",
        "one of two replicas, that is not counted as done",
        "one was noted that ended well",
        "one is there that ended well",
        "one of two failures",
        "that it failed was seen",
        "that it was being stopped was seen",
        "the job controller stopped it",
    ],
)
def test_of_pods_that_nobody_saw_end_those_count_that_were_stopped(
    of: Draft, names: list[str]
) -> None:
    assert of.snapshot.batch_job is not None
    assert traces.stopped(of, of.snapshot.batch_job) == names
