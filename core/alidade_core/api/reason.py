"""Why a resource is as it is, in one word: every reason that the operator gives by itself.

Reasons are part of the API: they are put into statuses, conditions, events and metrics, and stay
as they are. What Kubernetes says of pods is passed on in its own words beside these.
"""

from alidade_core import contract
from alidade_core.api.documented import DocumentedWord


class Reason(DocumentedWord):
    """A reason, with a sentence that tells what it means and what to do."""

    # Of jobs that wait.
    EXPERIMENT_NOT_FOUND = (
        "ExperimentNotFound",
        "There is no such experiment in the namespace: apply it, or correct the name.",
    )
    QUEUE_NOT_FOUND = (
        "QueueNotFound",
        "There is no such queue in the namespace, or none is named: apply it, or correct the name.",
    )
    IMAGE_NOT_SET = (
        "ImageNotSet",
        "Give the job an `image`, or the experiment's `workflow` one; or the installation, whose "
        "`images.worker` is the default.",
    )
    DEPENDENCY_PENDING = (
        "DependencyPending",
        "Nothing is wrong: the message tells which job has to be what.",
    )
    DEPENDENCY_NOT_FOUND = (
        "DependencyNotFound",
        "Apply the job that the message names, or correct the name.",
    )
    DEPENDENCY_CYCLE = (
        "DependencyCycle",
        "Jobs wait for each other in a circle: delete one of those named.",
    )
    DEPENDENCIES_MET = ("DependenciesMet", "Every dependency's condition has held.")
    SPEC_CHANGED = (
        "SpecChanged",
        "`podTemplate` or `podFailurePolicy` was changed after the job was accepted: put it back, "
        "or create another job.",
    )
    SPEC_KEPT = ("SpecKept", "The job is what it was accepted as, again.")
    PARAMETER_PENDING = (
        "ParameterPending",
        "A value from another job is not known yet.",
    )
    QUEUE_INVALID = (
        "QueueInvalid",
        "The API server takes no batch/v1 Job with what the queue says of nodes, tolerations or "
        "resources: mend the queue. Its jobs wait for that.",
    )
    NAME_CONFLICT = (
        "NameConflict",
        "An object of the job's name belongs to somebody else: delete it, or name the job "
        "otherwise.",
    )
    BACKING_JOB_REJECTED = (
        "BackingJobRejected",
        "A quota or a policy refuses the batch/v1 Job or the Service, in the words that the "
        "message has. It is tried again.",
    )
    QUEUE_WINS = (
        "QueueWins",
        "Fields of `podTemplate` that the message names gave way to the queue's, whose "
        "`jobsMayOverride` does not name them.",
    )
    CONTRACT_WINS = (
        "ContractWins",
        "`command` and `args` of `podTemplate` have no effect: the container is started as the "
        "program that fetches its workflow's source and its datasets.",
    )
    APPLIED = ("Applied", "All of `podTemplate` is in the batch/v1 Job.")
    KUEUE_DEFAULT_QUEUE = (
        "KueueDefaultQueue",
        "Kueue takes every Job of the namespace into its LocalQueue `default`: give that another "
        "name.",
    )

    UNREADABLE = (
        "Unreadable",
        "A field of the object, or of its pod or batch/v1 Job, is nothing that the operator can "
        "read; the message names it. Until it is another, the object is left as it is.",
    )
    OPERATOR_FAULT = (
        "OperatorFault",
        "The operator trips over the object, and tries again later. It is a fault of the operator: "
        "please report it, with the message.",
    )

    REQUEST_REFUSED = (
        "RequestRefused",
        "The API server, a policy or a webhook refuses what the operator asks for the object: that "
        "pods are stopped, that something is deleted, a status; in the words that the message has. "
        "It is tried again.",
    )

    # Of jobs that may run, and do not yet.
    QUEUED = ("Queued", "It asks for a place in its queue.")
    PREPARING = ("Preparing", "What it needs is being made: its batch/v1 Job, its MLflow run.")
    TRACKING_UNAVAILABLE = (
        "TrackingUnavailable",
        "MLflow cannot be reached or refuses what is asked; the message has its words.",
    )
    OUT_OF_TURN = (
        "OutOfTurn",
        "Somebody let its batch/v1 Job run before its turn, which is made anew.",
    )
    QUEUE_FULL = ("QueueFull", "It waits for its turn; the message tells the position.")
    QUEUE_HELD = ("QueueHeld", "The queue's `stopPolicy` is not `None`.")
    SUSPENDED = ("Suspended", "`spec.suspend` is true.")
    RELEASED = ("Released", "Its batch/v1 Job runs, and its pod is being created.")
    KUEUE_PENDING = ("KueuePending", "It waits for Kueue, whose words the message has.")
    FLAVOR_FALLBACK = (
        "FlavorFallback",
        "The queue's next flavor is tried, as no pod could be placed in the one before.",
    )
    PLACEMENT_TIMEOUT = (
        "PlacementTimeout",
        "No pod of it could be placed, or started where it was placed, for the queue's "
        "`placementTimeoutSeconds`, while others waited for its place: it gave that back, and asks "
        "again.",
    )
    POD_PENDING = (
        "PodPending",
        "Its pod waits for the scheduler, or is being prepared on a node.",
    )
    POD_REJECTED = (
        "PodRejected",
        "A quota, a policy or a missing PriorityClass keeps the API server from taking its pods. "
        "It is tried again.",
    )
    UNSCHEDULABLE = (
        "Unschedulable",
        "No node is fit and free for its pod; the message has the scheduler's words.",
    )

    RESOLVED = ("Resolved", "What the condition told of before is in the way no more.")

    # Of jobs that have started.
    POD_STARTED = ("PodStarted", "A pod of it has run.")
    RUNNING = ("Running", "Its pod runs; of several replicas the message counts those that do.")
    COMPLETING = (
        "Completing",
        "Its container has ended, and Kubernetes has yet to say what follows from it.",
    )
    RETRYING = (
        "Retrying",
        "Its pod was stopped by someone, never ran, or failed with attempts left: another follows.",
    )
    STOPPING = (
        "Stopping",
        "A pod of it is being stopped; no other is started beside it.",
    )
    NODE_UNREACHABLE = (
        "NodeUnreachable",
        "The node of its pod does not report, so that nobody knows whether the pod runs.",
    )

    # Of ends.
    COMPLETED = ("Completed", "It ended well.")
    CANCELLED = ("Cancelled", "It was cancelled by `spec.cancel`.")
    DELETED = (
        "Deleted",
        "The job itself was deleted before its end, or its namespace is being deleted.",
    )
    BACKING_JOB_DELETED = (
        "BackingJobDeleted",
        "Somebody deleted its batch/v1 Job while it ran.",
    )
    BACKING_JOB_INVALID = (
        "BackingJobInvalid",
        "The API server takes no such batch/v1 Job or Service; the message has its words.",
    )
    DEPENDENCY_UNSATISFIED = (
        "DependencyUnsatisfied",
        "A dependency's condition can no longer hold; the message names the first cause.",
    )
    PARAMETER_UNRESOLVED = (
        "ParameterUnresolved",
        "A job that it takes a value from ended without giving it.",
    )
    PARAMETER_INVALID = (
        "ParameterInvalid",
        "A value that it takes from another job is none that a pod can be given.",
    )
    ERROR = ("Error", "Its container ended with an exit code other than 0.")
    OOM_KILLED = ("OOMKilled", "Its container ended for want of memory.")
    DEADLINE_EXCEEDED = ("DeadlineExceeded", "It ran longer than its `activeDeadlineSeconds`.")
    POD_FAILED = ("PodFailed", "Its pod failed, and none of its containers tells why.")
    INVALID_PARAMETERS = (
        "InvalidParameters",
        "The entry point does not take such parameters (exit code 64).",
    )
    WORKFLOW_NOT_FOUND = (
        "WorkflowNotFound",
        "The workflow is not there, its source or a dataset is not what it has to be, or its "
        "MLproject cannot be read (exit code 66).",
    )
    SOURCE_UNAVAILABLE = (
        contract.SOURCE_UNAVAILABLE,
        "The place of its workflow's source, or of a dataset, does not answer (exit code 69). It "
        "is tried again.",
    )
    SOURCE_UNSUPPORTED = (
        "SourceUnsupported",
        "Its image has no program that fetches the workflow's source: make it from the worker's.",
    )
    TRACKING_REQUIRED = (
        "TrackingRequired",
        "Its workflow's source, or a dataset, is among MLflow's artifacts, and its experiment has "
        "`tracking: None`.",
    )
    POD_STOPPED = (
        "PodStopped",
        "Its pod was deleted before it ended, by somebody or as its job was suspended; whatever "
        "its exit code, it had not finished.",
    )
    CONTAINER_LOST = (
        "ContainerLost",
        "A node lost its container: it was restarted, or its container runtime was emptied.",
    )
    PEER_LOST = ("PeerLost", "A replica could not go on without another (exit code 75).")
    KUEUE_REFUSED = ("KueueRefused", "Kueue gave up starting it; the message has its words.")
    UNKNOWN = ("Unknown", "It was gone before its end was seen.")

    # Of the conditions Tracked and LogsArchived.
    RUN_REQUESTED = ("RunRequested", "It has an MLflow run that has not ended, or asked for one.")
    RUN_ENDED = ("RunEnded", "Its MLflow run ended as the job did.")
    RUN_GONE = ("RunGone", "Its MLflow run is not there any more, so that nothing is told to it.")
    ARCHIVING = ("Archiving", "Logs are being read or stored.")
    ARCHIVED = ("Archived", "All logs are among the artifacts of the run.")
    LOGS_LOST = ("LogsLost", "A log was gone before it was read, or could not be stored.")

    # Of experiments and queues; QueueInvalid is one of queues too.
    NOT_TRACKED = ("NotTracked", "Jobs of the experiment have no MLflow runs.")
    LOGS_INCOMPLETE = ("LogsIncomplete", "All logs are archived; of some the beginning is missing.")
    REGISTERED_AGAIN = (
        "RegisteredAgain",
        "MLflow had lost the experiment, or is another server: it has another ID now.",
    )
    REGISTERED = ("Registered", "MLflow has the experiment.")
    REGISTERING = ("Registering", "The experiment is being registered in MLflow.")
    JOBS_OPEN = ("JobsOpen", "Jobs of the experiment have yet to end, or there are none.")
    JOBS_FINISHED = ("JobsFinished", "All jobs of the experiment ended well.")
    JOBS_FAILED = ("JobsFailed", "All jobs of the experiment have ended, some not well.")
    READY = ("Ready", "The queue starts jobs.")
    HELD = ("Held", "The queue starts no jobs.")
