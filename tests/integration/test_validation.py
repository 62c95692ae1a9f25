"""What the API server refuses by itself, in the words that a user reads at `kubectl apply`."""

from typing import Any

import pytest

from tests.integration.scene import JOB, Scene
from tests.support.control_plane import ControlPlane
from tests.support.manifests import Body, experiment, job, queue


def parameter(name: str = "epochs", **source: Any) -> Body:
    return {"name": name} | source


def from_job(name: str, **part: str) -> Body:
    return {"valueFrom": {"job": name} | part}


REFUSED_JOBS: dict[str, tuple[Body, str]] = {
    "a name that no batch job could have": (
        job("a" * 64),
        "metadata.name must be no more than 63 characters",
    ),
    "an unknown field": (job("a", entrypoint="train"), 'unknown field "spec.entrypoint"'),
    "an unknown field of a dependency": (
        job("a", {"name": "b", "when": "Complete"}),
        'unknown field "spec.dependsOn[0].when"',
    ),
    "no experiment": ({**job("a"), "spec": {}}, "spec.experiment: Required value"),
    "an experiment that cannot be a name": (
        job("a", experiment="MNIST!"),
        "spec.experiment in body should match",
    ),
    "a dependency that cannot be a name": (
        job("a", "Train_LeNet"),
        "spec.dependsOn[0].name in body should match",
    ),
    "an entry point with spaces": (
        job("a", entryPoint="train le net"),
        "spec.entryPoint in body should match",
    ),
    "a priority that is no number": (
        job("a", priority="high"),
        'spec.priority in body must be of type integer: "string"',
    ),
    "a priority out of range": (
        job("a", priority=1001),
        "spec.priority in body should be less than or equal to 1000",
    ),
    "a negative backoffLimit": (
        job("a", backoffLimit=-1),
        "spec.backoffLimit in body should be greater than or equal to 0",
    ),
    "no replica": (
        job("a", replicas=0),
        "spec.replicas in body should be greater than or equal to 1",
    ),
    "too many replicas": (
        job("a", replicas=65),
        "spec.replicas in body should be less than or equal to 64",
    ),
    "a name that is too long with a replica's number behind it": (
        job("a" * 61, replicas=2),
        "with replicas, metadata.name must be no more than 60 characters: "
        "its pods' host names are it and -0 to -63",
    ),
    "a name that no Service could have": (
        job("2-layers", replicas=2),
        "with replicas, metadata.name must start with a letter",
    ),
    "a name with a dot in it, which no Service could have": (
        job("lab.a", replicas=2),
        "with replicas, metadata.name must start with a letter and have letters, digits and "
        "hyphens only: it names a Service",
    ),
    "no time to run": (
        job("a", activeDeadlineSeconds=0),
        "spec.activeDeadlineSeconds in body should be greater than or equal to 1",
    ),
    "a time that no clock counts": (
        job("a", ttlSecondsAfterFinished=10**12),
        "spec.ttlSecondsAfterFinished in body should be less than or equal to 31536000",
    ),
    "as many retries as there are atoms": (
        job("a", backoffLimit=10**18),
        "spec.backoffLimit in body should be less than or equal to 1000",
    ),
    "a label of the system's in its template": (
        job("a", podTemplate={"metadata": {"labels": {"alidade.dev/job": "b"}}}),
        'spec.podTemplate.metadata.labels: Invalid value: "object": labels of alidade.dev are not '
        "for users to set",
    ),
    "an annotation of the system's in its template": (
        job("a", podTemplate={"metadata": {"annotations": {"alidade.dev/parameters": "{}"}}}),
        'spec.podTemplate.metadata.annotations: Invalid value: "object": annotations of '
        "alidade.dev are not for users to set: they say which job a pod belongs to, and what it is "
        "told",
    ),
    "an annotation of a group below the system's": (
        job("a", podTemplate={"metadata": {"annotations": {"x": "1", "A.Alidade.dev/y": ""}}}),
        "annotations of alidade.dev are not for users to set",
    ),
    "a template with labels that are none": (
        job("a", podTemplate={"metadata": {"labels": {"a": 1}}}),
        'spec.podTemplate.metadata.labels.a in body must be of type string: "integer"',
    ),
    "a number for a parameter": (
        job("a", parameters=[parameter(value=30)]),
        'spec.parameters[0].value in body must be of type string: "integer"',
    ),
    "a value as long as a file": (
        job("a", parameters=[parameter(value=5000 * "x")]),
        "spec.parameters[0].value: Too long",
    ),
    "a value with a control character that no environment holds": (
        job("a", parameters=[parameter(value="1"), parameter("name", value="a\0b")]),
        "spec.parameters[1].value in body should match",
    ),
    "a value with a control character that a terminal obeys": (
        job("a", parameters=[parameter(value="\x1b[2J")]),
        "spec.parameters[0].value in body should match",
    ),
    "values that are too long together": (
        job("a", parameters=[parameter(f"p{n}", value=1024 * "é") for n in range(33)]),
        "parameters: the values of a job must be no more than 65536 bytes together",
    ),
    "values that are too long together when they are written as JSON": (
        job("a", parameters=[parameter(f"p{n}", value=340 * '"\\\n') for n in range(33)]),
        "parameters: the values of a job must be no more than 65536 bytes together; quotes, "
        "backslashes, tabs and line breaks count twice",
    ),
    "a parameter twice": (
        job("a", parameters=[parameter(value="1"), parameter(value="2")]),
        'spec.parameters[1]: Duplicate value: {"name":"epochs"}',
    ),
    "a dependency twice": (
        job("a", "b", {"name": "b", "condition": "Failed"}),
        'spec.dependsOn[1]: Duplicate value: {"name":"b"}',
    ),
    "a condition that does not exist": (
        job("a", {"name": "b", "condition": "Succeeded"}),
        'Unsupported value: "Succeeded": supported values: "Complete", "Failed", "Ended", '
        '"Started", "Finished"',
    ),
    "a condition that could be taken for another": (
        job("a", {"name": "b", "condition": "Finished"}),
        'spec.dependsOn[0].condition: Invalid value: "object": condition must be Ended, which '
        "holds after any end, or Complete, which holds after a good one; Finished could be taken "
        "for either",
    ),
    "a reaction that does not exist": (
        job("a", {"name": "b", "onUnsatisfied": "Ignore"}),
        'Unsupported value: "Ignore": supported values: "Skip", "Fail"',
    ),
    "a parameter without a value": (
        job("a", parameters=[parameter()]),
        "a parameter has either value or valueFrom",
    ),
    "a parameter with two values": (
        job("a", "b", parameters=[parameter(value="1", **from_job("b", output="epochs"))]),
        "a parameter has either value or valueFrom",
    ),
    "a source that names no part of the job": (
        job("a", "b", parameters=[parameter(**from_job("b"))]),
        "valueFrom names either field or output",
    ),
    "a source that names two parts": (
        job("a", "b", parameters=[parameter(**from_job("b", field="mlflowRunId", output="x"))]),
        "valueFrom names either field or output",
    ),
    "a field that jobs do not give": (
        job("a", "b", parameters=[parameter(**from_job("b", field="state"))]),
        'Unsupported value: "state": supported values: "mlflowRunId"',
    ),
    "a value of a job that it does not wait for": (
        job("a", "b", parameters=[parameter(**from_job("c", output="x"))]),
        "valueFrom.job must be one of dependsOn",
    ),
    "a value of another job without any dependency": (
        job("a", parameters=[parameter(**from_job("b", output="x"))]),
        "valueFrom.job must be one of dependsOn",
    ),
    "itself as a dependency": (job("a", "b", "a"), "a job cannot depend on itself"),
    "more dependencies than any sane job has": (
        job("a", *(f"b{number}" for number in range(65))),
        "spec.dependsOn: Too many: 65: must have at most 64 items",
    ),
}

