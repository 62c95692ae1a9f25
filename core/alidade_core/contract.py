"""What the operator tells a job's container and hears from it, by names that both have from here.

An image that is not made from the worker's keeps to the same; the documentation lists them.
"""

JOB = "ALIDADE_JOB"
EXPERIMENT = "ALIDADE_EXPERIMENT"
ENTRY_POINT = "ALIDADE_ENTRY_POINT"
PARAMETERS = "ALIDADE_PARAMETERS"
WORKFLOW = "ALIDADE_WORKFLOW"
RUN_ID = "MLFLOW_RUN_ID"
EXPERIMENT_ID = "MLFLOW_EXPERIMENT_ID"
TRACKING_URI = "MLFLOW_TRACKING_URI"

WORKFLOW_URI = "ALIDADE_WORKFLOW_URI"
"""Where the workflow's source is; not set where the workflow is part of the image.

An archive's URI, ``file:`` for one of a ConfigMap, or ``git+https://HOST/REPOSITORY@COMMIT``.
``ALIDADE_WORKFLOW`` is then a directory inside the source, empty for its root.
"""

WORKFLOW_SHA256 = "ALIDADE_WORKFLOW_SHA256"
"""Digest of the source's archive, 64 hexadecimal digits; not set for git, whose commit is one."""

DATASETS = "ALIDADE_DATASETS"
"""A JSON list of the job's datasets, each an object of strings.

``name``; ``uri`` for an artifact, ``path`` for a directory of the image, neither for a claim, which
is mounted already; ``sha256`` where it is to be checked. Not set where there are none.
"""

SOURCE_COMMAND = "alidade-workflow-v1"
"""What a container is started with whose workflow has a source, or whose datasets want seeing to.

A program on PATH of every image that keeps to this version of the contract. An image without it
does not start, so that no image runs a job without its source.
"""

CONFIG_MAP_FOLDER = "/etc/alidade/workflow"
"""Where the archive of a ConfigMap is mounted, under the name of its key."""

GIT_CREDENTIALS_FOLDER = "/etc/alidade/git"
"""Where ``username`` and ``password`` of a git source's Secret are mounted."""

DATA_FOLDER = "/data"
"""Where each dataset is found by its name."""

PARAMETERS_TAG = "alidade.dev/parameters"
"""Tag of a run: the parameters that its entry point was started with, defaults too, as JSON.

The worker leaves it for the operator, which records them where the worker has no time to.
"""

RESERVED = "alidade.dev/"
"""What the keys of a termination message begin with that are the worker's own, and no outputs."""

OOM_KILLS = f"{RESERVED}oom-kills"
"""Key: how many processes of the container the kernel killed for want of memory."""

EXIT_CODE = f"{RESERVED}exit-code"
"""Key: what an entry point exited with that is one of the worker's own codes."""

REASON = f"{RESERVED}reason"
"""Key: which of several reasons with one exit code it was, by its name."""

MESSAGE = f"{RESERVED}message"
"""Key: the sentence that goes with the reason."""

SOURCE_UNAVAILABLE = "SourceUnavailable"
"""Reason: a workflow's source or a dataset cannot be reached."""

# The codes are those of BSD's sysexits.h, so that a podFailurePolicy can tell a mistake in the job,
# which no retry mends, from trouble around it.
USAGE = 64
"""Exit code: the job asks for something that the workflow does not offer."""

BAD_OUTPUTS = 65
"""Exit code: the entry point left outputs that cannot be handed on."""

NO_WORKFLOW = 66
"""Exit code: the workflow is not there, or cannot be used."""

UNREACHABLE = 69
"""Exit code: something around the job, as MLflow, cannot be asked."""

PEER_LOST = 75
"""Exit code of a replica that cannot go on without another."""

RUN_LOST = 76
"""Exit code: MLflow answers, and does not have the job's run."""
