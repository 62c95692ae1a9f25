"""One odd object, answer or fault stops nothing, and who can do something about it is told."""

import asyncio
from functools import cache
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    PODS,
    QUEUES,
    TOO_DEEP,
    Body,
    Kind,
    UnavailableError,
)
from alidade_operator.loop.engine import Engine
from alidade_operator.objects.well_known import JOB_LABEL, JOB_UID_LABEL
from alidade_operator.work.bulkhead import keep_going
from tests.support.builders import experiment_body, job_body, pod_body, queue_body
from tests.support.engine_lab import Scene, running
from tests.support.virtual_time import in_virtual_time

# What is told, and to whom.


@pytest.mark.parametrize(
    ("kind", "body", "about", "told"),
    [
        (JOBS, job_body("odd") | {"spec": {"replicas": "many"}}, "odd", "spec.experiment"),
        (QUEUES, queue_body("odd") | {"spec": {"maxRunning": "many"}}, "odd", "spec.maxRunning"),
        (EXPERIMENTS, experiment_body("odd") | {"spec": {"tracking": 3}}, "odd", "spec.tracking"),
        (JOBS, job_body("odd") | {TOO_DEEP: "spec.podTemplate"}, "odd", "spec.podTemplate"),
        (
            PODS,
            pod_body("train-x") | {"status": 3},
            "train",
            "its pod train-x cannot be read: status",
        ),
    ],
)
@in_virtual_time
async def test_an_object_that_cannot_be_read_is_told_where_somebody_looks_with_the_field(
    kind: Kind, body: Body, about: str, told: str
) -> None:
    async with running() as lab:
        uid = lab.server.read(JOBS, "train")["metadata"]["uid"]
        labels = {JOB_LABEL: "train", JOB_UID_LABEL: uid}
        meta = {**body["metadata"], "labels": labels, "ownerReferences": []}
        with structlog.testing.capture_logs() as logs:
            for change in ("ADDED", "MODIFIED", "MODIFIED"):
                lab.engine.observe(kind, change, {**body, "metadata": meta})
            await asyncio.sleep(60)
        (note,) = lab.told(about, "Unreadable")
        assert told in note
        assert [log["event"] for log in logs].count("object.unreadable") == 1


@in_virtual_time
async def test_what_cannot_be_read_says_so_in_its_status_until_it_can() -> None:
    async with running() as lab:
        # The next list of all, which has it as it is, is far off.
        await asyncio.sleep(50)
        made = lab.server.create(JOBS, job_body("odd"))
        lab.engine.observe(JOBS, "ADDED", {**made, TOO_DEEP: "spec.podTemplate"})
        await asyncio.sleep(5)
        assert lab.status("odd") == (JobState.WAITING, "Unreadable")
        told = lab.server.read(JOBS, "odd")
        assert "spec.podTemplate" in told["status"]["message"]
        lab.engine.observe(JOBS, "MODIFIED", {**told, TOO_DEEP: "spec.podTemplate"})
        await asyncio.sleep(5)
        assert lab.server.read(JOBS, "odd") == told
        lab.engine.observe(JOBS, "MODIFIED", told)
        await asyncio.sleep(5)
        assert lab.status("odd")[0] is JobState.QUEUED
        assert Job.model_validate(lab.server.read(JOBS, "odd")).status.is_true("Readable")


@in_virtual_time
async def test_a_fault_of_ours_is_told_on_the_object_that_it_keeps_waiting() -> None:
    async with running() as lab:
        ageless = lab.server.create(JOBS, job_body("ageless"))
        del ageless["metadata"]["creationTimestamp"]
        lab.engine.observe(JOBS, "ADDED", ageless)
        lab.have(JOBS, job_body("well"))
        await asyncio.sleep(300)
        (note,) = lab.told("ageless", "OperatorFault")
        assert "creationTimestamp" in note
        assert lab.status("well")[0] is JobState.QUEUED


# Nothing stops it.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["metadata", "spec", "status", "uid", "name", "namespace", "resourceVersion", "labels",
             "annotations", "ownerReferences", "items", "containerStatuses", "conditions", "type"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip
PLACES = st.lists(st.sampled_from(["metadata", "spec", "status"]), unique=True, max_size=3)
BODIES = [
    (JOBS, job_body("train")),
    (QUEUES, queue_body()),
    (EXPERIMENTS, experiment_body()),
    (PODS, pod_body(phase="Running")),
]


@cache
def an_engine() -> Engine:
    """Return an engine that takes in one odd object after the other."""
    return Scene().engine


@settings(max_examples=50)
@given(
    st.sampled_from([JOBS, QUEUES, EXPERIMENTS, BATCH_JOBS, PODS]),
    st.sampled_from(["ADDED", "MODIFIED", "DELETED", None]),
    JSON,
)
def test_anything_at_all_may_be_observed(kind: Kind, change: str | None, body: Any) -> None:
    an_engine().observe(kind, change, body)


@settings(max_examples=50)
@given(st.sampled_from(BODIES), PLACES, st.data())
def test_an_object_may_have_anything_in_any_place(
    known: tuple[Kind, Body], places: list[str], data: st.DataObject
) -> None:
    kind, body = known
    engine = an_engine()
    for change in ("ADDED", "DELETED"):
        strange = {**body, **{place: data.draw(JSON) for place in places}}
        engine.observe(kind, change, strange)


