from alidade_core.api.job_status import JobStatus
from alidade_operator.index.cache import WorkKey
from alidade_operator.loop.queue_faults import QueueFaults
from tests.support.builders import NAMESPACE, job

QUEUE = (NAMESPACE, "cpu")
INVALID = JobStatus(reason="QueueInvalid", message="wrong", queue="cpu")


def test_a_queue_is_wrong_as_long_as_a_job_says_so() -> None:
    woken: list[WorkKey] = []
    faults = QueueFaults(woken.append)
    faults.note(job("a"), INVALID)
    faults.note(job("b"), INVALID)
    faults.note(job("b"), INVALID)
    assert faults.of(QUEUE) == "wrong"
    faults.note(job("a"), JobStatus(reason="Preparing", queue="cpu"))
    assert faults.of(QUEUE) == "wrong"
    faults.forget("uid-b")
    assert faults.of(QUEUE) is None
    assert woken == 4 * [WorkKey("queue", *QUEUE)]


def test_a_job_that_goes_to_another_queue_says_nothing_of_the_first() -> None:
    faults = QueueFaults(lambda key: None)
    faults.note(job(), INVALID)
    faults.note(job(), INVALID.model_copy(update={"queue": "gpu"}))
    assert (faults.of(QUEUE), faults.of((NAMESPACE, "gpu"))) == (None, "wrong")
