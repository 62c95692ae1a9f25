import pytest

from alidade_operator.decide.sums.queue import queue_status
from tests.support.builders import NOW, queue


@pytest.mark.parametrize(
    ("policy", "status", "reason", "message"),
    [
        ("None", "True", "Ready", "starts jobs"),
        ("Hold", "False", "Held", "starts no jobs: stopPolicy is Hold"),
        ("HoldAndDrain", "False", "Held", "starts no jobs: stopPolicy is HoldAndDrain"),
    ],
)
def test_a_queue_tells_whether_it_starts_jobs(
    policy: str, status: str, reason: str, message: str
) -> None:
    found = queue_status(queue(stopPolicy=policy), 2, 5, NOW)
    assert (found.running, found.queued, found.observed_generation) == (2, 5, 1)
    (active,) = found.conditions
    assert (active.type, active.status, active.reason, active.message) == (
        "Active",
        status,
        reason,
        message,
    )


def test_a_queue_that_is_wrong_in_itself_says_so_until_it_is_mended() -> None:
    wrong = queue_status(queue(), 0, 0, NOW, "no such label")
    told = wrong.condition("Valid")
    assert told is not None
    assert (told.status, told.reason, told.message) == ("False", "QueueInvalid", "no such label")
    mended = queue().model_copy(update={"status": wrong})
    assert queue_status(mended, 0, 0, NOW).is_true("Valid")