@in_virtual_time
async def test_a_kind_that_cannot_be_listed_keeps_no_other_from_being_compared() -> None:
    async with running() as lab:
        busy = UnavailableError("Too many requests, please try again later.", code=429)
        lab.gateway.refusals[EXPERIMENTS] = busy
        # Nobody tells of it.
        lab.server.create(JOBS, job_body("late"))
        await asyncio.sleep(300)
        assert lab.status("late")[0] is JobState.QUEUED


@in_virtual_time
async def test_a_loop_that_crashes_is_begun_anew_after_longer_and_longer() -> None:
    times: list[float] = []

    async def crash() -> None:
        times.append(asyncio.get_running_loop().time())
        if len(times) < 4:
            raise RecursionError

    with structlog.testing.capture_logs() as logs:
        await keep_going("tracker", crash)
    assert times == [0.0, 1.0, 3.0, 7.0]
    assert [(log["event"], log["loop"]) for log in logs] == [("loop.crashed", "tracker")] * 3


# Labels, by which watches and lists go.


def without_labels(lab: Scene, name: str = "train") -> Body:
    """Take the labels off a batch/v1 Job; a watch then says that it is gone."""
    body = lab.server.read(BATCH_JOBS, name)
    stripped = lab.server.update(BATCH_JOBS, name, metadata={**body["metadata"], "labels": {}})
    version = {"resourceVersion": stripped["metadata"]["resourceVersion"]}
    lab.engine.observe(BATCH_JOBS, "DELETED", {**body, "metadata": body["metadata"] | version})
    return body


@in_virtual_time
async def test_a_batch_job_that_lost_its_labels_is_not_gone_and_gets_them_back() -> None:
    async with running() as lab:
        before = lab.status("train")
        without_labels(lab)
        await asyncio.sleep(300)
        uid = lab.server.read(JOBS, "train")["metadata"]["uid"]
        labels = lab.server.read(BATCH_JOBS, "train")["metadata"]["labels"]
        assert (labels[JOB_LABEL], labels[JOB_UID_LABEL]) == ("train", uid)
        assert lab.status("train") == before


@in_virtual_time
async def test_so_it_is_if_nobody_tells() -> None:
    async with running() as lab:
        before = lab.status("train")
        body = lab.server.read(BATCH_JOBS, "train")
        lab.server.update(BATCH_JOBS, "train", metadata={**body["metadata"], "labels": {}})
        await asyncio.sleep(300)
        assert JOB_LABEL in lab.server.read(BATCH_JOBS, "train")["metadata"]["labels"]
        assert lab.status("train") == before


@in_virtual_time
async def test_so_it_is_if_they_were_taken_off_while_no_operator_ran() -> None:
    async with running() as lab:
        before = lab.status("train")
    body = lab.server.read(BATCH_JOBS, "train")
    lab.server.update(BATCH_JOBS, "train", metadata={**body["metadata"], "labels": {}})
    again = Scene(lab.server)
    task = asyncio.create_task(again.engine.run())
    await asyncio.sleep(60)
    assert JOB_LABEL in lab.server.read(BATCH_JOBS, "train")["metadata"]["labels"]
    assert again.status("train") == before
    task.cancel()


@in_virtual_time
async def test_so_it_is_if_it_waits_and_is_found_only_when_it_is_to_be_created() -> None:
    async with running() as lab:
        lab.server.place(JOBS, job_body("next", depends_on=["train"]) | {"status": {}})
        await asyncio.sleep(60)
    body = lab.server.read(BATCH_JOBS, "next")
    lab.server.update(BATCH_JOBS, "next", metadata={**body["metadata"], "labels": {}})
    again = Scene(lab.server)
    task = asyncio.create_task(again.engine.run())
    await asyncio.sleep(60)
    assert JOB_LABEL in lab.server.read(BATCH_JOBS, "next")["metadata"]["labels"]
    task.cancel()


@in_virtual_time
async def test_a_batch_job_whose_owner_was_taken_off_gets_it_back() -> None:
    async with running() as lab:
        body = lab.server.read(BATCH_JOBS, "train")
        meta = {**body["metadata"], "ownerReferences": []}
        lab.engine.observe(
            BATCH_JOBS, "MODIFIED", lab.server.update(BATCH_JOBS, "train", metadata=meta)
        )
        await asyncio.sleep(300)
        (owner,) = lab.server.read(BATCH_JOBS, "train")["metadata"]["ownerReferences"]
        assert owner["uid"] == lab.server.read(JOBS, "train")["metadata"]["uid"]


@in_virtual_time
async def test_a_batch_job_that_is_gone_indeed_is_taken_for_gone() -> None:
    async with running() as lab:
        body = lab.server.read(BATCH_JOBS, "train")
        lab.server.remove(BATCH_JOBS, "train")
        lab.engine.observe(BATCH_JOBS, "DELETED", body)
        await asyncio.sleep(300)
        assert lab.status("train")[0] is JobState.CANCELLED
