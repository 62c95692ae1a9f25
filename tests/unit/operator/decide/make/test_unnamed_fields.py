from typing import Any

import pytest

from alidade_operator.decide.make.unnamed_fields import unnamed_fields


def container(**fields: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": [{"name": "worker", **fields}]}}}


@pytest.mark.parametrize(
    "value", ["1", "+1.5Gi", "-2", ".5", "5.", "100m", "1e3", "1E-3", " 1Ki ", 1, 1.5, None]
)
def test_what_is_a_quantity_is_not_named(value: Any) -> None:
    assert unnamed_fields(container(resources={"limits": {"memory": value}})) == ()


@pytest.mark.parametrize("value", ["", "-", "1 Gi", "1gb", "1.2.3", "😀", True, [], {}])
def test_what_is_no_quantity_is_named(value: Any) -> None:
    assert unnamed_fields(container(resources={"requests": {"cpu": value}})) == (
        f"spec.template.spec.containers[0].resources.requests.cpu: {value!r} is no quantity",
    )


def test_quantities_are_found_wherever_a_pod_has_them() -> None:
    divisor = {"valueFrom": {"resourceFieldRef": {"divisor": "a"}}}
    volumes = [{"emptyDir": {"sizeLimit": "b"}}, {"emptyDir": {"sizeLimit": "1Gi"}}]
    spec = {
        "containers": [{"env": [divisor]}],
        "volumes": volumes,
        "overhead": {"cpu": "c"},
    }
    assert unnamed_fields(spec, "s") == (
        "s.containers[0].env[0].valueFrom.resourceFieldRef.divisor: 'a' is no quantity",
        "s.volumes[0].emptyDir.sizeLimit: 'b' is no quantity",
        "s.overhead.cpu: 'c' is no quantity",
    )


@pytest.mark.parametrize(("port", "named"), [(80, 0), ("web", 0), (None, 0), ({}, 1), (True, 1)])
def test_what_is_no_port_is_named(port: Any, named: int) -> None:
    assert len(unnamed_fields(container(livenessProbe={"httpGet": {"port": port}}))) == named


@pytest.mark.parametrize("spec", [None, [], "text", {"limits": "text", "httpGet": []}])
def test_what_has_no_such_fields_names_none(spec: Any) -> None:
    assert unnamed_fields(spec) == ()
