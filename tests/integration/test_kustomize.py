"""What kubectl's kustomize makes of manifests, with what the project tells it of its kinds."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.control_plane import binaries
from tests.support.manifests import Body, experiment, job, queue
from tests.support.sources import REPOSITORY

COMPONENT = REPOSITORY / "kustomize"
TUTORIAL = REPOSITORY / "examples/mnist"
IMAGE = "localhost/alidade-example-mnist"
Kustomization = dict[str, Any]


def manifest(kind: str, name: str, version: str = "v1", **body: Any) -> Body:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **body}


def env_from(name: str, kind: str, key: str) -> Body:
    return {"name": name, "valueFrom": {f"{kind}KeyRef": {"name": f"{kind}-a", "key": key}}}


def container(name: str) -> Body:
    return {
        "name": name,
        "image": f"{IMAGE}:dev",
        "env": [env_from("A", "configMap", "a"), env_from("B", "secret", "b")],
        "envFrom": [{"configMapRef": {"name": "configMap-a"}}, {"secretRef": {"name": "secret-a"}}],
    }


POD: Body = {
    "serviceAccountName": "account-a",
    "priorityClassName": "class-a",
    "imagePullSecrets": [{"name": "secret-a"}],
    "initContainers": [container("fetch")],
    "containers": [container("worker")],
    "volumes": [
        {"name": "a", "configMap": {"name": "configMap-a"}},
        {"name": "b", "secret": {"secretName": "secret-a"}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "claim-a"}},
        {"name": "d", "csi": {"driver": "x", "nodePublishSecretRef": {"name": "secret-a"}}},
        {"name": "e", "image": {"reference": f"{IMAGE}:dev"}},
        {
            "name": "f",
            "projected": {
                "sources": [
                    {"configMap": {"name": "configMap-a"}},
                    {"secret": {"name": "secret-a"}},
                ]
            },
        },
    ],
}
CODE: Body = {"configMap": {"name": "configMap-a", "key": "code"}}
REPOSITORY_OF_CODE: Body = {"git": {"repository": "https://git/code", "secretName": "secret-a"}}
DATA: list[Body] = [{"name": "data", "claim": "claim-a"}]
MANIFESTS = (
    queue("queue-a", kueueLocalQueue="local-a"),
    experiment("experiment-a", queue="queue-a", workflow={"source": CODE}, datasets=DATA),
    experiment("experiment-b", workflow={"source": REPOSITORY_OF_CODE}),
    job(
        "job-a",
        experiment="experiment-a",
        queue="queue-a",
        image=f"{IMAGE}:dev",
        workflow={"source": REPOSITORY_OF_CODE},
        datasets=DATA,
    ),
    job(
        "job-b",
        "job-a",
        experiment="experiment-a",
        priorityClassName="class-a",
        workflow={"source": CODE},
        parameters=[
            {"name": "run", "valueFrom": {"job": "job-a", "field": "mlflowRunId"}},
            # A value is text, whatever it looks like.
            {"name": "other", "value": "job-a"},
        ],
        podTemplate={"spec": POD},
    ),
    # Of the same name, and something else.
    manifest("Job", "job-a", "batch/v1", spec={}),
    manifest("ConfigMap", "configMap-a"),
    manifest("Secret", "secret-a"),
    manifest("ServiceAccount", "account-a"),
    manifest("PersistentVolumeClaim", "claim-a"),
    manifest("PriorityClass", "class-a", "scheduling.k8s.io/v1", value=1),
    manifest("LocalQueue", "local-a", "kueue.x-k8s.io/v1beta2"),
)


def build(folder: Path, kustomization: Kustomization, *resources: Body) -> list[Body]:
    """Return what kustomize makes of manifests."""
    folder.mkdir(parents=True, exist_ok=True)
    if resources:
        (folder / "manifests.yaml").write_text(yaml.safe_dump_all(resources))
        kustomization = {"resources": ["manifests.yaml"]} | kustomization
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    done = subprocess.run(
        [binaries() / "kubectl", "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def from_(folder: Path, target: Path) -> str:
    return os.path.relpath(target, folder)


def renamed(value: Any, new: str) -> Any:
    """Return manifests with the names of objects changed, and nothing else."""
    if isinstance(value, dict):
        return {
            key: each if key in ("apiVersion", "kind", "value") else renamed(each, new)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [renamed(each, new) for each in value]
    is_name = isinstance(value, str) and value.removesuffix("-a").removesuffix("-b") != value
    return new.format(value) if is_name else value


def in_order(manifests: list[Body]) -> list[Body]:
    return sorted(manifests, key=lambda each: (each["kind"], each["metadata"]["name"]))


@pytest.mark.parametrize(
    ("change", "new"),
    [({"namePrefix": "dev-"}, "dev-{}"), ({"nameSuffix": "-2"}, "{}-2")],
)
def test_every_name_of_an_object_changes_with_it(
    tmp_path: Path, change: Mapping[str, str], new: str
) -> None:
    wanted = {"components": [from_(tmp_path, COMPONENT)], **change}
    made = build(tmp_path, wanted, *MANIFESTS)
    # PriorityClasses are the cluster's, and get the new name all the same.
    assert in_order(made) == in_order([renamed(each, new) for each in MANIFESTS])


def test_an_overlay_changes_the_names_of_a_base_that_knows_the_kinds(tmp_path: Path) -> None:
    base, overlay = tmp_path / "base", tmp_path / "overlay"
    build(base, {"components": [from_(base, COMPONENT)]}, *MANIFESTS)
    made = build(overlay, {"resources": ["../base"], "namePrefix": "dev-"})
    assert in_order(made) == in_order([renamed(each, "dev-{}") for each in MANIFESTS])


def test_a_generated_configuration_is_found_under_the_name_that_it_gets(tmp_path: Path) -> None:
    wanted = {
        "components": [from_(tmp_path, COMPONENT)],
        "configMapGenerator": [{"name": "settings", "literals": ["a=b"]}],
    }
    reference = {"envFrom": [{"configMapRef": {"name": "settings"}}]}
    template = {"spec": {"containers": [{"name": "worker", **reference}]}}
    made = build(tmp_path, wanted, job("job-a", podTemplate=template))
    (name,) = (each["metadata"]["name"] for each in made if each["kind"] == "ConfigMap")
    assert name.startswith("settings-")
    (found,) = (each["spec"]["podTemplate"]["spec"] for each in made if each["kind"] == "Job")
    assert found["containers"][0]["envFrom"] == [{"configMapRef": {"name": name}}]


def test_an_image_is_replaced_wherever_it_is_named(tmp_path: Path) -> None:
    wanted = {
        "components": [from_(tmp_path, COMPONENT)],
        "images": [{"name": IMAGE, "newName": "registry.example.org/mnist", "newTag": "1.0"}],
    }
    made = yaml.safe_dump(build(tmp_path, wanted, *MANIFESTS))
    assert IMAGE not in made
    assert made.count("registry.example.org/mnist:1.0") == yaml.safe_dump_all(MANIFESTS).count(
        f"{IMAGE}:dev"
    )


def test_a_copy_of_the_tutorial_refers_to_itself_alone(tmp_path: Path) -> None:
    wanted = {
        "resources": [from_(tmp_path, TUTORIAL)],
        "components": [from_(tmp_path, COMPONENT)],
        "namePrefix": "dev-",
    }
    made = build(tmp_path, wanted)
    names = {(each["kind"], each["metadata"]["name"]) for each in made}
    for spec in (each["spec"] for each in made if each["kind"] == "Job"):
        assert ("Experiment", spec["experiment"]) in names
        sources = [each["valueFrom"]["job"] for each in spec["parameters"] if "valueFrom" in each]
        dependencies = [each["name"] for each in spec.get("dependsOn", ())]
        assert {("Job", name) for name in (*sources, *dependencies)} <= names
    assert all(("Queue", e["spec"]["queue"]) in names for e in made if e["kind"] == "Experiment")
