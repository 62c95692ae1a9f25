"""Pieces of YAML on the pages, made into something that can be checked.

A page may show a resource without its apiVersion and its name, its `spec` alone, or some fields of
a job; what it leaves out is filled in. What it shows may also be values of the chart, an MLproject
or a kustomization.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import yaml

from alidade_core.api.job import JobSpec
from tests.support.sources import REPOSITORY

Body = dict[str, Any]

_OWN = "alidade.dev/v1alpha1"
_KINDS = ("Experiment", "Job", "Queue")
_VALUES = yaml.safe_load((REPOSITORY / "charts/alidade/values.yaml").read_text()).keys()
_FIELDS = {field.alias or name for name, field in JobSpec.model_fields.items()}


class Form(Enum):
    """What a piece of YAML is."""

    RESOURCE = auto()
    VALUES = auto()
    PROJECT = auto()
    KUSTOMIZATION = auto()


@dataclass(frozen=True)
class Snippet:
    """A piece of YAML.

    Attributes:
        form: What it is.
        body: The whole of it.
    """

    form: Form
    body: Body


def snippets(text: str) -> Iterator[Snippet]:
    """Yield each document of a block.

    Raises:
        ValueError: It is nothing that is known.
    """
    for document in yaml.safe_load_all(text):
        yield Snippet(_form(document), _completed(document))


def _form(body: Body) -> Form:
    if body.get("kind") == "Kustomization":
        return Form.KUSTOMIZATION
    if "kind" in body or body.keys() <= {"spec", *_FIELDS}:
        return Form.RESOURCE
    if "entry_points" in body:
        return Form.PROJECT
    if body.keys() <= _VALUES:
        return Form.VALUES
    raise ValueError(f"this is no resource, values, MLproject or kustomization: {sorted(body)}")


def _completed(body: Body) -> Body:
    if _form(body) is not Form.RESOURCE:
        return body
    if "kind" not in body:
        body = {"kind": "Job", "spec": body.get("spec", body)}
    if body["kind"] not in _KINDS:
        return body
    whole = {"apiVersion": _OWN, "metadata": {"name": "shown"}, **body}
    if body["kind"] == "Job":
        whole["spec"] = _job(body["spec"])
    return whole


def _job(spec: Body) -> Body:
    named = [p["valueFrom"]["job"] for p in spec.get("parameters", ()) if "valueFrom" in p]
    depends_on = [{"name": name} for name in dict.fromkeys(named)]
    return {"experiment": "shown", "entryPoint": "main", "dependsOn": depends_on, **spec}
