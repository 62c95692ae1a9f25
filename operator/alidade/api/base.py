"""What all resources share: how they are read, written and described to the API server."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "alidade.dev"
VERSION = "v1alpha1"

DnsLabel = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
]
"""A name of another resource in the namespace (RFC 1123 label)."""

DnsSubdomain = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    ),
]
"""A name of another kind's object that has to be the value of a label as well (RFC 1123)."""


class Model(BaseModel):
    """An immutable part of a resource: snake_case here, camelCase in the API."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )

    def dump(self) -> dict[str, Any]:
        """Return the API's form of it, without what is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Metadata(Model):
    """The part of ObjectMeta that the operator reads."""

    name: str
    namespace: str = "default"
    uid: str = ""
    resource_version: str = "0"
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None


class Condition(Model):
    """A condition as KEP-1623 has it: one aspect of the state, with its reason."""

    type: Annotated[str, Field(max_length=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Field(max_length=1024)]
    message: Annotated[str, Field(max_length=32768)] = ""
    last_transition_time: datetime
    observed_generation: int | None = None


def map_of(key: str) -> dict[str, Any]:
    """Make the schema extension of a list whose items are told apart by a field (KEP-555)."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


Conditions = Annotated[tuple[Condition, ...], Field(json_schema_extra=map_of("type"))]


class Column(NamedTuple):
    """A column of `kubectl get`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


class Definition(NamedTuple):
    """What a CustomResourceDefinition says beside the schema."""

    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[tuple[str, str], ...] = ()


class Resource(Model):
    """A custom resource of the group alidade.dev."""

    definition: ClassVar[Definition]

    metadata: Metadata

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return (self.metadata.namespace, self.metadata.name)


def fixed(name: str, why: str) -> tuple[str, str]:
    """Make the rule and message of a field of a spec that is what it was made as."""
    return (
        f"has(self.{name}) == has(oldSelf.{name}) && "
        f"(!has(self.{name}) || self.{name} == oldSelf.{name})",
        f"{name} cannot be changed: {why}",
    )


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Make the schema extension of CEL rules from pairs of rule and message (KEP-2876)."""
    return {"x-kubernetes-validations": [{"rule": r, "message": m} for r, m in pairs]}
