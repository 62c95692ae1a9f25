"""What earlier commits stored is read, and comes to its end."""

from typing import Any

import pytest

from alidade_core.api.crd import RESOURCES
from alidade_core.api.job import DependencyCondition, Job
from alidade_core.api.job_status import JobState
from alidade_operator.decide.plan import plan
from tests.support.builders import ago, batch_job, failed_pod, metadata, snapshot, stamp
from tests.support.stored import name_of, objects

BEFORE = objects("4ecf8cd")
KINDS = {resource.definition.kind: resource for resource in RESOURCES}


def read(stored: dict[str, Any]) -> Any:
    known = metadata(stored["metadata"]["name"], creationTimestamp=stamp(ago(9999)))
    return KINDS[stored["kind"]].model_validate({**stored, "metadata": known})


def jobs() -> list[Job]:
    return [read(stored) for stored in BEFORE if stored["kind"] == "Job"]


def test_jobs_of_every_state_are_among_them() -> None:
    assert {found.status.state for found in jobs()} == {None, *JobState}


@pytest.mark.parametrize("stored", BEFORE, ids=name_of)
def test_nothing_that_was_stored_is_lost(stored: dict[str, Any]) -> None:
    def check(before: Any, after: Any, path: str) -> None:
        if isinstance(before, dict):
            for name, part in before.items():
                if name != "default":
                    check(part, after[name], f"{path}.{name}")
        elif isinstance(before, list):
            assert len(before) == len(after), path
            for number, (one, other) in enumerate(zip(before, after, strict=True)):
                check(one, other, f"{path}[{number}]")
        elif not (path.endswith(".condition") and before == "Finished"):
            assert before == after, path

    written = read(stored).dump()
    for part in ("spec", "status"):
        check(stored.get(part, {}), written[part], part)


def test_a_dependency_that_was_to_be_finished_is_to_be_ended() -> None:
    conditions = {d.condition for found in jobs() for d in found.spec.depends_on}
    assert conditions == {DependencyCondition.ENDED, DependencyCondition.COMPLETE}


@pytest.mark.parametrize("found", jobs(), ids=lambda found: found.metadata.name)
def test_every_job_is_led_on(found: Job) -> None:
    before = found.status
    for there in (
        None,
        batch_job(found.metadata.name),
        batch_job(found.metadata.name, suspend=False),
    ):
        decided = plan(snapshot(found, batch_job=there, pods=(failed_pod("train-00024"),)))
        if before.ended:
            assert decided.status.state is before.state
            assert decided.status.message == before.message
