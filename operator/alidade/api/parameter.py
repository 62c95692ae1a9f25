"""Parameter: a value that an entry point gets, as typed or from another job."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from alidade.api.base import DnsLabel, Model
from alidade.api.base import rules as cel

MAX_VALUE = 1024


class RunField(StrEnum):
    """A field of another job's status that a parameter may take its value from."""

    MLFLOW_RUN_ID = "mlflowRunId"


class ValueSource(Model):
    """Where a value comes from that is known only once another job has run."""

    job: Annotated[DnsLabel, Field(description="A job that dependsOn names.")]
    field: Annotated[RunField | None, Field(description="A field of the job's status.")] = None
    output: Annotated[
        str | None, Field(description="An output of the job.", min_length=1, max_length=128)
    ] = None


class Parameter(Model):
    """A parameter of the entry point."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "has(self.value) != has(self.valueFrom)",
                "a parameter has either value or valueFrom",
            ),
            (
                "!has(self.valueFrom) || has(self.valueFrom.field) != has(self.valueFrom.output)",
                "valueFrom names either field or output",
            ),
        )
    )

    name: Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
    value: Annotated[str | None, Field(max_length=MAX_VALUE)] = None
    value_from: ValueSource | None = None


class ParameterValue(Model):
    """A parameter with the value that the entry point gets."""

    name: str
    value: str
