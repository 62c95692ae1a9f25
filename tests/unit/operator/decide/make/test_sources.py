"""What a pod has of a workflow's source and of datasets."""

import json
from typing import Any

import pytest

from alidade_core.api.job_condition import JobCondition
from alidade_operator.decide.plan import plan
from tests.support.builders import experiment, job, snapshot, wanted
from tests.support.workflow_sources import (
    ARCHIVE,
    ARTIFACT,
    CHECKED_CLAIM,
    CLAIM,
    COMMIT,
    CONFIG_MAP,
    ELSEWHERE,
    GIT,
    OTHER_SHA256,
    PATH,
    SHA256,
)

Body = dict[str, Any]
COMMAND = ["alidade-workflow-v1"]
APPLIED = JobCondition.POD_TEMPLATE_APPLIED


def pod(**spec: Any) -> Body:
    found: Body = wanted(job(**spec)).manifest["spec"]["template"]["spec"]
    return found


def worker(of: Body) -> Body:
    (found,) = (c for c in of["containers"] if c["name"] == "worker")
    return dict(found)


def variables(of: Body) -> dict[str, str]:
    return {v["name"]: v["value"] for v in worker(of)["env"] if "value" in v}


def mounted(of: Body) -> list[tuple[Body, Body]]:
    """Return volumes, without their names, with their mounts, in order; but for /tmp."""
    volumes = {volume["name"]: volume for volume in of["volumes"]}
    assert len(volumes) == len(of["volumes"])
    found = []
    for mount in worker(of)["volumeMounts"]:
        volume = volumes[mount["name"]]
        rest = {key: value for key, value in volume.items() if key != "name"}
        found.append((rest, {key: value for key, value in mount.items() if key != "name"}))
    return found[1:]


@pytest.mark.parametrize(
    ("source", "uri", "sha256"),
    [
        (ARCHIVE, "runs:/f00/workflow.tgz", SHA256),
        (ELSEWHERE, "s3://bucket/workflow.tgz", OTHER_SHA256),
        (CONFIG_MAP, "file:///etc/alidade/workflow/workflow.zip", SHA256),
        (GIT, f"git+https://git.example.org/team/attacks.git@{COMMIT}", None),
    ],
)
def test_the_worker_is_told_where_the_source_is_and_what_it_has_to_be(
    source: Body, uri: str, sha256: str | None
) -> None:
    of = pod(workflow={"source": source, "path": "attacks"})
    told = variables(of)
    assert told["ALIDADE_WORKFLOW_URI"] == uri
    assert told.get("ALIDADE_WORKFLOW_SHA256") == sha256
    assert told["ALIDADE_WORKFLOW"] == "attacks"
    assert worker(of)["command"] == COMMAND


def test_the_root_of_a_source_is_told_as_no_path() -> None:
    assert variables(pod(workflow={"source": GIT}))["ALIDADE_WORKFLOW"] == ""


def test_without_a_source_nothing_is_told_of_one() -> None:
    own = [{"name": "ALIDADE_WORKFLOW_URI", "value": "https://elsewhere"}]
    template = {"spec": {"containers": [{"name": "worker", "env": own, "args": ["--fast"]}]}}
    of = pod(podTemplate=template)
    assert (
        variables(of)
        .keys()
        .isdisjoint({"ALIDADE_WORKFLOW_URI", "ALIDADE_WORKFLOW_SHA256", "ALIDADE_DATASETS"})
    )
    assert "command" not in worker(of)
    assert worker(of)["args"] == ["--fast"]
    assert mounted(of) == []


@pytest.mark.parametrize("source", [ARCHIVE, GIT, CONFIG_MAP])
def test_no_template_starts_the_container_otherwise_and_so_without_its_source(
    source: Body,
) -> None:
    own = {"name": "worker", "command": ["bash", "-c"], "args": ["true"], "workingDir": "/tmp"}
    beside = {"name": "side", "image": "side:1", "command": ["side"], "args": ["a"]}
    template = {"spec": {"containers": [own, beside]}}
    of = pod(workflow={"source": source}, podTemplate=template)
    assert worker(of)["command"] == COMMAND
    assert "args" not in worker(of)
    assert worker(of)["workingDir"] == "/tmp"
    assert beside in of["containers"]


