"""Workflow: the code of jobs, as an experiment, a job and a job's status have it."""

from typing import Annotated

from pydantic import ConfigDict, Field

from alidade_core.api.base import ImageReference, Limits, Model, Rule
from alidade_core.api.base import rules as cel
from alidade_core.api.source import Sha256, Source

Path = Annotated[str, Limits(maxLength=512, pattern=r"^[^\x00-\x1f\x7f]*$")]

_INSIDE = cel(
    Rule(
        r"!has(self.source) || !has(self.path) || !self.path.matches(r'^/|(^|/)\.\.(/|$)')",
        "path must be inside the source: relative, and without '..'",
        field=".path",
    )
)


class Workflow(Model):
    """The code that the jobs of the experiment run, and the image that they run it in."""

    model_config = ConfigDict(json_schema_extra=_INSIDE)

    image: Annotated[
        ImageReference | None,
        Field(
            description=(
                "Image of the jobs that name none; default: the installation's, which is made for "
                "workflows with a source."
            )
        ),
    ] = None
    path: Annotated[
        Path | None,
        Field(description="Directory that holds MLproject: in the source, or in the image."),
    ] = None
    source: Annotated[
        Source | None,
        Field(description="Where the code comes from, if it is not part of the image."),
    ] = None


class JobWorkflow(Model):
    """The code that a job runs, where it is other than the experiment's."""

    model_config = ConfigDict(json_schema_extra=_INSIDE)

    path: Annotated[
        Path | None,
        Field(
            description=(
                "Directory that holds MLproject: in the job's source; without one, in the "
                "experiment's source, or the image."
            )
        ),
    ] = None
    source: Annotated[
        Source | None, Field(description="Where the code comes from, in place of the experiment's.")
    ] = None


class WorkflowStatus(Model):
    """The code that a job was accepted with, whatever becomes of its experiment."""

    source: Annotated[
        Source | None, Field(description="Where it comes from; unset if it is part of the image.")
    ] = None
    path: Annotated[
        Path, Field(description="Directory that holds MLproject: in the source, or in the image.")
    ] = ""
    sha256: Annotated[Sha256 | None, Field(description="Digest of the source's archive.")] = None
    commit: Annotated[
        Annotated[str, Limits(maxLength=64)] | None, Field(description="Commit of the source.")
    ] = None
