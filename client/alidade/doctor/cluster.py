"""Whether the cluster is one for Alidade: its version, and the definitions of the resources."""

from collections.abc import Iterator
from typing import Any, Final

from alidade.doctor.facts import Facts, Finding
from alidade_core.api.crd import RESOURCES, custom_resource_definition

Body = dict[str, Any]

OLDEST: Final = (1, 30)
_APPLY: Final = "kubectl apply --server-side -f charts/alidade/crds"


def findings(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong."""
    if facts.kubernetes is not None and facts.kubernetes < OLDEST:
        version, oldest = (".".join(map(str, each)) for each in (facts.kubernetes, OLDEST))
        yield Finding(
            f"Kubernetes is {version}, and Alidade needs {oldest} or newer", "upgrade the cluster"
        )
    if facts.definitions is None:
        return
    for resource in RESOURCES:
        wanted = custom_resource_definition(resource)
        name = wanted["metadata"]["name"]
        found = facts.definitions.get(name)
        if found is None:
            yield Finding(f"the definition {name} is not there", f"{_APPLY} (an administrator)")
        else:
            yield from _judged(name, found, wanted)


def _judged(name: str, found: Body, wanted: Body) -> Iterator[Finding]:
    conditions = {c["type"]: c for c in found.get("status", {}).get("conditions", ())}
    established = conditions.get("Established", {})
    if established and established.get("status") != "True":
        refused = conditions.get("NamesAccepted", {})
        said = refused if refused.get("status") == "False" else established
        yield Finding(
            f"the definition {name} is not served: {said.get('message', said.get('reason'))}",
            "remove the definition whose names it shares, or wait a moment",
        )
    there, known = _fields(found), _fields(wanted)
    if missing := sorted(known - there):
        yield Finding(
            f"the definition {name} is older than this client: it has no {_few(missing)}",
            f"{_APPLY} (Helm installs definitions once, and never upgrades them)",
        )
    elif more := sorted(there - known):
        yield Finding(
            f"the definition {name} is newer than this client, which knows no {_few(more)}",
            "pip install --upgrade alidade, from the same version as the chart",
        )


def _fields(definition: Body) -> set[str]:
    versions = (v["schema"]["openAPIV3Schema"] for v in definition["spec"]["versions"])
    return {path for schema in versions for path in _paths(schema, "")}


def _paths(schema: Body, path: str) -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        where = f"{path}.{name}".removeprefix(".")
        yield where
        yield from _paths(part, where)
    if isinstance(schema.get("items"), dict):
        yield from _paths(schema["items"], f"{path}[]")


def _few(fields: list[str]) -> str:
    tops = [f for f in fields if not any(f.startswith((f"{o}.", f"{o}[")) for o in fields)]
    more = f" and {len(tops) - 3} more" if len(tops) > 3 else ""  # noqa: PLR2004
    return ", ".join(tops[:3]) + more
