"""Settings of the operator's process, from its environment (ALIDADE_...)."""

import secrets
import socket
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from alidade_operator.decide.image import Image


class Settings(BaseSettings):
    """What the chart sets.

    Raises:
        pydantic.ValidationError: A variable is missing or wrong; the message names it.
    """

    model_config = SettingsConfigDict(env_prefix="ALIDADE_")

    tracking_uri: Annotated[str, Field(description="How the operator reaches MLflow.")]
    job_tracking_uri: Annotated[
        str, Field(description="How pods reach MLflow; default: as the operator does.")
    ] = ""
    signing_key: Annotated[
        str,
        Field(
            description=(
                "Proves which MLflow runs are the operator's own; empty: one is made up, and runs "
                "of before a restart are then known by their jobs' statuses alone."
            ),
            repr=False,
        ),
    ] = ""
    worker_image: Annotated[
        str, Field(description="Image of jobs that name none; empty: each has to.")
    ] = ""
    worker_pull_secrets: Annotated[
        str,
        NoDecode,
        Field(description="Secrets by which that is pulled, in the jobs' namespaces, with commas."),
    ] = ""
    namespaces: Annotated[
        str, NoDecode, Field(description="Namespaces to serve, with commas; empty: all.")
    ] = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    log_tail_lines: Annotated[
        int, Field(description="Lines of each pod's log that are archived; 0: none.", ge=0)
    ] = 10_000
    unpropagated_metadata: Annotated[
        str,
        Field(
            description="Domains whose labels and annotations are not passed on from a Job to what "
            "is made for it, with commas; each with those below it."
        ),
    ] = ""
    own_namespace: Annotated[
        str, Field(description="Where the operator is installed; empty: in no cluster.")
    ] = ""
    lease_name: Annotated[
        str, Field(description="The Lease there by which a leader is elected; empty: none is.")
    ] = ""
    identity: str = Field(default_factory=socket.gethostname)
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    workers: Annotated[int, Field(description="Reconciliations at a time.", ge=1)] = 16
    resync_seconds: Annotated[
        float, Field(description="Time between full comparisons with the API server.", gt=0)
    ] = 300.0

    def served(self) -> tuple[str, ...]:
        """Return the namespaces to serve; none means all of them."""
        return _listed(self.namespaces)

    def unpropagated(self) -> tuple[str, ...]:
        """Return the domains whose labels and annotations stay on the Job."""
        return _listed(self.unpropagated_metadata)

    def default_image(self) -> Image | None:
        """Return the image of jobs that name none, None where each has to."""
        if not self.worker_image:
            return None
        return Image(self.worker_image, _listed(self.worker_pull_secrets))

    def key(self) -> bytes:
        """Return what to sign with."""
        return self.signing_key.encode() or secrets.token_bytes(32)

    def for_jobs(self) -> str:
        """Return how pods reach MLflow."""
        return self.job_tracking_uri or self.tracking_uri


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
