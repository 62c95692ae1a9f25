"""One request, written down so that it means the same to the simulation and to the real thing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from alidade_operator.kube.gateway import Kind

Whose = Literal["now", "before", "other"]
Place = Literal["home", "ending", "missing"]


@dataclass(frozen=True)
class Named:
    """The name of an object of this sequence, which no other sequence has.

    Attributes:
        base: Its own part; what makes the name one of this sequence comes behind it.
        length: How long the whole is, by more of the base's last letter; 0 as long as it is.
    """

    base: str
    length: int = 0

    def within(self, tag: str) -> str:
        """Return the name in the sequence with this tag."""
        return self.base + self.base[-1:] * (self.length - len(self.base) - len(tag)) + tag


@dataclass(frozen=True)
class Uid:
    """The UID of an object as it is known: that of now, of one before it, or of another."""

    kind: Kind
    name: Named
    whose: Whose = "now"


@dataclass(frozen=True)
class Version:
    """The version of an object as it is known: the last, the one before it, or another's."""

    kind: Kind
    name: Named
    whose: Whose = "now"


@dataclass(frozen=True)
class Home:
    """The name of the namespace of the sequence."""


@dataclass(frozen=True)
class Much:
    """A long text: this one so many times."""

    text: str
    times: int


@dataclass(frozen=True)
class Step:
    """A request.

    Attributes:
        verb: The gateway's method; or, of others than the operator: put, edit, take.
        kind: The kind of object.
        namespace: Where: at home, in a namespace that ends, or in one that there is not.
        name: Which object.
        given: Other arguments by their names; they may have what is above anywhere within.
    """

    verb: str
    kind: Kind
    name: Named
    namespace: Place = "home"
    given: Mapping[str, Any] = field(default_factory=dict)


Sequence = tuple[Step, ...]
