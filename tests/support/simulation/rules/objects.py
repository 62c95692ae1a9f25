"""What becomes of an object of any kind when it is created or changed."""

from collections.abc import Iterator, Sequence

from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EVENTS,
    PODS,
    SERVICES,
    Body,
    InvalidError,
    Kind,
)
from tests.support.simulation.rules import builtin, decoding, metadata, schema
from tests.support.simulation.rules.refusals import bad_request, invalid

_BUILTIN = (BATCH_JOBS, PODS, SERVICES, EVENTS)
_FIXED = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp")


def understood(kind: Kind, body: Body, *, strict: bool = False) -> Body:
    """Return an object as it is decoded.

    Raises:
        InvalidError: It cannot be.
    """
    if kind in _BUILTIN:
        try:
            return decoding.decode(kind, body, strict=strict)
        except InvalidError as error:
            raise bad_request(
                f"{kind.plural} cannot be handled as a {kind.plural}: {error}"
            ) from error
    return {**body, "metadata": decoding.metadata(body["metadata"])}


def patched(kind: Kind, body: Body) -> Body:
    """Return an object as it is decoded after a patch, with which it is the patch that is wrong.

    Raises:
        InvalidError: It cannot be.
    """
    try:
        return understood(kind, body)
    except InvalidError as error:
        raise invalid([f"patch: Invalid value: {error}"]) from error


def accepted(kind: Kind, body: Body) -> Body:
    """Return a new object as it is stored.

    Raises:
        InvalidError: There is something wrong with it; the message says what.
    """
    body = _shaped(kind, body)
    _refuse(kind, (*metadata.faults(kind, body["metadata"]), *builtin.faults(kind, body)))
    return body


def completed(kind: Kind, body: Body) -> Body:
    """Return a new object with what the API server puts in once it has its UID."""
    return builtin.with_selector(body) if kind == BATCH_JOBS else body


def with_finalizers(meta: Body, finalizers: Sequence[str]) -> Body:
    """Return metadata with these finalizers; of none there is no word."""
    kept = {key: value for key, value in meta.items() if key != "finalizers"}
    return kept | ({"finalizers": list(finalizers)} if finalizers else {})


def read_back(kind: Kind, body: Body) -> Body:
    """Return an object as it is read, by whatever rules it was stored."""
    definition = schema.of(kind)
    return schema.shaped(definition, body) if definition else body


def changed(kind: Kind, old: Body, new: Body) -> Body:
    """Return an object as it is stored after a change.

    Raises:
        InvalidError: There is something wrong with it; the message says what.
    """
    new = _shaped(kind, new)
    _refuse(
        kind,
        (
            *_metadata_changes(old, new),
            *metadata.faults(kind, new["metadata"]),
            *(builtin.faults(kind, new) if new.get("spec") != old.get("spec") else ()),
            *builtin.change_faults(kind, old, new),
        ),
    )
    return new


def _shaped(kind: Kind, body: Body) -> Body:
    definition = schema.of(kind)
    return schema.accept(definition, body) if definition else body


def _metadata_changes(old: Body, new: Body) -> Iterator[str]:
    for field in _FIXED:
        before = old["metadata"].get(field)
        if before is not None and new["metadata"].get(field) != before:
            yield f"metadata.{field}: Invalid value: field is immutable"
    added = set(new["metadata"].get("finalizers") or ()) - set(
        old["metadata"].get("finalizers", ())
    )
    if added and "deletionTimestamp" in old["metadata"]:
        yield "metadata.finalizers: Forbidden: none can be added while the object is being deleted"


def _refuse(kind: Kind, faults: tuple[str, ...]) -> None:
    if faults:
        definition = schema.of(kind)
        raise invalid((*faults, *(schema.unchecked(definition, faults) if definition else ())))