@pytest.mark.parametrize(
    ("own", "fields"),
    [
        ({"command": ["bash"], "args": ["-c"]}, "command and args of podTemplate's container"),
        ({"args": ["--fast"]}, "args of podTemplate's container"),
    ],
)
def test_that_it_starts_otherwise_is_told(own: Body, fields: str) -> None:
    template = {"spec": {"containers": [{"name": "worker", **own}]}}
    for spec in ({"workflow": {"source": GIT}}, {"datasets": [PATH]}):
        told = plan(snapshot(job(podTemplate=template, **spec))).status.condition(APPLIED)
        assert told is not None
        assert (told.status, told.reason) == ("False", "ContractWins")
        assert told.message.startswith(fields)
        assert "it is started as alidade-workflow-v1" in told.message


def test_where_the_queue_wins_too_both_are_told() -> None:
    template = {"spec": {"nodeName": "n", "containers": [{"name": "worker", "args": ["a"]}]}}
    of = job(podTemplate=template, workflow={"source": GIT})
    told = plan(snapshot(of)).status.condition(APPLIED)
    assert told is not None
    assert told.reason == "QueueWins"
    assert "nodeName" in told.message
    assert "args of podTemplate's container" in told.message


def test_nothing_is_told_of_what_takes_effect() -> None:
    template = {"spec": {"containers": [{"name": "worker", "args": ["a"]}]}}
    for datasets in ([], [CLAIM]):
        of = job(podTemplate=template, datasets=datasets)
        assert not plan(snapshot(of)).status.condition(APPLIED)
    plain = {"spec": {"containers": [{"name": "side", "args": ["a"]}]}}
    of = job(podTemplate=plain, workflow={"source": GIT})
    assert not plan(snapshot(of)).status.condition(APPLIED)


def test_of_a_config_map_its_key_alone_is_mounted() -> None:
    assert mounted(pod(workflow={"source": CONFIG_MAP})) == [
        (
            {
                "configMap": {
                    "name": "code",
                    "items": [{"key": "workflow.zip", "path": "workflow.zip"}],
                }
            },
            {"mountPath": "/etc/alidade/workflow", "readOnly": True},
        )
    ]


def test_the_secret_of_a_repository_is_mounted_where_there_is_one() -> None:
    assert mounted(pod(workflow={"source": GIT})) == [
        (
            {"secret": {"secretName": "git-login"}},
            {"mountPath": "/etc/alidade/git", "readOnly": True},
        )
    ]
    public = {"git": {key: GIT["git"][key] for key in ("repository", "commit")}}
    assert mounted(pod(workflow={"source": public})) == []


def claim(name: str, path: str) -> tuple[Body, Body]:
    return (
        {"persistentVolumeClaim": {"claimName": name}},
        {"mountPath": path, "readOnly": True},
    )


def test_claims_are_mounted_read_only_and_others_are_put_beside_them() -> None:
    of = pod(datasets=[CLAIM, ARTIFACT, CHECKED_CLAIM, PATH])
    assert mounted(of) == [
        ({"emptyDir": {}}, {"mountPath": "/data"}),
        claim("imagenet-2012", "/data/imagenet"),
        claim("cifar-10", "/data/cifar"),
    ]
    assert json.loads(variables(of)["ALIDADE_DATASETS"]) == [
        {"name": "imagenet"},
        {"name": "mnist", "uri": "runs:/f00/mnist.npz", "sha256": OTHER_SHA256},
        {"name": "cifar", "sha256": SHA256},
        {"name": "labels", "path": "/usr/share/labels"},
    ]


