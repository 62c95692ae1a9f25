"""Workflows in MLflow: an archive is an artifact of a run of the experiment, stored once."""

import time
from typing import Any, Final
from urllib.parse import urlsplit

from alidade.errors import RefusedError
from alidade.mlflow.rest import Mlflow
from alidade.packing import Packed
from alidade_core.api.base import GROUP

Body = dict[str, Any]

KIND_TAG: Final = f"{GROUP}/kind"
SHA256_TAG: Final = f"{GROUP}/workflow-sha256"
_PROXIED: Final = "mlflow-artifacts"
_SHORT: Final = 12


async def stored(mlflow: Mlflow, experiment_id: str, packed: Packed) -> Body:
    """Store an archive, unless the experiment has it already; return the source that it is.

    Args:
        mlflow: The tracking server.
        experiment_id: ID of the MLflow experiment.
        packed: The archive.

    Raises:
        AlidadeError: It was not stored.
    """
    digest = packed.sha256
    known = f"tags.`{KIND_TAG}` = 'workflow' and tags.`{SHA256_TAG}` = '{digest}'"
    async for run in mlflow.runs(experiment_id, f"attributes.status = 'FINISHED' and {known}"):
        if files := await mlflow.artifacts(run["info"]["run_id"]):
            return _source(run, files[0]["path"], digest)
    tags = {KIND_TAG: "workflow", SHA256_TAG: digest}
    run = await mlflow.create_run(experiment_id, f"workflow-{digest[:_SHORT]}", tags, _now())
    root = run["info"]["artifact_uri"]
    if urlsplit(root).scheme != _PROXIED:
        raise RefusedError(
            f"the experiment keeps its artifacts at {root}, where only who has the keys can write: "
            "store the archive there yourself, and name it in the job's workflow.source"
        )
    await mlflow.put_artifact(urlsplit(root).path.strip("/"), packed.name, packed.content)
    # Only a run that has ended has its archive, whole.
    await mlflow.end_run(run["info"]["run_id"], _now())
    return _source(run, packed.name, digest)


def _source(run: Body, path: str, digest: str) -> Body:
    return {"archive": {"uri": f"runs:/{run['info']['run_id']}/{path}", "sha256": digest}}


def _now() -> int:
    return int(time.time() * 1000)
