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

RESERVED = "alidade.dev/"
"""What the keys of a termination message begin with that are the worker's own, and no outputs."""

OOM_KILLS = f"{RESERVED}oom-kills"
"""Key: how many processes of the container the kernel killed for want of memory."""

EXIT_CODE = f"{RESERVED}exit-code"
"""Key: what an entry point exited with that is one of the worker's own codes."""

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