def test_of_one_claim_there_is_one_volume_however_many_datasets_are_in_it() -> None:
    of = pod(datasets=[CLAIM, CHECKED_CLAIM, {"name": "again", "claim": CLAIM["claim"]}])
    assert mounted(of) == [
        claim("imagenet-2012", "/data/imagenet"),
        claim("cifar-10", "/data/cifar"),
        claim("imagenet-2012", "/data/again"),
    ]
    assert [volume["name"] for volume in of["volumes"]] == [
        "tmp",
        "alidade-data-0",
        "alidade-data-1",
    ]


def test_a_volume_that_the_template_has_of_a_claim_is_mounted_once_more() -> None:
    theirs = {"name": "cache", "persistentVolumeClaim": {"claimName": CLAIM["claim"]}}
    odd = [{"name": "odd", "persistentVolumeClaim": 7}, {"persistentVolumeClaim": {}}]
    of = pod(datasets=[CLAIM], podTemplate={"spec": {"volumes": [theirs, *odd]}})
    assert worker(of)["volumeMounts"][-1]["name"] == "cache"
    assert not any(str(volume.get("name")).startswith("alidade") for volume in of["volumes"])


@pytest.mark.parametrize(
    ("datasets", "command"),
    [
        ([CLAIM], None),
        ([CLAIM, CHECKED_CLAIM], COMMAND),
        ([ARTIFACT], COMMAND),
        ([PATH], COMMAND),
    ],
)
def test_an_image_of_ones_own_will_do_where_the_worker_has_nothing_to_see_to(
    datasets: list[Body], command: list[str] | None
) -> None:
    of = pod(datasets=datasets)
    assert worker(of).get("command") == command
    assert "ALIDADE_DATASETS" in variables(of)


def test_what_looks_like_a_variable_arrives_as_it_was_written() -> None:
    odd = {"archive": {**ELSEWHERE["archive"], "uri": "s3://b/$(ALIDADE_JOB)/$$(HOME)/$x"}}
    told = variables(pod(workflow={"source": odd, "path": "$(ALIDADE_JOB)"}))
    # Kubernetes makes one of two.
    assert told["ALIDADE_WORKFLOW"] == "$$(ALIDADE_JOB)"
    assert told["ALIDADE_WORKFLOW_URI"].replace("$$", "$") == odd["archive"]["uri"]


def test_a_place_that_a_template_has_taken_is_left_for_the_api_server_to_refuse() -> None:
    own = {"name": "own", "mountPath": "/data"}
    template = {
        "spec": {
            "containers": [{"name": "worker", "volumeMounts": [own]}],
            "volumes": [{"name": "own", "emptyDir": {}}],
        }
    }
    paths = [
        m["mountPath"] for m in worker(pod(podTemplate=template, datasets=[PATH]))["volumeMounts"]
    ]
    assert paths == ["/tmp", "/data", "/data"]


@pytest.mark.parametrize("odd", ["text", 7, {"name": "x"}])
def test_lists_that_are_none_are_left_as_they_are(odd: Any) -> None:
    template = {"spec": {"volumes": odd, "containers": [{"name": "worker", "volumeMounts": odd}]}}
    of = pod(podTemplate=template, datasets=[PATH], workflow={"source": CONFIG_MAP})
    assert (of["volumes"], worker(of)["volumeMounts"]) == (odd, odd)


def test_every_replica_gets_them() -> None:
    one = pod(workflow={"source": GIT}, datasets=[PATH])
    several = pod(workflow={"source": GIT}, datasets=[PATH], replicas=3)
    assert mounted(several) == mounted(one)
    assert variables(several).items() >= variables(one).items()
    assert worker(several)["command"] == COMMAND


def test_another_source_makes_another_batch_job() -> None:
    hashes = {
        wanted(job(), within=experiment(**spec)).template_hash
        for spec in (
            {},
            {"workflow": {"source": ARCHIVE}},
            {"workflow": {"source": GIT}},
            {"workflow": {"source": CONFIG_MAP}},
            {"datasets": [CLAIM]},
            {"datasets": [CHECKED_CLAIM]},
        )
    }
    assert len(hashes) == 6
