import json
from typing import Any

import pytest

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobStatus, Retries
from alidade_core.api.parameter import ParameterValue
from alidade_core.api.queue import Queue
from alidade_operator.decide.make import release
from alidade_operator.objects import well_known
from tests.support.builders import IMAGE, NOW, URI, batch_job, experiment, job, queue, wanted

THIS = {"uid": "uid-batch-train", "resourceVersion": "1"}
POLICY = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [64]}}]}


def made(
    of: Job | None = None, where: Queue | None = None, within: Experiment | None = None
) -> dict[str, Any]:
    return wanted(of, where, within).manifest


def pod_spec(of: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = of["spec"]["template"]["spec"]
    return spec


def worker(of: dict[str, Any]) -> dict[str, Any]:
    (found,) = [c for c in pod_spec(of)["containers"] if c["name"] == "worker"]
    return dict(found)


def environment(of: dict[str, Any]) -> dict[str, Any]:
    return {
        e["name"]: e.get("value", e.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath"))
        for e in worker(of)["env"]
    }


def test_it_is_created_suspended_under_the_jobs_name_and_owned_by_it() -> None:
    body = made(job("train", meta={"uid": "u1"}))
    assert body["spec"]["suspend"] is True
    assert (body["metadata"]["name"], body["metadata"]["namespace"]) == ("train", "lab")
    (owner,) = body["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Job", "u1", True)


def test_it_and_its_pods_are_found_by_their_labels() -> None:
    body = made(job("train", meta={"uid": "u1"}), queue("gpu"))
    for labels in (body["metadata"]["labels"], body["spec"]["template"]["metadata"]["labels"]):
        assert labels[well_known.JOB_LABEL] == "train"
        assert labels[well_known.JOB_UID_LABEL] == "u1"
        assert labels[well_known.EXPERIMENT_LABEL] == "mnist"
        assert labels[well_known.QUEUE_LABEL] == "gpu"


def test_retries_and_deadline_are_those_of_the_job() -> None:
    body = made(job(backoffLimit=3, activeDeadlineSeconds=60, podFailurePolicy=POLICY))
    assert body["spec"]["backoffLimit"] == 3
    assert body["spec"]["activeDeadlineSeconds"] == 60
    assert body["spec"]["podFailurePolicy"] == POLICY


def test_by_default_disruptions_do_not_count_and_nothing_is_retried() -> None:
    spec = made()["spec"]
    assert spec["backoffLimit"] == 0
    assert "activeDeadlineSeconds" not in spec
    rule, lost, unreachable = spec["podFailurePolicy"]["rules"]
    assert rule["action"] == "Ignore"
    assert rule["onPodConditions"][0]["type"] == "DisruptionTarget"
    assert (lost["action"], lost["onExitCodes"]["values"]) == ("FailJob", [76])
    assert unreachable["onExitCodes"]["values"] == [69]


def test_what_failed_before_it_was_begun_anew_counts_against_the_backoff_limit() -> None:
    retries = Retries(failures=2, last_time=NOW, batch_job="uid-before")
    of = job(backoffLimit=3, status=JobStatus(retries=retries))
    assert made(of)["spec"]["backoffLimit"] == 1


def test_the_time_to_live_is_left_to_the_operator() -> None:
    assert "ttlSecondsAfterFinished" not in made(job(ttlSecondsAfterFinished=1))["spec"]


def test_its_pods_go_to_the_queues_nodes_with_the_queues_resources() -> None:
    gpu = queue(
        nodeSelector={"pool": "gpu"},
        tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        resources={"requests": {"cpu": "2"}, "limits": {"nvidia.com/gpu": 1}},
    )
    body = made(where=gpu)
    assert pod_spec(body)["nodeSelector"] == {"pool": "gpu"}
    assert pod_spec(body)["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    assert worker(body)["resources"] == {"requests": {"cpu": "2"}, "limits": {"nvidia.com/gpu": 1}}


def test_its_pods_have_the_jobs_priority_class_if_it_has_one() -> None:
    assert "priorityClassName" not in pod_spec(made())
    assert pod_spec(made(job(priorityClassName="high")))["priorityClassName"] == "high"


def test_its_pods_meet_the_restricted_pod_security_standard() -> None:
    body = made()
    assert pod_spec(body)["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert worker(body)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod_spec(body)["automountServiceAccountToken"] is False


def test_the_worker_is_told_what_to_run() -> None:
    told = environment(made(job("fgm-1", entryPoint="fgm")))
    assert told == {
        "HOME": "/tmp",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "ALIDADE_JOB": "fgm-1",
        "ALIDADE_EXPERIMENT": "mnist",
        "ALIDADE_ENTRY_POINT": "fgm",
        "ALIDADE_WORKFLOW": "/workflow",
        "MLFLOW_TRACKING_URI": URI,
        "ALIDADE_PARAMETERS": "metadata.annotations['alidade.dev/parameters']",
        "MLFLOW_RUN_ID": "metadata.annotations['alidade.dev/mlflow-run-id']",
        "MLFLOW_EXPERIMENT_ID": "metadata.annotations['alidade.dev/mlflow-experiment-id']",
    }


def test_the_experiment_says_where_its_workflow_is() -> None:
    within = experiment(workflow={"image": IMAGE, "path": "/code"})
    assert environment(made(within=within))["ALIDADE_WORKFLOW"] == "/code"


def test_init_containers_tell_why_they_failed_unless_the_user_says_otherwise() -> None:
    own = {"name": "b", "terminationMessagePolicy": "File"}
    body = made(job(podTemplate={"spec": {"initContainers": [{"name": "a"}, own]}}))
    policies = [c["terminationMessagePolicy"] for c in pod_spec(body)["initContainers"]]
    assert policies == ["FallbackToLogsOnError", "File"]
    assert "initContainers" not in pod_spec(made())


def test_a_pod_template_adds_what_the_job_has_no_field_for() -> None:
    template = {
        "metadata": {"annotations": {"team": "a"}, "labels": {"cost": "b"}},
        "spec": {
            "serviceAccountName": "reader",
            "nodeSelector": {"zone": "z1"},
            "containers": [
                {
                    "name": "worker",
                    "env": [{"name": "DATA", "value": "/data"}, {"name": "HOME", "value": "/data"}],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    "resources": {"limits": {"memory": "8Gi"}},
                },
                {"name": "sidecar", "image": "proxy"},
            ],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "mnist"}}],
        },
    }
    where = queue(nodeSelector={"pool": "cpu"}, resources={"requests": {"cpu": "1"}})
    body = made(job(podTemplate=template), where)
    pod = pod_spec(body)
    assert body["spec"]["template"]["metadata"]["annotations"] == {"team": "a"}
    assert body["spec"]["template"]["metadata"]["labels"]["cost"] == "b"
    assert pod["serviceAccountName"] == "reader"
    assert pod["nodeSelector"] == {"pool": "cpu", "zone": "z1"}
    assert [c["name"] for c in pod["containers"]] == ["worker", "sidecar"]
    assert [v["name"] for v in pod["volumes"]] == ["tmp", "data"]
    assert [m["mountPath"] for m in worker(body)["volumeMounts"]] == ["/tmp", "/data"]
    assert worker(body)["resources"] == {"requests": {"cpu": "1"}, "limits": {"memory": "8Gi"}}
    assert environment(body) | {"DATA": "/data", "HOME": "/data"} == environment(body)


@pytest.mark.parametrize(
    "mine",
    [
        {"name": "ALIDADE_ENTRY_POINT", "value": "other"},
        {"name": "MLFLOW_RUN_ID", "value": "other"},
        {"name": "MLFLOW_TRACKING_URI", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ],
)
def test_the_contract_with_the_worker_is_not_the_pod_templates_to_change(
    mine: dict[str, Any],
) -> None:
    template = {
        "metadata": {"labels": {well_known.JOB_LABEL: "other"}},
        "spec": {"containers": [{"name": "worker", "image": "other", "env": [mine]}]},
    }
    body = made(job(podTemplate=template))
    plain = {e["name"]: e for e in worker(made())["env"]}
    assert {e["name"]: e for e in worker(body)["env"]} == plain
    assert worker(body)["image"] == IMAGE
    assert body["spec"]["template"]["metadata"]["labels"][well_known.JOB_LABEL] == "train"


def test_the_hash_tells_manifests_with_different_pods_apart() -> None:
    def digest(*arguments: Any) -> str:
        return wanted(*arguments).template_hash

    assert digest() == digest()
    others = [
        digest(job(backoffLimit=1)),
        digest(job(), queue("gpu")),
        digest(job(), queue(nodeSelector={"pool": "b"})),
        digest(job(), queue(), experiment(workflow={"image": IMAGE, "path": "/code"})),
    ]
    assert len({digest(), *others}) == 5


def test_the_hash_ignores_what_no_pod_sees() -> None:
    limited = queue(maxRunning=1, stopPolicy="Hold")
    labelled = job(meta={"labels": {"team": "a"}})
    assert wanted(where=limited).template_hash == wanted().template_hash
    assert wanted(labelled).template_hash == wanted().template_hash


def test_one_patch_releases_it_with_all_that_is_known_only_then() -> None:
    status = JobStatus(mlflow_run_id="r1", parameters=(ParameterValue(name="gruß", value='a "b"'),))
    patch = release.release_patch(batch_job(), status, "7")
    assert patch["metadata"] == {**THIS, "annotations": {well_known.HANDED_OVER: ""}}
    assert patch["spec"]["suspend"] is False
    annotations = patch["spec"]["template"]["metadata"]["annotations"]
    assert json.loads(annotations[well_known.PARAMETERS]) == {"gruß": 'a "b"'}
    assert annotations[well_known.RUN_ID] == "r1"
    assert annotations[well_known.TRACKING_EXPERIMENT_ID] == "7"


def test_without_a_run_the_worker_is_told_of_none() -> None:
    patch = release.release_patch(batch_job(), JobStatus(), None)
    annotations = patch["spec"]["template"]["metadata"]["annotations"]
    assert (annotations[well_known.RUN_ID], annotations[well_known.PARAMETERS]) == ("", "{}")


def test_once_pods_have_run_the_template_is_left_alone() -> None:
    again = batch_job(annotations={well_known.PARAMETERS: "{}"})
    patch = release.release_patch(again, JobStatus(mlflow_run_id="r1"), "7")
    assert patch["spec"] == {"suspend": False}


def test_another_patch_stops_it() -> None:
    assert release.suspend_patch(batch_job()) == {"metadata": THIS, "spec": {"suspend": True}}


def test_who_submitted_a_job_is_told_where_policies_see_the_operator_alone() -> None:
    submitted = job(meta={"annotations": {well_known.SUBMITTED_BY: "ada"}})
    annotations = wanted(submitted).manifest["metadata"]["annotations"]
    assert annotations[well_known.SUBMITTED_BY] == "ada"
    assert well_known.SUBMITTED_BY not in wanted().manifest["metadata"]["annotations"]