REFUSED_OTHERS: dict[str, tuple[Body, str]] = {
    "a queue of Kueue's with a limit of its own": (
        queue(kueueLocalQueue="team", maxRunning=1),
        "maxRunning cannot go with kueueLocalQueue: the quota is that of Kueue's ClusterQueue",
    ),
    "a queue of Kueue's with flavors of its own": (
        queue(kueueLocalQueue="team", flavors=[{"name": "gpu"}]),
        "flavors cannot go with kueueLocalQueue: Kueue has its own, ResourceFlavors",
    ),
    "a queue with a LocalQueue that cannot be a name": (
        queue(kueueLocalQueue="Team A"),
        "spec.kueueLocalQueue in body should match",
    ),
    "a queue with an unknown field": (queue(nodes="cpu"), 'unknown field "spec.nodes"'),
    "a queue for fewer than no jobs": (
        queue(maxRunning=-1),
        "spec.maxRunning in body should be greater than or equal to 0",
    ),
    "a queue with a policy that does not exist": (
        queue(stopPolicy="Paused"),
        'Unsupported value: "Paused": supported values: "None", "Hold", "HoldAndDrain"',
    ),
    "a queue with an amount that is none": (
        queue(resources={"requests": {"cpu": "two"}}),
        "spec.resources.requests.cpu in body should match",
    ),
    "a queue with a toleration of an unknown kind": (
        queue(tolerations=[{"key": "gpu", "operator": "Has"}]),
        'Unsupported value: "Has": supported values: "Exists", "Equal"',
    ),
    "a queue with a selector that is none": (
        queue(nodeSelector={"pool of": "cpu"}),
        "nodeSelector has a key that is none of a label",
    ),
    "a queue of nodes with a label that cannot be": (
        queue(nodeSelector={"pool": "the cpu"}),
        "spec.nodeSelector.pool in body should match",
    ),
    "a toleration of a taint that cannot be": (
        queue(tolerations=[{"key": "the gpu", "operator": "Exists"}]),
        "spec.tolerations[0].key in body should match",
    ),
    "a toleration of a value of any taint": (
        queue(tolerations=[{"value": "gpu"}]),
        "a toleration without a key is one of all taints, and has the operator Exists",
    ),
    "a toleration of any value, and of one": (
        queue(tolerations=[{"key": "gpu", "operator": "Exists", "value": "a"}]),
        "a toleration with the operator Exists has no value",
    ),
    "a toleration for a time of what stops no pod": (
        queue(tolerations=[{"key": "gpu", "effect": "NoSchedule", "tolerationSeconds": 5}]),
        "tolerationSeconds go with the effect NoExecute alone",
    ),
    "a queue that asks for more than its limit": (
        queue(resources={"requests": {"cpu": 2}, "limits": {"cpu": "1900m"}}),
        "requests must be no more than limits",
    ),
    "a flavor that asks for more than its limit": (
        queue(flavors=[{"name": "a", "resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}}]),
        "requests must be no more than limits",
    ),
    "a queue of GPUs without the maker's name": (
        queue(resources={"limits": {"gpu": 1}}),
        "limits has a resource that there is none of",
    ),
    "a queue that asks for a GPU without a limit": (
        queue(resources={"requests": {"nvidia.com/gpu": 1}}),
        "requests of what is counted, as GPUs are, must equal limits, which alone will do",
    ),
    "a queue of half a GPU": (
        queue(resources={"limits": {"nvidia.com/gpu": "0.5"}}),
        "limits of what is counted, as GPUs are, must be whole numbers",
    ),
    "a queue without any patience": (
        queue(startDeadlineSeconds=0),
        "spec.startDeadlineSeconds in body should be greater than or equal to 1",
    ),
    "a queue with all the patience in the world": (
        queue(startDeadlineSeconds=10**12),
        "spec.startDeadlineSeconds in body should be less than or equal to 31536000",
    ),
    "a flavor with all the patience in the world": (
        queue(flavors=[{"name": "gpu", "fallbackAfterSeconds": 10**12}]),
        "spec.flavors[0].fallbackAfterSeconds in body should be less than or equal to 31536000",
    ),
    "a toleration for ever and a day": (
        queue(tolerations=[{"operator": "Exists", "tolerationSeconds": 2**62}]),
        "spec.tolerations[0].tolerationSeconds in body should be less than or equal to 31536000",
    ),
    "a queue with an amount below nothing": (
        queue(resources={"requests": {"cpu": -1}}),
        "spec.resources.requests.cpu in body should be greater than or equal to 0",
    ),
    "a queue with an amount that is no number any more": (
        queue(resources={"requests": {"memory": "1e1000000000"}}),
        "spec.resources.requests.memory in body should match",
    ),
    "a queue that lets jobs have what does not exist": (
        queue(jobsMayOverride=["GPU"]),
        'Unsupported value: "GPU": supported values: "Nodes", "Tolerations", '
        '"ExtendedResources", "CPU", "Memory"',
    ),
    "a queue that no job could name": (
        {**queue(), "metadata": {"name": 64 * "q"}},
        "metadata.name must be no more than 63 characters",
    ),
    "an experiment that no job could name": (
        {**experiment(), "metadata": {"name": 64 * "e"}},
        "metadata.name must be no more than 63 characters",
    ),
    "an experiment of an image that cannot be": (
        experiment(workflow={"image": " localhost/workflow:1"}),
        "spec.workflow.image in body should match",
    ),
    "an experiment tracked elsewhere": (
        experiment(tracking="Papyrus"),
        'Unsupported value: "Papyrus": supported values: "MLflow", "None"',
    ),
    "an experiment with artifacts at no URI": (
        experiment(artifactLocation="/data"),
        "spec.artifactLocation in body should match",
    ),
    "an experiment with a queue that cannot be a name": (
        experiment(queue="CPU"),
        "spec.queue in body should match",
    ),
}


@pytest.mark.parametrize(
    ("manifest", "words"),
    [pytest.param(*case, id=name) for name, case in (REFUSED_JOBS | REFUSED_OTHERS).items()],
)
def test_a_mistake_is_refused_in_words_that_name_it(
    plane: ControlPlane, manifest: Body, words: str
) -> None:
    answer = plane.apply(manifest, check=False)

    assert words in answer
    assert "created" not in answer


@pytest.mark.parametrize(
    "fine", [job("2-layers"), job("2-layers", replicas=1), job(60 * "a", replicas=64)]
)
def test_only_a_job_with_replicas_needs_the_name_of_a_service(
    empty_scene: Scene, fine: Body
) -> None:
    assert "created" in empty_scene.apply(fine)


def test_a_name_with_dots_can_be_referred_to(empty_scene: Scene) -> None:
    run_id = parameter("run_id", **from_job("fgm-eps-0.3", field="mlflowRunId"))

    for dotted in (
        queue("v1.28"),
        {**experiment(queue="v1.28"), "metadata": {"name": "resnet-1.5"}},
        job("infer", "fgm-eps-0.3", experiment="resnet-1.5", queue="v1.28", parameters=[run_id]),
        job("infer-eps-0.3"),
    ):
        assert "created" in empty_scene.apply(dotted)


def test_a_template_may_have_labels_and_annotations_of_others(empty_scene: Scene) -> None:
    found = {
        "labels": {"team": "red", "notalidade.dev/job": "a", "alidade.dev.example/job": "b"},
        "annotations": {"linkerd.io/inject": "disabled"},
        "unknown": [1],
    }

    empty_scene.apply(job("a", podTemplate={"metadata": found, "unknown": {}}))

    # What is unknown is for the API server to refuse when the pod's batch/v1 Job is made.
    kept = empty_scene.get(JOB, "a")["spec"]["podTemplate"]
    assert kept == {"metadata": found, "unknown": {}}


def test_the_least_that_a_job_says_is_completed_by_defaults(empty_scene: Scene) -> None:
    empty_scene.apply(job("a", "b"))

    assert empty_scene.get(JOB, "a")["spec"] == {
        "experiment": "bench",
        "entryPoint": "main",
        "dependsOn": [{"name": "b", "condition": "Complete", "onUnsatisfied": "Skip"}],
        "suspend": False,
        "cancel": False,
        "priority": 0,
        "replicas": 1,
        "backoffLimit": 0,
    }


def test_as_many_dependencies_and_parameters_as_are_allowed_are_accepted(
    empty_scene: Scene,
) -> None:
    names = [f"b{number}" for number in range(64)]
    sources = [parameter(f"p.{name}", **from_job(name, output="x")) for name in names]

    assert "created" in empty_scene.apply(job("a" * 63, *names, parameters=sources))
