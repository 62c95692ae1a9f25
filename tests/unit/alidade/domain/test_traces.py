from typing import Any

import pytest

from alidade.api.job_status import Attempt, Fate, JobStatus
from alidade.domain import traces
from alidade.domain.draft import Draft
from alidade.domain.snapshot import Trace
from tests.support.builders import backing, complete, failed, job, snapshot, succeeded_pod


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
    of = backing(suspend=False, status=status)
    return Draft(snapshot(job(status=known, **spec), backing=of, traces=told, **fields))


BEFORE, LAST = Trace("a", stopped=True), Trace("b", stopped=False)
SEEN = JobStatus(attempts=(Attempt(pod="a", fate=Fate.FAILED),))
WELL = JobStatus(attempts=(Attempt(pod="b", fate=Fate.SUCCEEDED),))


@pytest.mark.parametrize(
    ("of", "names"),
    [
        (draft(complete(), BEFORE), ["a"]),
        (draft(complete(), BEFORE, LAST), []),
        (draft(complete(), BEFORE, LAST, spec={"replicas": 2}), ["a"]),
        (draft(complete(), BEFORE, known=WELL), []),
        (draft(complete(), BEFORE, pods=(succeeded_pod(),)), []),
        (draft(failed(failed=2), BEFORE, LAST), ["a"]),
        (draft(failed(failed=2), BEFORE, LAST, known=SEEN), []),
        (draft(failed(), BEFORE, spec={"replicas": 2}), []),
    ],
    ids=[
        "stopped",
        "another ended well after it",
        "one of two replicas",
        "one was noted that ended well",
        "one is there that ended well",
        "one of two failures",
        "that it failed was seen",
        "the job controller stopped it",
    ],
)
def test_of_pods_that_nobody_saw_end_those_count_that_were_stopped(
    of: Draft, names: list[str]
) -> None:
    assert of.snapshot.backing is not None
    assert traces.stopped(of, of.snapshot.backing) == names
