"""Whoever owns what is odd, or lacks something for a fault of others, is told on his own object."""

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.queue import Queue
from alidade_operator.decide.sums.experiment import experiment_status
from alidade_operator.decide.sums.queue import queue_status
from alidade_operator.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, PODS, QUEUES, Body, Kind
from alidade_operator.objects.well_known import JOB_LABEL, JOB_UID_LABEL, WORKER
from tests.support.builders import (
    complete,
    experiment_body,
    owner_reference,
    pod_body,
    queue_body,
)
from tests.support.engine_lab import Scene, running
from tests.support.virtual_time import in_virtual_time


def of(lab: Scene, kind: Kind) -> Body:
    """Return the batch/v1 Job of `train`, or a pod of it, as the API server gives it."""
    batch_job = lab.server.read(BATCH_JOBS, "train")
    if kind == BATCH_JOBS:
        return batch_job
    owners = [owner_reference("Batch", "train", batch_job["metadata"]["uid"])]
    labels = {JOB_LABEL: "train", JOB_UID_LABEL: batch_job["metadata"]["labels"][JOB_UID_LABEL]}
    body = pod_body("train-x", meta={"labels": labels, "ownerReferences": owners})
    return {**body, "spec": {**body["spec"], "containers": [{"name": WORKER}]}}


@pytest.mark.parametrize(
    ("kind", "part", "value", "told"),
    [
        (BATCH_JOBS, "status", {"succeeded": "odd"}, "status.succeeded"),
        (BATCH_JOBS, "status", {"conditions": 3}, "status.conditions"),
        (BATCH_JOBS, "spec", {"suspend": []}, "spec.suspend"),
        (BATCH_JOBS, "metadata", {"labels": 3}, "metadata.labels"),
        (BATCH_JOBS, "metadata", {"labels": 3, "ownerReferences": [3]}, "metadata"),
        (PODS, "status", {"containerStatuses": "odd"}, "status.containerStatuses"),
        (PODS, "metadata", {"labels": [3]}, "metadata.labels"),
        (PODS, "metadata", {"ownerReferences": "odd"}, "metadata.ownerReferences"),
    ],
)
@in_virtual_time
async def test_of_an_odd_pod_or_batch_job_its_job_is_told_the_field(
    kind: Kind, part: str, value: Body, told: str
) -> None:
    async with running() as lab:
        body = of(lab, kind)
        lab.engine.observe(kind, "MODIFIED", {**body, part: {**body.get(part, {}), **value}})
        await asyncio.sleep(60)
        (note,) = lab.told("train", "Unreadable")
        assert told in note


def trip(found: Experiment | Queue, *rest: Any, **options: Any) -> Any:
    """Sum up all but what is called odd."""
    if found.metadata.name == "odd":
        raise RecursionError("too much of it")
    if isinstance(found, Experiment):
        return experiment_status(found, *rest, **options)
    return queue_status(found, *rest, **options)


@pytest.mark.parametrize(
    ("kind", "body", "sums"),
    [
        (EXPERIMENTS, experiment_body, "experiment_status"),
        (QUEUES, queue_body, "queue_status"),
    ],
)
@in_virtual_time
async def test_a_fault_of_ours_is_told_on_the_experiment_or_queue_and_others_are_summed_up(
    kind: Kind, body: Any, sums: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as lab:
        with monkeypatch.context() as faulty:
            faulty.setattr(f"alidade_operator.loop.aggregates.{sums}", trip)
            lab.have(kind, body("odd"))
            lab.have(kind, body("well"))
            await asyncio.sleep(60)
        assert lab.told("odd", "OperatorFault") == [
            "the operator trips over it, and tries again: RecursionError: too much of it"
        ]
        assert lab.server.read(kind, "well")["status"]["conditions"]
        assert not lab.server.read(kind, "odd").get("status")
        await asyncio.sleep(120)
        assert lab.server.read(kind, "odd")["status"]["conditions"]


def archived(lab: Scene) -> tuple[str, str]:
    """Return what the job `train` tells of its logs: whether all are there, and why not."""
    status = Job.model_validate(lab.server.read(JOBS, "train")).status
    condition = status.condition(JobCondition.LOGS_ARCHIVED)
    assert condition is not None
    return condition.status, condition.message


@in_virtual_time
async def test_a_full_disk_is_told_on_each_job_whose_log_it_keeps_from_the_archive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    ended = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    async with running(tracking="MLflow") as lab:
        with monkeypatch.context() as disk:
            disk.setattr(Path, "write_bytes", full)
            lab.have(PODS, of(lab, PODS))
            status = pod_body("train-x", phase="Succeeded", worker=ended)["status"]
            for kind, name, told in ((PODS, "train-x", status), (BATCH_JOBS, "train", complete())):
                lab.engine.observe(kind, "MODIFIED", lab.server.update(kind, name, status=told))
            await asyncio.sleep(60)
            assert archived(lab) == (
                "False",
                "pod train-x, container worker: cannot be kept until MLflow takes it: "
                "No space left on device",
            )
        await asyncio.sleep(60)
        assert archived(lab)[0] == "True"
