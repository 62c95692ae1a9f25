"""Resources from YAML and to YAML, with every mistake told by its document and its field."""

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import yaml
from pydantic import ValidationError

from alidade.errors import ManifestError
from alidade_core.api.base import GROUP, VERSION, Resource
from alidade_core.api.crd import RESOURCES, custom_resource_definition
from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.queue import Queue

Manifest = Experiment | Queue | Job
Body = dict[str, Any]

API_VERSION = f"{GROUP}/{VERSION}"
_KINDS: dict[str, type[Resource]] = {kind.definition.kind: kind for kind in RESOURCES}
# The rest of metadata is the API server's.
_METADATA = ("name", "namespace", "labels", "annotations")


def to_body(manifest: Resource) -> Body:
    """Return the API's form of what was set of a resource, without its status."""
    set_in = manifest.metadata.model_fields_set
    metadata = manifest.metadata.model_dump(
        mode="json", by_alias=True, include={*_METADATA} & set_in
    )
    spec = manifest.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    return {
        "apiVersion": API_VERSION,
        "kind": manifest.definition.kind,
        "metadata": metadata,
        "spec": spec.get("spec", {}),
    }


def whole_body(resource: Resource) -> Body:
    """Return the API's form of a resource as it was read, with its status."""
    read = resource.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
    return {"apiVersion": API_VERSION, "kind": resource.definition.kind, **read}


def to_yaml(*manifests: Resource) -> str:
    """Return resources as YAML documents, as they would be applied."""
    return yaml.safe_dump_all(map(to_body, manifests), sort_keys=False, allow_unicode=True)


def from_yaml(text: str) -> list[Manifest]:
    """Read resources from YAML documents.

    Raises:
        ManifestError: Some of it is none of Alidade's resources; the message has a line for each
            mistake, with the document's number, its kind and name, and the field.
    """
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise ManifestError(f"no YAML: {error}") from error
    found: list[Manifest] = []
    mistakes: list[str] = []
    for number, document in enumerate(documents, 1):
        if document is None:
            continue
        said = list(_mistakes(document))
        mistakes += [f"document {number}{_named(document)}: {words}" for words in said]
        if not said:
            found.append(from_body(document))
    if mistakes:
        raise ManifestError("\n".join(mistakes))
    return found


def from_body(body: Body) -> Manifest:
    """Read a resource from the API's form of it."""
    kinds: dict[str, type[Manifest]] = {"Experiment": Experiment, "Queue": Queue, "Job": Job}
    return kinds[body["kind"]].model_validate(body)


def _named(document: object) -> str:
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        return ""
    return f" ({document.get('kind')} '{document['metadata'].get('name')}')"


def _mistakes(document: object) -> Iterator[str]:
    if not isinstance(document, dict):
        yield "is no object, but plain text or a list"
        return
    if document.get("apiVersion") != API_VERSION:
        yield f"apiVersion: is {document.get('apiVersion')!r}, and has to be {API_VERSION}"
        return
    kind = _KINDS.get(str(document.get("kind")))
    if kind is None:
        yield f"kind: is {document.get('kind')!r}, and has to be one of {', '.join(_KINDS)}"
        return
    yield from _unknown_fields(document, _schema(kind), "")
    try:
        kind.model_validate(document)
    except ValidationError as error:
        for mistake in error.errors():
            yield f"{_path(mistake['loc'])}: {_said(mistake['msg'], mistake['input'])}"


def _path(location: Iterable[int | str]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")


def _said(words: str, value: object) -> str:
    told = f"{words[:1].lower()}{words[1:]}"
    if isinstance(value, (bool, int, float)) and "valid string" in words:
        return f"{told}: put {value!r} in quotes"
    return told


@cache
def _schema(kind: type[Resource]) -> Body:
    version = custom_resource_definition(kind)["spec"]["versions"][0]
    schema: Body = version["schema"]["openAPIV3Schema"]
    return schema


def _unknown_fields(value: object, schema: Body, path: str) -> Iterator[str]:
    """Say of each field whether its kind has it, as the API server does for kubectl."""
    known: Body = schema.get("properties", {})
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unknown_fields(item, schema.get("items", {}), f"{path}[{number}]")
    elif isinstance(value, dict):
        closed = known and not schema.get("x-kubernetes-preserve-unknown-fields")
        for name, part in value.items():
            where = f"{path}.{name}".removeprefix(".")
            if name in known:
                yield from _unknown_fields(part, known[name], where)
            elif closed:
                (near, *_) = [*difflib.get_close_matches(str(name), known, 1), None]
                yield f"{where}: there is no such field{f'; {near} is one' if near else ''}"
