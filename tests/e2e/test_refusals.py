"""What a policy, a quota or the API server itself refuses: for a while, or for good."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.support.cluster import Cluster, namespace
from tests.support.manifests import IMAGE, experiment, go_ahead, job, queue, shell, waiting_for_it
from tests.support.polling import eventually

SMALL = {"requests": {"cpu": "50m", "memory": "32Mi"}}
MAINTENANCE = "no new jobs during maintenance"
COST_CENTRE = "every Job has to have the label cost-centre"
TEAM = {"cost-centre": "robustness", "example.com/kept": "yes"}
OURS = ("alidade.dev/job", "alidade.dev/experiment", "alidade.dev/queue")
everywhere = Cluster("default")


def policy(name: str, where: str, expression: str, message: str) -> list[dict[str, Any]]:
    """Return a policy, without a reason of its own, on batch/v1 Jobs of one namespace."""
    kind = {"apiVersion": "admissionregistration.k8s.io/v1"}
    jobs = {"apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["jobs"]}
    rules = [{**jobs, "operations": ["CREATE"]}]
    only = {"matchLabels": {"kubernetes.io/metadata.name": where}}
    return [
        {
            **kind,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": rules},
                "validations": [{"expression": expression, "message": message}],
            },
        },
        {
            **kind,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": only},
            },
        },
    ]


@contextmanager
def policies(*objects: dict[str, Any]) -> Iterator[None]:
    """Have policies for the length of a test."""
    everywhere.apply(*objects)
    try:
        yield
    finally:
        text = yaml.safe_dump_all(objects)
        everywhere.kubectl("delete", "--ignore-not-found", "--filename", "-", stdin=text)


def until_in_force(cluster: Cluster, message: str, **metadata: Any) -> None:
    """Wait until the API server refuses such a batch/v1 Job, as it heeds policies with a delay."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "worker", "image": IMAGE}]}
    trial = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"template": {"spec": pod}},
    }
    dry = ("create", "--dry-run=server", "--filename", "-")
    text = yaml.safe_dump(trial)
    eventually(lambda: message in cluster.kubectl(*dry, stdin=text, check=False))


@dataclass(frozen=True)
class Refused:
    """Jobs whose batch/v1 Job was refused, what was said meanwhile, and what came of them."""

    cluster: Cluster
    meanwhile: dict[str, dict[str, Any]]
    statuses: dict[str, dict[str, Any]]


def charged(name: str, **spec: Any) -> dict[str, Any]:
    """Return a job that says who pays for it."""
    found = job(name, podTemplate=shell("true"), **spec)
    found["metadata"] |= {"labels": TEAM, "annotations": {"example.com/ticket": "R-17"}}
    return found


@pytest.fixture(scope="module")
def refused() -> Iterator[Refused]:
    where = "e2e-refusals"
    maintenance = policy(
        "e2e-maintenance", where, "!object.metadata.name.startsWith('during-')", MAINTENANCE
    )
    cost_centre = policy(
        "e2e-cost-centre",
        where,
        "has(object.metadata.labels) && 'cost-centre' in object.metadata.labels",
        COST_CENTRE,
    )
    typo = shell("true", resource={"limits": {"memory": "32Mi"}})
    typo["spec"]["nodeselector"] = {"accelerator": "a100"}
    with namespace(where) as cluster, policies(*maintenance, *cost_centre):
        until_in_force(cluster, COST_CENTRE, name="trial")
        until_in_force(cluster, MAINTENANCE, name="during-trial", labels=TEAM)
        cluster.apply(
            queue(resources=SMALL),
            experiment(tracking="None"),
            charged("is-charged"),
            job("nobody-pays-for", podTemplate=shell("true")),
            charged("during-maintenance"),
            charged("after-it", dependsOn=[{"name": "during-maintenance"}]),
            {**charged("has-a-typo"), "spec": {"experiment": "bench", "podTemplate": typo}},
        )
        names = ("during-maintenance", "nobody-pays-for")
        meanwhile = {name: cluster.wait_for(name, reason="BackingJobRejected") for name in names}
        meanwhile["after-it"] = cluster.wait_for("after-it", state="Waiting")
        text = yaml.safe_dump(maintenance[1])
        everywhere.kubectl("delete", "--filename", "-", stdin=text)
        cluster.cancel("nobody-pays-for")
        yield Refused(cluster, meanwhile, cluster.wait_for_ends())


@pytest.mark.parametrize(
    ("name", "words"),
    [("during-maintenance", MAINTENANCE), ("nobody-pays-for", COST_CENTRE)],
)
def test_a_job_that_a_policy_refuses_waits_and_quotes_it(
    name: str, words: str, refused: Refused
) -> None:
    assert refused.meanwhile[name]["state"] == "Waiting"
    assert words in refused.meanwhile[name]["message"]
    refused.cluster.until_told(name, words)


def test_it_goes_on_once_the_policy_is_lifted_and_so_do_those_behind_it(refused: Refused) -> None:
    for name in ("during-maintenance", "after-it"):
        assert refused.statuses[name]["state"] == "Finished", refused.statuses[name]


def test_a_policy_on_labels_is_met_with_those_of_the_job(refused: Refused) -> None:
    assert refused.statuses["is-charged"]["state"] == "Finished"
    metadata = refused.cluster.get("jobs.batch", "is-charged")["metadata"]
    assert TEAM.items() <= metadata["labels"].items()
    assert metadata["annotations"]["example.com/ticket"] == "R-17"
    assert set(OURS) <= metadata["labels"].keys()
    assert "kubectl.kubernetes.io/last-applied-configuration" not in metadata["annotations"]


def test_fields_that_a_pod_does_not_have_are_refused_in_the_api_servers_words(
    refused: Refused,
) -> None:
    status = refused.statuses["has-a-typo"]
    assert (status["state"], status["reason"]) == ("Failed", "BackingJobInvalid")
    for field in ("spec.template.spec.nodeselector", "spec.template.spec.containers[0].resource"):
        assert f'unknown field "{field}"' in status["message"]
    assert refused.cluster.pods_of("has-a-typo") == []


def test_a_quota_on_jobs_is_for_those_that_may_run(cluster: Cluster) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "one"},
        "spec": {"hard": {"count/jobs.batch": "1"}},
    }
    cluster.apply(quota, queue(resources=SMALL), experiment())
    cluster.apply(job("last", "middle", podTemplate=shell("true")))
    eventually(lambda: cluster.get("jobs.batch", "last")["spec"]["suspend"])
    cluster.apply(job("middle", "first", podTemplate=shell("true")))
    cluster.wait_for("middle", state="Waiting")
    cluster.apply(job("first", podTemplate=waiting_for_it("test -e /go/now")), go_ahead())
    ends = cluster.wait_for_ends()
    assert {name: status["state"] for name, status in ends.items()} == dict.fromkeys(
        ("first", "middle", "last"), "Finished"
    )
