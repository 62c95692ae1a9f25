"""In what the simulation may differ from a real API server: all of it, each with the reason."""

from typing import Final

SERVER_MADE: Final = {
    "creationTimestamp": "the simulation has a time of its own",
    "managedFields": "nothing in the operator reads them, and the server keeps them for itself",
    "selfLink": "it went in Kubernetes 1.24, but for old servers",
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

BEYOND_THE_OBJECT: Final = {
    "defaults": "of Kubernetes' own kinds the server fills in dozens of fields of spec and status "
    "that the operator does not read; those that the simulation has are compared",
    "empty fields": "Go leaves out some of the fields that are empty, which to the operator is one",
    "message": "of a refusal the class, the code and the reason are compared; of its words, that "
    "they name fields is for tests of the product",
}
"""What of an answer is not compared, beside metadata."""

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
    "spec": "controllers write nothing of it but what is compared: suspend, and a pod's node",
    "pod status": "but for the phase it is the kubelet's, whose part the test plays on both sides",
}
"""What of objects at rest is not compared, beside metadata."""

ALL: Final = (
    SERVER_MADE
    | AS_A_MARK
    | BY_MEANING
    | BEYOND_THE_OBJECT
    | JOB_TIMES
    | CONDITION_TIMES
    | BEYOND_THE_CONTROLLERS
)
