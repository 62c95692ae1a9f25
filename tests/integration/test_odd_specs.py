"""Odd values anywhere in a job's spec: refused with the field named, or an end that is told."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.scene import JOB, Scene
from tests.support.manifests import Body, job
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

ENDS = ("Finished", "Failed", "Skipped", "Cancelled")
# Of what passes by itself nothing has to be told.
PASSING = (None, "Queued", "Preparing", "PodPending")
TOGETHER = 40
numbers = count()

CPUS = {"resource": "limits.cpu", "divisor": "1"}
SPEC: Body = {
    "parameters": [{"name": "eps", "value": "0.1"}],
    "dependsOn": [{"name": "first", "condition": "Ended", "onUnsatisfied": "Fail"}],
    "entryPoint": "main",
    "image": "localhost/workflow:1",
    "priority": 1,
    "replicas": 1,
    "backoffLimit": 1,
    "activeDeadlineSeconds": 600,
    "podFailurePolicy": {
        "rules": [
            {
                "action": "Ignore",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [64]}},
        ]
    },
    "podTemplate": {
        "metadata": {"labels": {"team": "a"}, "annotations": {"note": "b"}},
        "spec": {
            "initContainers": [{"name": "fetch", "image": "fetch:1", "command": ["fetch"]}],
            "containers": [
                {
                    "name": "worker",
                    "command": ["run"],
                    "env": [
                        {"name": "A", "value": "1"},
                        {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        {"name": "C", "valueFrom": {"resourceFieldRef": CPUS}},
                    ],
                    "envFrom": [{"configMapRef": {"name": "c", "optional": True}}],
                    "ports": [{"containerPort": 80, "name": "web"}],
                    "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
                    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
                    "securityContext": {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                },
                {"name": "side", "image": "side:1"},
            ],
            "volumes": [{"name": "data", "emptyDir": {"sizeLimit": "1Gi"}}],
            "nodeSelector": {"alidade.dev/pool": "cpu"},
            "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoSchedule"}],
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {"team": "a"}},
                }
            ],
            "terminationGracePeriodSeconds": 1,
        },
    },
}

Path = tuple[str | int, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, found in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(found, (*path, key))


odd_texts = st.sampled_from(["", " ", "-", "a/b/c", "😀", "\x7f", "\u2028", "None", "9" * 300])
odd_numbers = st.sampled_from([-1, 0, 2**31, 2**53, -(2**63), 1.5, 1e300])
odd_values: st.SearchStrategy[Any] = (
    odd_texts
    | odd_numbers
    | st.sampled_from([None, True, [], {}, ["a"], [None], [[]], {"a": "b"}, {"": {}}, [{}]])
)


@st.composite
def odd_specs(draw: st.DrawFn) -> tuple[Path, Body]:
    path = draw(st.sampled_from([*paths(SPEC)]))
    spec = deepcopy(SPEC)
    found: Any = spec
    for key in path[:-1]:
        found = found[key]
    if isinstance(found, dict) and draw(st.booleans()):
        path = (*path[:-1], "unknown")
        found["unknown"] = draw(odd_values)
    else:
        found[path[-1]] = draw(odd_values)
    return path, spec


def names_a_field(message: str, path: Path) -> bool:
    """Whether a refusal names what is wrong, or what that is part of."""
    return any(str(key) in message for key in path if isinstance(key, str))


@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.large_base_example],
)
@given(odd=st.lists(odd_specs(), min_size=TOGETHER, max_size=TOGETHER))
def test_each_odd_spec_is_refused_by_field_or_comes_to_what_is_told(
    scene: Scene, odd: list[tuple[Path, Body]]
) -> None:
    scene.apply(job("first"))
    taken: dict[str, Path] = {}
    for path, spec in odd:
        name = f"odd-{next(numbers)}"
        refused = scene.why_refused(JOB, job(name, **spec))
        if refused is None:
            taken[name] = path
        else:
            assert names_a_field(refused, path), (path, refused)

    def told() -> bool:
        for name, path in taken.items():
            status = scene.status(name)
            state, reason = status.get("state"), status.get("reason")
            assert state in ENDS or reason not in PASSING, (name, path, status)
            if reason == "BackingJobInvalid":
                assert names_a_field(status["message"], path), (path, status)
        return True

    eventually(told)
