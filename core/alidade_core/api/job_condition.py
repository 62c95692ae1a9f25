"""The conditions of a Job: each is one aspect of where it stands, for `kubectl wait`."""

from alidade_core.api.documented import DocumentedWord


class JobCondition(DocumentedWord):
    """A condition of a Job, with a sentence that tells when it is true."""

    DEPENDENCIES_MET = (
        "DependenciesMet",
        "Every dependency's condition has held, as `status.dependencies` has them.",
    )
    SUSPENDED = (
        "Suspended",
        "The job is held back, for the reason that the status has. False once its batch/v1 Job is "
        "seen to run; after an end, what it was then.",
    )
    STARTED = ("Started", "A pod of it has run, since `status.startTime`. It stays so.")
    COMPLETE = ("Complete", "The job is `Finished`. Not set before its end.")
    FAILED = ("Failed", "The job is `Failed`. Not set before its end.")
    POD_BLOCKED = (
        "PodBlocked",
        "Something keeps a pod of it from running; never true of a job that is held back or has "
        "ended.",
    )
    CHANGES_REFUSED = (
        "ChangesRefused",
        "The API server, or a policy there, refuses something that the job needs: that its pods "
        "are stopped, that its batch/v1 Job or it itself is deleted, or its Service. The message "
        "has the words, and it is tried again. Not set before.",
    )
    READABLE = (
        "Readable",
        "The operator can read the job; where not, the message names the field. Not set before it "
        "could not. Experiments and queues have it too.",
    )
    AS_ACCEPTED = (
        "AsAccepted",
        "`podTemplate` and `podFailurePolicy` are what the job was accepted with. Not set before "
        "they are something else.",
    )
    POD_TEMPLATE_APPLIED = (
        "PodTemplateApplied",
        "All of `podTemplate` is in the batch/v1 Job. Not set before something gives way.",
    )
    TRACKED = ("Tracked", "The job has ended, and so has its MLflow run.")
    LOGS_ARCHIVED = ("LogsArchived", "The job has ended, and its logs are in its MLflow run.")
