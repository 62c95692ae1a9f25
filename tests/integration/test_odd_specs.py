"""Odd values in any field of any spec: refused with the field named, or an end that is told."""

import re
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from tests.integration.bench import CRDS
from tests.integration.scene import EXPERIMENT, JOB, QUEUE, Scene
from tests.support import whole_specs
from tests.support.kubelet import running, succeeded
from tests.support.manifests import Body, job
from tests.support.naming import answer_names, message_names
from tests.support.odd_fields import Field, fields, odd_values
from tests.support.operator import Operator
from tests.support.polling import eventually

# Of what passes by itself nothing has to be told.
PASSING = (None, "Queued", "Preparing", "Released", "PodPending", "QueueFull", "DependencyPending")
# What these are is no fault of a field.
SETTLED = ("Completed", "Suspended", "Cancelled")
SUMS = {QUEUE: "Active", EXPERIMENT: "Ready"}
FAULTS = re.compile(
    r"^(?:alidade_reconciles_total\{.*crashed.*|alidade_crashes_total.*|"
    r"alidade_unreadable_objects_total.*) (?!0(?:\.0)?$).*",
    re.MULTILINE,
)
numbers = count()


class Odd(NamedTuple):
    """An object of a kind with a value in a field that it should not have."""

    kind: tuple[str, str]
    field: Field
    value: Any

    def body(self, name: str) -> Body:
        version, kind = self.kind
        metadata = {"name": name}
        return {
            "apiVersion": version,
            "kind": kind,
            "metadata": metadata,
            **self.field.having(self.value),
        }

    @property
    def goes(self) -> bool:
        """Whether it is deleted at its end, as it asks for."""
        return self.field.path[-1] == "ttlSecondsAfterFinished" and self.value in (0, 1)

    def named_by(self, message: str) -> bool:
        # What refers to it is told to find nothing.
        missed = f'Not found: "{self.field.value}"'
        return missed in message or message_names(message, self.field.path, self.value)

    def __str__(self) -> str:
        return f"{self.kind[1]} {self.field}: {self.value!r}"


def spec_of(plural: str) -> Body:
    """Return the schema of a kind, of which the spec alone is the user's."""
    definition = yaml.safe_load((CRDS / f"{plural}.alidade.dev.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return {"type": "object", "properties": {"spec": schema["properties"]["spec"]}}


WHOLE = {
    JOB: ("jobs", whole_specs.JOBS),
    QUEUE: ("queues", whole_specs.QUEUES),
    EXPERIMENT: ("experiments", whole_specs.EXPERIMENTS),
}
FIELDS = [
    (kind, field)
    for kind, (plural, specs) in WHOLE.items()
    for field in fields(spec_of(plural), *({"spec": spec} for spec in specs))
]


@st.composite
def one_of_each(draw: st.DrawFn) -> list[Odd]:
    """Draw an odd value for every field that there is."""
    found = [Odd(kind, field, draw(st.sampled_from(odd_values(field)))) for kind, field in FIELDS]
    # The simplest, with which it begins: nothing is there.
    assume(any(one.value is not None for one in found))
    return found


@settings(
    max_examples=1,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.large_base_example],
)
@given(odd=one_of_each())
def test_each_odd_spec_is_refused_by_field_or_comes_to_what_is_told(
    operator: Operator, scene: Scene, odd: list[Odd]
) -> None:
    scene.let(whole_specs.FIRST, [running(), succeeded({"eps": "0.1"})])
    scene.apply(job(whole_specs.FIRST))
    taken: dict[str, Odd] = {}
    for one in odd:
        name = f"odd-{next(numbers)}"
        refused = scene.why_refused(one.kind, one.body(name))
        if refused is None:
            taken[name] = one
        else:
            assert answer_names(refused, one.field.path, one.value), f"{one}: {refused}"

    for name, one in taken.items():
        if one.goes:
            scene.until_gone(one.kind, name)
        else:
            eventually(partial(told, scene, name, one))
    assert not FAULTS.findall(operator.read("/metrics"))


def told(scene: Scene, name: str, one: Odd) -> bool:
    status = scene.status(name, one.kind)
    problem = untold(one, status) if one.kind == JOB else unsummed(one.kind, status)
    assert not problem, f"{one}: {problem}: {status}"
    return True


def untold(one: Odd, status: Body) -> str | None:
    """Say what a job with an odd value lacks that it should tell."""
    reason, message = status.get("reason"), status.get("message", "")
    if reason in PASSING:
        return "comes to nothing"
    if reason in SETTLED or one.named_by(message):
        return None
    return "does not name the field"


def unsummed(kind: tuple[str, str], status: Body) -> str | None:
    """Say what a queue or an experiment with an odd value lacks that it should tell."""
    types = {c["type"] for c in status.get("conditions", ())}
    return None if SUMS[kind] in types else f"has no condition {SUMS[kind]}"
