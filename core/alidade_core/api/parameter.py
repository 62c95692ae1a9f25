"""Parameter: a value that an entry point gets, as typed or from another job."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from alidade_core.api.base import DnsSubdomain, Limits, Model, Rule
from alidade_core.api.base import rules as cel

MAX_VALUE = 1024
MAX_ENCODED = 65536
"""Bytes of all values of a job together: they reach the pod in one string of its environment, of
which Linux takes 128 KiB (MAX_ARG_STRLEN), as JSON, with the names."""

# What JSON writes as two characters, of what is allowed.
ESCAPED = ('"', "\\\\", "\\t", "\\n", "\\r")

# What a pod's environment cannot hold, and a terminal should not be sent.
CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f"


class RunField(StrEnum):
    """A field of another job's status that a parameter may take its value from."""

    MLFLOW_RUN_ID = "mlflowRunId"


class ValueSource(Model):
    """Where a value comes from that is known only once another job has run."""

    job: Annotated[DnsSubdomain, Field(description="A job that dependsOn names.")]
    field: Annotated[RunField | None, Field(description="A field of the job's status.")] = None
    output: Annotated[
        Annotated[str, Limits(minLength=1, maxLength=128)] | None,
        Field(description="An output of the job."),
    ] = None


class Parameter(Model):
    """A parameter of the entry point."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "has(self.value) != has(self.valueFrom)",
                "a parameter has either value or valueFrom",
            ),
            Rule(
                "!has(self.valueFrom) || has(self.valueFrom.field) != has(self.valueFrom.output)",
                "valueFrom names either field or output",
            ),
        )
    )

    name: Annotated[str, Limits(maxLength=128, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
    value: Annotated[
        Annotated[str, Limits(maxLength=MAX_VALUE, pattern=f"^[^{CONTROLS}]*$")] | None,
        Field(
            description=(
                "Any text but for control characters, of which it may have tabs and line breaks; "
                "it arrives as it is written here."
            )
        ),
    ] = None
    value_from: ValueSource | None = None


class ParameterValue(Model):
    """A parameter with the value that the entry point gets."""

    name: str
    value: str
