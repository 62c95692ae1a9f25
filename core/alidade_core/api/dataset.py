"""Dataset: data that a job reads and that is not part of its workflow."""

from typing import Annotated

from pydantic import ConfigDict, Field

from alidade_core.api.base import DnsLabel, Limits, Model, ObjectName, Rule, map_of
from alidade_core.api.base import rules as cel
from alidade_core.api.source import Sha256, of_uri

MAX_DATASETS = 32
MAX_PATH = 512


class Dataset(Model):
    """Data that the job finds, read-only, in /data under this name."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "[has(self.claim), has(self.artifact), has(self.path)].exists_one(x, x)",
                "a dataset must have exactly one of claim, artifact and path",
            ),
            Rule(
                "!has(self.artifact) || has(self.sha256)",
                "sha256 is required with artifact: what lies at a URI may be replaced",
                field=".sha256",
            ),
        )
    )

    name: Annotated[DnsLabel, Field(description="Its name in /data.")]
    claim: Annotated[
        ObjectName | None,
        Field(description="PersistentVolumeClaim of the namespace that holds it."),
    ] = None
    artifact: Annotated[
        Annotated[str, of_uri("artifact")] | None,
        Field(
            description=(
                "URI of a file, as of a workflow's archive. If its name ends as an archive's it is "
                "unpacked, any other is put there under its own name."
            )
        ),
    ] = None
    path: Annotated[
        Annotated[str, Limits(maxLength=MAX_PATH, pattern=r"^/[^\x00-\x1f\x7f]*$")] | None,
        Field(description="Directory of the image that holds it, from its root."),
    ] = None
    sha256: Annotated[
        Sha256 | None,
        Field(
            description=(
                "Digest of the artifact's file; of a claim or a path that of the tree, which is "
                "checked where it is given."
            )
        ),
    ] = None


Datasets = Annotated[
    tuple[Dataset, ...],
    Limits(maxItems=MAX_DATASETS, **map_of("name")),
]
