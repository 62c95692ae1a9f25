import json
import re
from typing import Any

import pytest

from alidade_core.api.job import Job
from tests.support.builders import job, wanted

OWN_TF_CONFIG = {
    "spec": {
        "subdomain": "mine",
        "containers": [
            {
                "name": "worker",
                "env": [{"name": "TF_CONFIG", "value": "{}"}, {"name": "FIRST", "value": "1"}],
            }
        ],
    }
}


def manifest(of: Job) -> dict[str, Any]:
    return wanted(of).manifest


def pod_spec(of: Job) -> dict[str, Any]:
    spec: dict[str, Any] = manifest(of)["spec"]["template"]["spec"]
    return spec


def variables(of: Job) -> list[dict[str, Any]]:
    (worker,) = pod_spec(of)["containers"]
    found: list[dict[str, Any]] = worker["env"]
    return found


def test_a_job_with_replicas_is_an_indexed_one_whose_pods_run_at_the_same_time() -> None:
    spec = manifest(job(replicas=3))["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    assert spec["template"]["spec"]["subdomain"] == "train"


def test_a_job_of_one_pod_has_nothing_of_it() -> None:
    plain, one = manifest(job()), manifest(job(replicas=1))
    assert plain == one
    assert not {"completionMode", "completions", "parallelism"} & plain["spec"].keys()
    assert "subdomain" not in plain["spec"]["template"]["spec"]
    assert "TF_CONFIG" not in {variable["name"] for variable in variables(job())}
    assert len(plain["spec"]["podFailurePolicy"]["rules"]) == 3


def test_the_batch_job_of_a_job_of_one_pod_changes_only_on_purpose() -> None:
    """Another hash has those of all jobs that wait made anew when the operator is upgraded."""
    assert wanted(job()).template_hash == "a07a9ec50548df2c"


@pytest.mark.parametrize("template", [None, OWN_TF_CONFIG])
def test_each_pod_is_told_where_all_are_and_which_it_is(template: dict[str, Any] | None) -> None:
    of = job(replicas=2, podTemplate=template)
    found = variables(of)
    names = [variable["name"] for variable in found]
    assert len(names) == len(set(names))
    index, config = names.index("JOB_COMPLETION_INDEX"), names.index("TF_CONFIG")
    # Kubernetes expands only what stands before.
    assert index < config
    assert found[index]["valueFrom"]["fieldRef"]["fieldPath"] == (
        "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    )
    (placeholder,) = re.findall(r"\$\((.*?)\)", found[config]["value"])
    assert placeholder == "JOB_COMPLETION_INDEX"
    assert json.loads(found[config]["value"].replace(f"$({placeholder})", "1")) == {
        "cluster": {"worker": ["train-0.train:2222", "train-1.train:2222"]},
        "task": {"type": "worker", "index": 1},
    }
    assert pod_spec(of)["subdomain"] == "train"


def test_a_replica_that_lost_its_peer_is_not_counted_as_a_failure() -> None:
    *_, rule = manifest(job(replicas=2))["spec"]["podFailurePolicy"]["rules"]
    assert rule == {
        "action": "Ignore",
        "onExitCodes": {"containerName": "worker", "operator": "In", "values": [69, 75]},
    }
    own = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [64]}}]}
    assert manifest(job(replicas=2, podFailurePolicy=own))["spec"]["podFailurePolicy"] == own
