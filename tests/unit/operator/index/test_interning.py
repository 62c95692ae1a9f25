"""What many jobs have in common is kept once, and a job that waits is little to keep."""

import gc
import json
import tracemalloc

from alidade_operator.index.cache import Cache
from alidade_operator.index.interning import Interning
from alidade_operator.kube.gateway import BATCH_JOBS, JOBS
from tests.support.builders import batch_job_body, job, job_body
from tests.support.sizes import FOR_EACH_WAITING_JOB


def test_what_was_set_of_a_model_is_known_as_before_and_is_the_same_for_all() -> None:
    interning = Interning()
    kept, other = (
        interning.share(job("a", depends_on=["x"])),
        interning.share(job("b", depends_on=["y"])),
    )
    assert kept == job("a", depends_on=["x"])
    assert kept.model_dump(exclude_unset=True) == job("a", depends_on=["x"]).model_dump(
        exclude_unset=True
    )
    assert kept.spec.model_fields_set is other.spec.model_fields_set
    assert kept.spec.depends_on[0].model_fields_set is other.spec.depends_on[0].model_fields_set


def test_a_copy_that_is_changed_changes_nothing_of_the_others() -> None:
    interning = Interning()
    kept, other = interning.share(job("a")), interning.share(job("b"))
    changed = kept.spec.model_copy(update={"priority": 7})
    assert "priority" in changed.model_fields_set
    assert "priority" not in other.spec.model_fields_set


CONDITION = {
    "status": "False",
    "reason": "DependencyPending",
    "message": "waits for first (Queued) to be Complete",
    "lastTransitionTime": "2026-03-01T12:00:11Z",
    "observedGeneration": 1,
}
WAITING = {
    "conditions": [{**CONDITION, "type": kind} for kind in ("DependenciesMet", "Suspended")],
    "state": "Waiting",
    "reason": "DependencyPending",
    "message": "waits for first (Queued) to be Complete",
    "dependencies": [{"name": "first", "uid": "uid-first", "state": "Queued"}],
    "parameters": [{"name": "eps", "value": "0.3"}, {"name": "norm", "value": "inf"}],
}


def test_a_job_that_waits_is_little_to_keep_however_often_it_has_changed() -> None:
    cache, count = Cache(lambda key: None), 200

    def tell(number: int, version: int, **status: object) -> None:
        name = f"train-{number}"
        told = json.dumps(job_body(name, depends_on=["first"], status=status))
        body = json.loads(told)
        body["metadata"]["resourceVersion"] = str(version)
        cache.put(JOBS, body)

    gc.collect()
    tracemalloc.start()
    for number in range(count):
        tell(number, 1)
        tell(number, 2, **WAITING)
        cache.put(BATCH_JOBS, batch_job_body(f"train-{number}"))
        tell(number, 3, **WAITING, podTemplateHash="0123456789abcdef")
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < FOR_EACH_WAITING_JOB * count, kept / count
