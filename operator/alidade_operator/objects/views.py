"""What the operator reads of batch/v1 Jobs and Pods: small, immutable views of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Failure:
    """The Failed condition of a batch/v1 Job."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A batch/v1 Job that runs the pods of a Job.

    Attributes:
        released_before: Whether its pods are told what they are told at a release.
        run_id: The MLflow run that they are told of.
        inputs: The code and the data that it was made with, as JSON, if they are told of.
        done: Indices that it counts as completed, where its pods have any.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    owner_uid: str | None
    queue: str | None
    experiment: str | None
    flavor: str | None
    local_queue: str | None
    handed_over: str | None
    template_hash: str | None
    suspended: bool
    released_before: bool
    run_id: str | None
    deleting: bool
    succeeded: int
    failed: int
    complete: bool
    failure: Failure | None
    inputs: str | None = None
    done: tuple[range, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether its controller is done with it."""
        return self.complete or self.failure is not None

    @property
    def out_of_turn(self) -> bool:
        """Whether somebody else let its pods run, which are told nothing then."""
        return not self.released_before and (not self.suspended or self.ended)

    @property
    def holds_place(self) -> bool:
        """Whether it counts against its queue's maxRunning."""
        return not self.suspended and not self.ended

    def has_done(self, index: int) -> bool:
        """Whether it counts this replica as one that ended well."""
        return any(index in indices for indices in self.done)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A container that does not run yet, in the kubelet's words."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Terminated:
    """A container that ran, or could not be run."""

    exit_code: int
    signal: int | None
    reason: str
    message: str
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod: at most one of the three states.

    Attributes:
        name: Its name.
        waiting: Why it does not run yet.
        running_since: When it began to run, None where it does not.
        terminated: How it ended.
        last: How it ended the time before, where it is started again and again.
        restarts: Whether it is: a sidecar, that is an init container that restarts (KEP-753).
        started: Whether it has passed its startup probe, if it has one, and runs.
        image_id: What the runtime calls the image that it was made of.
    """

    name: str
    waiting: Waiting | None = None
    running_since: datetime | None = None
    terminated: Terminated | None = None
    last: Terminated | None = None
    restarts: bool = False
    started: bool = False
    image_id: str = ""

    @property
    def last_end(self) -> Terminated | None:
        """How it ended when it last did."""
        return self.terminated or self.last

    @property
    def last_words(self) -> str:
        """The termination message, empty where there is none."""
        return self.last_end.message if self.last_end else ""

    @property
    def ran(self) -> bool:
        """Whether a process of it has ever run."""
        return bool(self.running_since or (self.last_end and self.last_end.started))

    @property
    def fails(self) -> bool:
        """Whether it was started, and ended or ends with failure."""
        if self.waiting:
            return self.last is not None
        return bool(self.terminated and self.terminated.exit_code)


@dataclass(frozen=True, slots=True)
class Pod:
    """One attempt at a job, or at the part of it that one replica has.

    It ends with the last of its containers. What is said of containers is what the kubelet last
    reported: if `node_silent`, it may be so no longer.

    Attributes:
        job: The value of its label with the job's name.
        job_uid: The value of its label with the job's UID.
        queue: The value of its label with the name of the queue that let it run.
        experiment: The value of its label with the name of the experiment.
        owner_uid: UID of the batch/v1 Job that it is of.
        unschedulable: Why the scheduler finds no node for it, None where it does.
        disruption: Why Kubernetes stops it, or did (KEP-3329).
        stop_asked: When somebody asked for its end, None where nobody did.
        graceful: Whether it was given time to end when it was deleted, as one that has is not.
        clock_late: By how much its node's clock is behind the API server's, as far as that shows.
        counted: Whether batch/v1 has counted it, or never will (KEP-2307).
        stopped: Whether it was asked to end before it ended, None where that is not known.
        init: The init container that keeps it from its start, or kept it.
        container: The job's own container.
        sidecar: An init container that restarts and fails while the job's own container runs.
        beside: Names of the containers that run, other than the job's own.
        ran: Whether any container of it ever ran.
        image: The image of the job's own container, as it was asked for.
        memory_limit: The memory limit of that container, None where it has none.
        probed: Whether the kubelet may kill that container, as it fails its liveness probe.
        index: Which replica it is.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    job: str | None
    owner_uid: str | None
    created: datetime | None
    phase: str
    reason: str
    message: str
    node: str | None
    scheduled: datetime | None
    unschedulable: str | None
    disruption: Failure | None
    init: Container | None
    container: Container | None
    beside: tuple[str, ...]
    deleting: bool
    node_silent: bool
    index: int | None
    job_uid: str | None = None
    queue: str | None = None
    experiment: str | None = None
    stop_asked: datetime | None = None
    graceful: bool = False
    clock_late: timedelta = timedelta()
    counted: bool = True
    stopped: bool | None = None
    sidecar: Container | None = None
    ran: bool = False
    image: str = ""
    memory_limit: str | None = None
    probed: bool = False

    @property
    def over(self) -> bool:
        """Whether it has ended for good."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def ended(self) -> bool:
        """Whether it has ended, or will in a moment: the kubelet tells of its container first."""
        return self.over or self.exit_code is not None

    @property
    def exit_code(self) -> int | None:
        """What the job's container exited with, None where it has not."""
        ended = self.container and self.container.terminated
        return ended.exit_code if ended else None

    @property
    def logged(self) -> tuple[Container, ...]:
        """The containers that have, or had, a log: the job's own, and one that kept it from it."""
        known = (c for c in (self.init, self.sidecar, self.container) if c is not None)
        return tuple(c for c in known if c.running_since or c.last_end)

    @property
    def finished(self) -> datetime | None:
        """When the job's container ended, None where it has not, or that is not known.

        That is by the clock of its node.
        """
        ended = self.container and self.container.terminated
        return ended.finished if ended else None

    @property
    def ended_at(self) -> datetime | None:
        """That by the API server's clock, as far as it shows that the node's is behind."""
        try:
            return self.finished and self.finished + self.clock_late
        except OverflowError:
            return self.finished

    @property
    def started(self) -> datetime | None:
        """When the job's container first ran, None where it never did."""
        container = self.container
        if container is None:
            return None
        if container.running_since is not None:
            return container.running_since
        return container.terminated.started if container.terminated else None
