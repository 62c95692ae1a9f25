"""What all resources share: how they are read, written and described to the API server."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

GROUP = "alidade.dev"
VERSION = "v1alpha1"


class Limits:
    """What a value has to keep to when it is applied, by JSON schema's names.

    Only the API server asks for it. Reading does not: what is stored may be older than a limit,
    and its owner is told nothing by an operator that cannot read it.
    """

    def __init__(self, **keywords: Any) -> None:
        self._keywords = keywords

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | self._keywords


DnsLabel = Annotated[
    str, Limits(minLength=1, maxLength=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
]
"""A name without dots (RFC 1123 label)."""

_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"

DnsSubdomain = Annotated[str, Limits(minLength=1, maxLength=63, pattern=_SUBDOMAIN)]
"""A name of another object, which is the value of a label as well (RFC 1123 subdomain)."""

ObjectName = Annotated[str, Limits(minLength=1, maxLength=253, pattern=_SUBDOMAIN)]
"""A name of a Kubernetes object (RFC 1123 subdomain)."""

ImageReference = Annotated[str, Limits(minLength=1, maxLength=512, pattern=r"^\S+$")]

MAX_SECONDS = 365 * 24 * 3600
Seconds = Annotated[int, Limits(minimum=1, maximum=MAX_SECONDS)]
"""A time that somebody waits for: a year at most."""

Count = Annotated[int, Limits(minimum=0, maximum=2**31 - 1)]
"""A number of objects."""

Generation = Annotated[int, Limits(minimum=0, maximum=2**53 - 1)]
"""A metadata.generation, as far as JSON's numbers are exact."""


class Model(BaseModel):
    """An immutable part of a resource: snake_case here, camelCase in the API."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )

    def dump(self) -> dict[str, Any]:
        """Return the API's form of it, without what is unset."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


# kubectl's own copy of the object is as large as the object.
_NOT_READ = "kubectl.kubernetes.io/"


def _read_entries(entries: object) -> object:
    if not isinstance(entries, dict):
        return {}
    return {key: value for key, value in entries.items() if not key.startswith(_NOT_READ)}


Entries = Annotated[dict[str, str], BeforeValidator(_read_entries)]
"""Labels or annotations; null is none."""


class Metadata(Model):
    """The part of ObjectMeta that the operator reads."""

    name: str
    namespace: str = "default"
    uid: str = ""
    resource_version: str = "0"
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: Entries = {}
    annotations: Entries = {}


MAX_MESSAGE = 32768


class Condition(Model):
    """A condition as KEP-1623 has it: one aspect of the state, with its reason."""

    type: Annotated[str, Limits(maxLength=316)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Limits(maxLength=1024)]
    message: Annotated[str, Limits(maxLength=MAX_MESSAGE)] = ""
    last_transition_time: datetime
    observed_generation: Generation | None = None


def map_of(key: str) -> dict[str, Any]:
    """Make the schema extension of a list whose items are told apart by a field (KEP-555)."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


Conditions = Annotated[tuple[Condition, ...], Limits(**map_of("type"))]


class Status(Model):
    """What is, as every kind tells it."""

    conditions: Conditions = ()
    observed_generation: Generation | None = None

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of this type, None where it was never set."""
        return next((c for c in self.conditions if c.type == kind), None)

    def is_true(self, kind: str) -> bool:
        """Whether the condition of this type is set and true."""
        condition = self.condition(kind)
        return condition is not None and condition.status == "True"


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
    rules: tuple["Rule", ...] = ()


class Resource(Model):
    """A custom resource of the group alidade.dev."""

    definition: ClassVar[Definition]

    metadata: Metadata

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return (self.metadata.namespace, self.metadata.name)


class Rule(NamedTuple):
    """A CEL rule, and what is said when it does not hold (KEP-2876).

    Attributes:
        rule: What has to hold.
        message: What is said where it does not.
        new_only: Whether what was stored before the rule may be as it is.
        field: The field that it is said of, below what has the rule, as `.spec.image`; that itself
            where it is empty.
    """

    rule: str
    message: str
    new_only: bool = False
    field: str = ""

    def dump(self) -> dict[str, Any]:
        """Return its form in a schema."""
        told = {"message": self.message} | ({"fieldPath": self.field} if self.field else {})
        if not self.new_only:
            return {"rule": self.rule, **told}
        rule = f"oldSelf.hasValue() || ({self.rule})"
        return {"rule": rule, **told, "optionalOldSelf": True}


def fixed(name: str, why: str) -> Rule:
    """Make the rule of a field of a spec that is what it was made as."""
    return Rule(
        f"has(self.{name}) == has(oldSelf.{name}) && "
        f"(!has(self.{name}) || self.{name} == oldSelf.{name})",
        f"{name} cannot be changed: {why}",
        field=f".{name}",
    )


def rules(*found: Rule) -> dict[str, Any]:
    """Make the schema extension of rules."""
    return {"x-kubernetes-validations": [rule.dump() for rule in found]}


REFERABLE = Rule(
    "size(self.metadata.name) <= 63",
    "metadata.name must be no more than 63 characters: it is the value of a label",
    new_only=True,
)
"""The rule of a kind that jobs refer to by name."""
