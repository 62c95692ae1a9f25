from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_core.api.queue import Override
from alidade_operator.decide.make.node_pool import enforce
from tests.support.builders import queue

GPU = {"limits": {"nvidia.com/gpu": 8}}
MINE: dict[str, Any] = {
    "nodeSelector": {"pool": "cpu"},
    "tolerations": [{"key": "cpu", "operator": "Exists"}],
    "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}},
}
EXISTS = {"operator": "Exists"}


def worker(**resources: Any) -> dict[str, Any]:
    return {"name": "worker", "resources": resources}


def settled(spec: dict[str, Any], *allowed: str, **more: Any) -> tuple[dict[str, Any], list[str]]:
    where = queue(**{**MINE, **more}, jobsMayOverride=list(allowed or ("CPU", "Memory")))
    enforced, gave_way = enforce({"containers": [], **spec}, where)
    return enforced, sorted(gave_way)


@pytest.mark.parametrize(
    ("spec", "field", "stands", "gave_way"),
    [
        ({"nodeSelector": {"pool": "gpu", "zone": "a"}}, "nodeSelector",
         {"pool": "cpu", "zone": "a"}, ["nodeSelector['pool']"]),
        ({"nodeSelector": None}, "nodeSelector", {"pool": "cpu"}, []),
        ({"nodeName": "gpu-0"}, "nodeName", None, ["nodeName"]),
        ({"schedulerName": "mine"}, "schedulerName", None, ["schedulerName"]),
        ({"tolerations": [MINE["tolerations"][0], EXISTS]}, "tolerations",
         MINE["tolerations"], ["tolerations"]),
        ({"tolerations": None}, "tolerations", MINE["tolerations"], []),
        ({"runtimeClassName": "nvidia"}, "runtimeClassName", None, ["runtimeClassName"]),
        ({"resourceClaims": [{"name": "gpu"}]}, "resourceClaims", None, ["resourceClaims"]),
        ({"resources": {**GPU, "requests": {"cpu": "2"}}}, "resources",
         {"requests": {"cpu": "2"}}, ["resources.limits['nvidia.com/gpu']"]),
        ({"containers": [worker(**GPU, claims=[{"name": "gpu"}])]}, "containers",
         [worker()],
         ["containers['worker'].resources.claims",
          "containers['worker'].resources.limits['nvidia.com/gpu']"]),
        ({"containers": [worker(requests={"cpu": "9", "hugepages-2Mi": "1Gi"})]}, "containers",
         [worker(requests={"cpu": "9"})],
         ["containers['worker'].resources.requests['hugepages-2Mi']"]),
        ({"containers": [{"name": "worker", "resources": None}]}, "containers", [worker()], []),
        ({"containers": [{"name": "side", "resources": GPU}]}, "containers",
         [{"name": "side", "resources": {}}],
         ["containers['side'].resources.limits['nvidia.com/gpu']"]),
        ({"initContainers": [{"name": "worker", "resources": GPU}]}, "initContainers",
         [{"name": "worker", "resources": {}}],
         ["initContainers['worker'].resources.limits['nvidia.com/gpu']"]),
    ],
)  # fmt: skip
def test_nodes_tolerations_and_scarce_resources_are_the_queues(
    spec: dict[str, Any], field: str, stands: Any, gave_way: list[str]
) -> None:
    enforced, told = settled(spec)
    assert enforced.get(field) == stands
    assert told == gave_way


def test_scarce_resources_of_the_queue_come_back_where_a_user_took_them_away() -> None:
    gpu = {"limits": {"nvidia.com/gpu": "1"}}
    for given_ in ({"name": "worker", "resources": None}, worker(limits={"nvidia.com/gpu": 8})):
        enforced, _ = settled({"containers": [given_]}, resources=gpu)
        assert enforced["containers"] == [worker(**gpu)]
    # One and "1" are the same.
    enforced, told = settled({"containers": [worker(limits={"nvidia.com/gpu": 1})]}, resources=gpu)
    assert told == []


def test_what_a_queue_lets_its_jobs_override_is_theirs() -> None:
    spec = {
        "nodeSelector": {"pool": "gpu"},
        "nodeName": "gpu-0",
        "tolerations": [EXISTS],
        "runtimeClassName": "nvidia",
        "resourceClaims": [{"name": "gpu"}],
        "containers": [worker(**GPU)],
    }
    assert settled(spec, *Override) == (spec, [])


def test_cpu_and_memory_are_the_queues_where_it_says_so() -> None:
    side = {"name": "side", "resources": {"requests": {"cpu": "4"}, "limits": {"memory": "9Gi"}}}
    mine = worker(requests={"cpu": "4"}, limits={"cpu": "4", "memory": "9Gi"})
    enforced, told = settled({"containers": [mine, side]}, "Nodes")
    assert enforced["containers"] == [
        worker(**MINE["resources"]),
        # What it may use at most harms nobody; it counts as nothing that the queue did not give.
        {"name": "side", "resources": {"requests": {"cpu": "0", "memory": "0"},
                                       "limits": {"memory": "9Gi"}}},
    ]  # fmt: skip
    assert told == [
        "containers['side'].resources.requests['cpu']",
        "containers['worker'].resources.limits['cpu']",
        "containers['worker'].resources.limits['memory']",
        "containers['worker'].resources.requests['cpu']",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        {"nodeSelector": "all"},
        {"tolerations": "all"},
        {"resources": "all"},
        {"containers": "all"},
        {"containers": ["worker", 3, {"name": ["worker"]}]},
        {"containers": [{"name": "worker", "resources": "all"}]},
        {"containers": [worker(limits=["all"])]},
        {"initContainers": {"name": "a"}},
    ],
)
def test_what_is_no_pod_template_is_left_for_the_api_server_to_refuse(
    spec: dict[str, Any],
) -> None:
    enforced, told = settled(spec)
    assert spec.items() <= enforced.items()
    assert told == []


leaves = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "worker"])
names = st.sampled_from([
    "containers", "initContainers", "name", "resources", "requests", "limits", "claims", "key",
    "nodeSelector", "tolerations", "nodeName", "cpu", "nvidia.com/gpu",
])  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(names, values, max_size=5), st.sets(st.sampled_from(Override)))
def test_any_spec_is_settled_and_stays_so(spec: dict[str, Any], allowed: set[Override]) -> None:
    where = queue(**MINE, jobsMayOverride=sorted(allowed))
    enforced, _ = enforce(spec, where)
    again, gave_way = enforce(enforced, where)
    assert again == enforced
    assert gave_way == ()
