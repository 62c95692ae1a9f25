"""In what the simulation may differ from the real things: all of it, each with the reason."""

from typing import Final

SERVER_MADE: Final = {
    "managedFields": "nothing in the operator reads them, and the server keeps them for itself",
}
"""Fields of metadata that are left out."""

AS_A_MARK: Final = {
    "creationTimestamp": "that there is one is compared, not when it was",
    "deletionTimestamp": "that there is one is compared, not when it was",
}
"""Fields of metadata of which it is compared only that they are there."""

BY_MEANING: Final = {
    "uid": "each server makes its own; it is compared which object's it is",
    "resourceVersion": "each server counts by itself; it is compared whether it has changed",
    "run_id": "MLflow draws it by chance; it is compared which run it is",
    "experiment_id": "MLflow counts for all sequences; it is compared which experiment it is",
    "alidade.dev/signature": "a tag made of the run's ID; it is compared what it proves",
}
"""Fields of metadata and of MLflow's runs of which the meaning is compared."""

OF_AN_ANSWER: Final = {
    "message": "words differ with the version; codes and reasons are compared, MLflow's too",
    "details": "the fields that its causes name are compared, without the numbers of items; all "
    "else that the operator reads of it is for how long to wait, which no server here says",
    "BOOKMARK": "a watch may send such a change at any time; it tells of no object",
}
"""What of a refusal, and of what a watch tells, is not compared."""

JOB_TIMES: Final = {
    "startTime": "that there is one is compared, not when it was",
    "completionTime": "that there is one is compared, not when it was",
}
"""Fields of a batch/v1 Job's status of which it is compared only that they are there."""

CONDITION_TIMES: Final = {
    "lastTransitionTime": "that there is one is compared, not when it was",
    "lastProbeTime": "that there is one is compared, not when it was",
}
"""Fields of a condition, of a batch/v1 Job or a pod, of which the same is compared."""

ALL: Final = SERVER_MADE | AS_A_MARK | BY_MEANING | OF_AN_ANSWER | JOB_TIMES | CONDITION_TIMES
