"""Where a workflow's code comes from if it is not in the image, and what the worker takes of it.

Each source says by digest or commit which code it is: what lies at a URI may be replaced by whoever
can write there, and is refused then.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from alidade_core.api.base import Limits, Model, ObjectName, Rule
from alidade_core.api.base import rules as cel

MAX_URI = 1024
MLFLOW_SCHEMES = ("runs", "models", "mlflow-artifacts")
"""Schemes of URIs that MLflow resolves, which has to be there for it."""

_OF_MLFLOW = "|".join(MLFLOW_SCHEMES)
_NO_SPACES = r"[^\x00-\x20\x7f]"

Sha256 = Annotated[
    str,
    Limits(
        maxLength=64,
        **cel(Rule("self.matches('^[0-9a-f]{64}$')", "sha256 must be 64 digits of 0-9 and a-f")),
    ),
]


def of_uri(field: str) -> Limits:
    """Return what a URI has to keep to, told of the field that has it."""
    return Limits(
        maxLength=MAX_URI,
        **cel(
            Rule(
                rf"self.matches(r'^(({_OF_MLFLOW}):/|s3://|https?://){_NO_SPACES}+$')",
                f"{field} must be a URI that begins with runs:/, models:/, mlflow-artifacts:/, "
                "s3://, http:// or https://, and has no spaces",
            ),
            Rule(
                r"!self.matches(r'^[a-z0-9-]+://[^/]*@')",
                f"{field} must have no user or password: whoever may read this object would read "
                "them",
            ),
        ),
    )


def without_mlflow(uri: str) -> str:
    """Return the CEL expression that MLflow does not resolve the URI that another one gives."""
    return f"!{uri}.matches('^({_OF_MLFLOW}):')"


def in_mlflow(uri: str | None) -> bool:
    """Whether MLflow resolves a URI."""
    return uri is not None and uri.split(":", 1)[0] in MLFLOW_SCHEMES


class Archive(Model):
    """An archive (tar, also compressed, or zip) that is downloaded."""

    uri: Annotated[
        str,
        of_uri("uri"),
        Field(
            description=(
                "Where it is: among MLflow's artifacts (runs:/RUN/PATH, models:/, "
                "mlflow-artifacts:/), s3:// or http(s)://."
            )
        ),
    ]
    sha256: Annotated[
        Sha256, Field(description="Digest of the archive; anything else at the URI is refused.")
    ]


class GitSource(Model):
    """A commit of a git repository."""

    repository: Annotated[
        str,
        Limits(
            maxLength=MAX_URI,
            **cel(
                Rule(
                    r"self.matches(r'^https?://[^/@?#\x00-\x20\x7f]+/[^?#\x00-\x20\x7f]+$')",
                    "repository must be an http:// or https:// URL, without user, password, query "
                    "or fragment; a login comes from the Secret that secretName names",
                )
            ),
        ),
        Field(description="URL of the repository, http:// or https://."),
    ]
    commit: Annotated[
        str,
        Limits(
            maxLength=64,
            **cel(
                Rule(
                    "self.matches('^([0-9a-f]{40}|[0-9a-f]{64})$')",
                    "commit must be a full ID, 40 or 64 digits of 0-9 and a-f: what a branch or a "
                    "tag names may be another tomorrow",
                )
            ),
        ),
        Field(description="Full ID of the commit."),
    ]
    secret_name: Annotated[
        ObjectName | None,
        Field(
            description=(
                "Secret of the namespace with username and password "
                "(type kubernetes.io/basic-auth); without it nobody logs in."
            )
        ),
    ] = None


class ConfigMapSource(Model):
    """An archive that a ConfigMap of the namespace holds."""

    name: Annotated[ObjectName, Field(description="Name of the ConfigMap.")]
    key: Annotated[
        str,
        Limits(
            minLength=1,
            maxLength=253,
            pattern=r"^([-_a-zA-Z0-9]|\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$",
        ),
        Field(description="Key of binaryData, or of data, whose value is the archive."),
    ]
    sha256: Annotated[Sha256, Field(description="Digest of the archive; another is refused.")]


class Source(Model):
    """Where the code is, if not in the image; the worker fetches it, and checks it."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                "[has(self.archive), has(self.git), has(self.configMap)].exists_one(x, x)",
                "source must have exactly one of archive, git and configMap",
            )
        )
    )

    archive: Archive | None = None
    git: GitSource | None = None
    config_map: ConfigMapSource | None = None

    @property
    def sha256(self) -> str | None:
        """The digest of its archive, None where it is a commit."""
        archive = self.archive or self.config_map
        return archive.sha256 if archive else None

    @property
    def commit(self) -> str | None:
        """Its commit, None where it is an archive."""
        return self.git.commit if self.git else None
