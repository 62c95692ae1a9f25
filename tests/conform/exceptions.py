"""In what the simulation may differ from a real API server: all of it, each with the reason."""

from typing import Final

SERVER_MADE: Final = {
    "creationTimestamp": "the simulation has a time of its own",
    "managedFields": "nothing in the operator reads them, and the server keeps them for itself",
}
"""Fields of metadata that are left out."""

AS_A_MARK: Final = {
    "deletionTimestamp": "that there is one is compared, not when it was",
}
"""Fields of metadata of which it is compared only that they are there."""

BY_MEANING: Final = {
    "uid": "each server makes its own; it is compared which object's it is",
    "resourceVersion": "each server counts by itself; it is compared whether it has changed",
}
"""Fields of metadata of which the meaning is compared."""

OF_AN_ANSWER: Final = {
    "message": "of a refusal, by MLflow too, the class, the code and the reason are compared; of "
    "its words, that they name fields is for tests of the product",
    "BOOKMARK": "a watch may send such a change at any time; it tells of no object",
}
"""What else of an answer is not compared."""

OF_A_RUN: Final = {
    "mlflow.": "tags of this beginning are the server's and its clients' own, whatever the version",
    "alidade.dev/signature": "it is made of the run's ID, which each server draws by chance; that "
    "it proves whose a run is shows by which runs are found again",
}
"""Tags of an MLflow run that are left out, by their beginnings."""

JOB_TIMES: Final = {
    "startTime": "that there is one is compared, not when it was",
    "completionTime": "that there is one is compared, not when it was",
}
"""Fields of a batch/v1 Job's status of which it is compared only that they are there."""

CONDITION_TIMES: Final = {
    "lastTransitionTime": "the simulation has a time of its own",
    "lastProbeTime": "Kubernetes has it the same as the other, and the operator does not read it",
}
"""Fields of a batch/v1 Job's conditions that are left out."""

BEYOND_THE_CONTROLLERS: Final = {
    "spec": "controllers write nothing of it but what is compared: suspend, and a pod's nodeName",
    "pod status": "but for phase, which is compared, it is what the test writes on both sides",
}
"""What of objects at rest is not compared, beside metadata."""

ALL: Final = (
    SERVER_MADE
    | AS_A_MARK
    | BY_MEANING
    | OF_AN_ANSWER
    | OF_A_RUN
    | JOB_TIMES
    | CONDITION_TIMES
    | BEYOND_THE_CONTROLLERS
)
