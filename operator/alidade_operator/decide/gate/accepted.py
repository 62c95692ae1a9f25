"""What a job was accepted with, as far as the API server cannot keep it from being changed.

A rule that compares objects of unknown fields misses that one field was put in the place of another
(k8s.io/apiserver, pkg/cel/common/values.go, `unstructuredMap.Equal`: the sizes are compared, and
then those of one side's fields that the other has too). So a hash of them is kept in the status. It
is of the user's fields alone, and stays the same whatever an operator makes of them.
"""

import hashlib
import json

from alidade_core.api.job import JobSpec
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.reason import Reason
from alidade_operator.decide.draft import Draft

_CHANGED = (
    "podTemplate or podFailurePolicy is not what the job was accepted with; put it back, or create "
    "another job"
)


def fingerprint(spec: JobSpec) -> str:
    """Return what tells the free-form parts of one spec from those of another."""
    parts = {"podTemplate": spec.pod_template, "podFailurePolicy": spec.pod_failure_policy}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def compare(draft: Draft) -> None:
    """Note what a job is accepted with; tell if it is something else by now."""
    accepted, spec = draft.status.pod_template_hash, draft.snapshot.job.spec
    if accepted is None:
        if not draft.status.ended:
            draft.set(pod_template_hash=fingerprint(spec))
    elif accepted != fingerprint(spec):
        draft.condition(JobCondition.AS_ACCEPTED, False, Reason.SPEC_CHANGED, _CHANGED)
    elif draft.status.condition(JobCondition.AS_ACCEPTED):
        draft.condition(JobCondition.AS_ACCEPTED, True, Reason.SPEC_KEPT)


def kept_back(draft: Draft) -> bool:
    """Whether the job has to wait, as it would run with something else."""
    told = draft.status.condition(JobCondition.AS_ACCEPTED)
    if told is None or told.status == "True":
        return False
    draft.wait(Reason.SPEC_CHANGED, _CHANGED)
    return True
