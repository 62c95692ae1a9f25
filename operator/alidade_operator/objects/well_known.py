"""Labels and annotations that objects of the cluster bear, and the name of the container."""

JOB_LABEL = "alidade.dev/job"
# A name may be used again; a UID never is.
JOB_UID_LABEL = "alidade.dev/job-uid"
EXPERIMENT_LABEL = "alidade.dev/experiment"
QUEUE_LABEL = "alidade.dev/queue"
FLAVOR_LABEL = "alidade.dev/flavor"
TEMPLATE_HASH = "alidade.dev/template-hash"
INPUTS = "alidade.dev/inputs"
"""Annotation of a batch/v1 Job with the code and the data that its job was accepted with, as JSON;
not there where all of it is part of the image."""
SUBMITTED_BY = "alidade.dev/submitted-by"
"""Annotation with the name of the user who created the Job, as admission policies have seen it."""
PARAMETERS = "alidade.dev/parameters"
RUN_ID = "alidade.dev/mlflow-run-id"
TRACKING_EXPERIMENT_ID = "alidade.dev/mlflow-experiment-id"
# Kueue's queue that we gave a batch/v1 Job to, empty for none; what else has it, took it unasked.
HANDED_OVER = "alidade.dev/local-queue"
LOCAL_QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
WORKER = "worker"
