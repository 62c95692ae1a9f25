"""The fields of an object by its schema, and odd values for each by what the schema says of it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Body = dict[str, Any]
Path = tuple[str | int, ...]

OPEN = "x-kubernetes-preserve-unknown-fields"
# What no schema here bounds is long at this length.
LONG = 300
MANY = 70
OF_ANY_KIND: tuple[Any, ...] = (
    None, True, 7, -1, 0.5, "odd", "", [], {}, [None], [[]], ["odd"], {"odd": "odd"}, {"": {}},
)  # fmt: skip
# One of each kind that a text, a terminal, JSON or YAML could take for something else.
CHARACTERS = ("\t", "\n", "\x00", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\ufffe", "\U0001f600")
TEXTS = (
    " ",
    "-",
    "a b",
    "A/B/C",
    "../..",
    "null",
    "$(HOME)",
    "{}",
    *(f"a{c}b" for c in CHARACTERS),
)
NUMBERS = (0, 1, 2**31, 2**53, 2**63 - 1, -(2**63), 10**30, 1.5, 1e300)
KEYS = ("", " ", "a b", "-", "a/b/c", "é", "a\x85b", "\U0001f600", "9" * LONG)
_TYPES = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


class Field(NamedTuple):
    """A field of an object.

    Attributes:
        path: Where it is.
        schema: What is said of it.
        whole: An object that has it, and all that it is in, as they should be.
    """

    path: Path
    schema: Body
    whole: Body

    def __str__(self) -> str:
        return ".".join(map(str, self.path))

    @property
    def value(self) -> Any:
        """The value that it should have."""
        found: Any = self.whole
        for key in self.path:
            found = found[key]
        return found

    def having(self, value: Any) -> Body:
        """Return the object with another value in this field."""
        # A copy that keeps what is shared would have it in two fields.
        made: Body = json.loads(json.dumps(self.whole))
        inner: Any = made
        for key in self.path[:-1]:
            inner = inner[key]
        inner[self.path[-1]] = value
        return made


def fields(schema: Body, *wholes: Body) -> list[Field]:
    """Return all fields below the root of a schema, at any depth, each with the object that has it.

    Below what the schema leaves open those of the objects are taken, and their values' types.

    Raises:
        LookupError: None of the objects has what a field is in.
    """
    found: dict[str, Field] = {}
    for whole in wholes:
        for field in _below(schema, whole, whole, ()):
            found.setdefault(str(field), field)
    missing = [path for path in _paths(schema, ()) if ".".join(map(str, path)) not in found]
    if missing:
        raise LookupError(f"in no object: {missing}")
    return list(found.values())


def odd_values(field: Field) -> list[Any]:
    """Return values that a field should not have, or only just may."""
    schema, value = field.schema, field.value
    found = [*OF_ANY_KIND]
    kind = schema.get("type")
    if kind == "string" or schema.get("x-kubernetes-int-or-string"):
        longest = schema.get("maxLength", LONG)
        found += [*TEXTS, "a" * longest, "a" * (longest + 1), "9" * longest]
        found += [text for word in schema.get("enum", ()) for text in (word.lower(), f"{word}x")]
    if kind == "integer" or schema.get("x-kubernetes-int-or-string"):
        found += NUMBERS
        for bound, beyond in (("minimum", -1), ("maximum", 1)):
            if bound in schema:
                found += [schema[bound], schema[bound] + beyond]
    if kind == "array":
        item = value[0] if value else "odd"
        found += [[item, item], [item] * (schema.get("maxItems", MANY) + 1), [item, None]]
    if kind == "object":
        known = dict(value)
        inner = next(iter(known.values()), "odd")
        found += [{**known, "unknown": 1}, {**known, "unknown": {}}]
        if "additionalProperties" in schema:
            found += [{**known, key: inner} for key in KEYS]
            found.append({f"key-{n}": inner for n in range(schema.get("maxProperties", MANY) + 1)})
    return found


def _below(schema: Body, value: Any, whole: Body, path: Path) -> Iterator[Field]:
    if path:
        yield Field(path, schema, whole)
    if isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _below(_of(schema.get("items"), inner), inner, whole, (*path, n))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            known = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if known is not None or OPEN in schema:
                yield from _below(_of(known, inner), inner, whole, (*path, key))


def _of(schema: Body | None, value: Any) -> Body:
    """Return the schema of a value: what is said of it, or what it is like."""
    if schema and ("type" in schema or "x-kubernetes-int-or-string" in schema):
        return schema
    return {"type": _TYPES[type(value)], OPEN: True}


def _paths(schema: Body, path: Path) -> Iterator[Path]:
    """Yield the paths that a schema names; those of maps' values are not among them."""
    if path:
        yield path
    for name, inner in schema.get("properties", {}).items():
        yield from _paths(inner, (*path, name))
    if "items" in schema:
        yield from _paths(schema["items"], (*path, 0))
