"""The batch/v1 Job behind a Job: as it stands suspended, and what lets its pods run.

What may run at once is created running; what waits is created suspended, and released by one patch.
Either way its pods are told by annotations what is known only then.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alidade_core.api.job import Job
from alidade_core.api.queue import Queue
from alidade_operator.decide.image import Image
from alidade_operator.decide.make import failure_policy, replicas
from alidade_operator.decide.make.inputs import Inputs
from alidade_operator.decide.make.metadata import labels_of, metadata_for
from alidade_operator.decide.make.pod_template import pod_template
from alidade_operator.objects import well_known


@dataclass(frozen=True)
class Wanted:
    """What a job's batch/v1 Job is to be.

    Attributes:
        manifest: It, suspended.
        gave_way: Fields of the job's podTemplate that the queue does not let jobs have otherwise.
        unused: Fields of its container there that have no effect, as it is started otherwise.
    """

    manifest: dict[str, Any]
    gave_way: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def template_hash(self) -> str:
        """What tells one such manifest from another."""
        return str(self.manifest["metadata"]["annotations"][well_known.TEMPLATE_HASH])


def wanted(
    job: Job,
    inputs: Inputs,
    queue: Queue,
    image: Image,
    tracking_uri: str,
    *,
    flavor: str | None = None,
    kept_back: Iterable[str] = (),
) -> Wanted:
    """Return the batch/v1 Job that a Job asks for.

    Args:
        job: The Job that owns it and gives it its name.
        inputs: The code and the data that it was accepted with.
        queue: Its queue: node pool and resources, those of the flavor where it has flavors.
        image: The image of its container.
        tracking_uri: Where its pods reach MLflow.
        flavor: The name of the queue's flavor.
        kept_back: Domains whose labels and annotations are not passed on to it.
    """
    labels = _labels(job, queue, flavor)
    made = pod_template(job, inputs, queue, image, tracking_uri, labels=labels)
    spec: dict[str, Any] = {
        "suspend": True,
        "backoffLimit": job.failures_left,
        "podFailurePolicy": job.spec.pod_failure_policy or failure_policy.default(job),
        "template": made.template,
        **replicas.indexed(job),
    }
    if job.spec.active_deadline_seconds is not None:
        spec["activeDeadlineSeconds"] = job.spec.active_deadline_seconds
    metadata = metadata_for(job, kept_back)
    metadata["labels"] |= labels
    metadata["annotations"][well_known.TEMPLATE_HASH] = _digest(spec)
    if not inputs.in_image:
        metadata["annotations"][well_known.INPUTS] = inputs.model_dump_json(
            by_alias=True, exclude_none=True
        )
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    return Wanted(manifest, made.gave_way, made.unused)


def _labels(job: Job, queue: Queue, flavor: str | None) -> dict[str, str]:
    in_flavor = {well_known.FLAVOR_LABEL: flavor} if flavor else {}
    return {**labels_of(job), well_known.QUEUE_LABEL: queue.metadata.name, **in_flavor}


def _digest(spec: dict[str, Any]) -> str:
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
