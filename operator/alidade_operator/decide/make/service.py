"""The headless Service under which the replicas of a job find each other (KEP-2214).

Nobody watches it: it is made before the pods are let run, and looked after while one of them is
missing, as that is when it would be.
"""

from collections.abc import Iterable
from typing import Any

from alidade_core.api.job import Job
from alidade_operator.decide.actions import HaveService
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.make.metadata import metadata_for
from alidade_operator.decide.make.replicas import PORT
from alidade_operator.objects import well_known

LOOK_AGAIN_SECONDS = 60


def keep(draft: Draft) -> None:
    """See that it is there while not all of the pods run."""
    snapshot = draft.snapshot
    service = service_for(snapshot.job, snapshot.kept_back)
    if service is None or snapshot.batch_job is None:
        return
    if draft.status.ended or snapshot.batch_job.ended or snapshot.batch_job.deleting:
        return
    running = sum(pod.phase == "Running" for pod in snapshot.pods)
    if running >= snapshot.job.spec.replicas:
        return
    seen = snapshot.service_seen
    if seen is None or draft.due(seen, LOOK_AGAIN_SECONDS):
        draft.do(HaveService(service))


def service_for(job: Job, kept_back: Iterable[str] = ()) -> dict[str, Any] | None:
    """Return the Service that goes with a job's batch/v1 Job, None where its pods need not meet.

    It outlives the batch/v1 Job, which is made anew if its queue changes, and so does not name it.

    Args:
        job: The job.
        kept_back: Domains whose labels and annotations are not passed on to it.
    """
    if job.spec.replicas == 1:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata_for(job, kept_back),
        "spec": {
            "clusterIP": "None",
            # They meet before any of them is ready for anything else.
            "publishNotReadyAddresses": True,
            "selector": {well_known.JOB_UID_LABEL: job.metadata.uid},
            "ports": [{"name": "tf", "port": PORT}],
        },
    }
