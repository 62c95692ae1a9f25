"""What the operator asks of the Kubernetes API, and how it may be refused."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple, Protocol

Body = dict[str, Any]
"""An object as the API server gives it."""

TOO_DEEP = "\N{REPLACEMENT CHARACTER}nested too deep"
"""Field of an object some part of which was nested too deep to be read; its value says which."""


class Kind(NamedTuple):
    """A kind of object, as its URL has it."""

    group: str
    version: str
    plural: str

    def __str__(self) -> str:
        """Its name as kubectl and the API server's own messages have it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


EXPERIMENTS = Kind("alidade.dev", "v1alpha1", "experiments")
QUEUES = Kind("alidade.dev", "v1alpha1", "queues")
JOBS = Kind("alidade.dev", "v1alpha1", "jobs")
BATCH_JOBS = Kind("batch", "v1", "jobs")
NAMESPACES = Kind("", "v1", "namespaces")
PODS = Kind("", "v1", "pods")
SERVICES = Kind("", "v1", "services")
EVENTS = Kind("events.k8s.io", "v1", "events")
WORKLOADS = Kind("kueue.x-k8s.io", "v1beta2", "workloads")


class Page(NamedTuple):
    """A part of a list.

    Attributes:
        items: Its objects.
        version: The resourceVersion of the whole list, from which a watch can go on.
    """

    items: tuple[Body, ...]
    version: str


class Change(NamedTuple):
    """What a watch tells.

    Attributes:
        type: ADDED, MODIFIED, DELETED, or BOOKMARK, which tells a version and nothing else.
        body: The object as it is, or as it last was.
    """

    type: str
    body: Body


class ApiError(Exception):
    """The API server refused a request, or could not be reached; the message is its own.

    Attributes:
        code: The HTTP status of the answer, None where there was none.
        status: The Status object of the answer (metav1), empty where it was another thing: a
            proxy's page, a line of plain text.
        retry_after: Seconds that the server asks to be left alone for, None where it does not.
    """

    def __init__(
        self,
        message: str = "",
        status: Mapping[str, Any] | None = None,
        *,
        code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status: Mapping[str, Any] = status or {}
        self.retry_after = retry_after


class NotFoundError(ApiError):
    """There is no such object."""


class ConflictError(ApiError):
    """The object is not, or no longer, the one that was meant."""


class ForbiddenError(ApiError):
    """A quota, an admission webhook or RBAC refused the request."""


class InvalidError(ApiError):
    """The object cannot ever be accepted as it is."""


class UnavailableError(ApiError):
    """The API server could not be reached, or asks to be left alone; later it may answer."""


class ExpiredError(UnavailableError):
    """The version to go on from is too old: everything has to be listed anew."""


class Gateway(Protocol):
    """The Kubernetes API.

    Every method raises ApiError, or the one of its kinds that fits, and nothing else, whatever is
    answered. A change is refused here, as an UnavailableError, where this instance may not lead.
    """

    def list_pages(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
        size: int | None = None,
    ) -> AsyncIterator[Page]:
        """Yield the objects of a kind, all as they are at one moment after the call.

        Args:
            kind: Their kind.
            namespace: Where they are, None for everywhere.
            selector: A selector of labels.
            fields: A selector of fields.
            size: How many are on a page, None for as many as usual.
        """
        ...

    def list_all(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
    ) -> AsyncIterator[Body]:
        """Yield the objects of a kind one by one; the arguments are those of `list_pages`."""
        ...

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        """Read one object."""
        ...

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        """Create an object, which may have no fields that its kind does not know.

        Raises:
            InvalidError: It has some, or is not what its kind is otherwise.
        """
        ...

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        """Merge a patch into an object (RFC 7386).

        UID and resourceVersion in its metadata are preconditions.
        """
        ...

    async def patch_status(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        """Merge a patch into the status of an object (RFC 7386), and into nothing else of it.

        UID and resourceVersion in its metadata are preconditions.
        """
        ...

    async def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        uid: str,
        *,
        foreground: bool = False,
        version: str | None = None,
    ) -> Body | None:
        """Delete the object of this UID; what it owns goes after it, or before (foreground).

        Args:
            kind: Its kind.
            namespace: Where it is.
            name: Its name.
            uid: Its UID.
            foreground: Whether it stays until what it owns is gone.
            version: Its version, where it is to be deleted only as it is now.

        Returns:
            The object as it is while it is going, None where it is gone.
        """
        ...

    async def read_log(self, namespace: str, pod: str, container: str, *, tail_lines: int) -> bytes:
        """Follow a container's log to its end, however long that takes; return its end.

        Raises:
            InvalidError: The container has no log.
        """
        ...

    async def log_begins(self, namespace: str, pod: str, container: str) -> str | None:
        """Return when the first line was written of what there is of a container's log.

        A kubelet that rotates a log gives only its newest file. Where there is no line yet one is
        waited for, for some seconds.

        Returns:
            The time; empty where the log has ended without a line, None where nothing came in time:
            there is no line yet, or the answer takes longer.
        """
        ...

    async def record_event(self, namespace: str, event: Body) -> None:
        """Create an event (events.k8s.io/v1)."""
        ...


class Watches(Protocol):
    """What tells of changes as they happen."""

    def watch(
        self, kind: Kind, namespace: str | None, selector: str | None, version: str
    ) -> AsyncIterator[Change]:
        """Yield what happens to the objects of a kind, until the server ends it after some minutes.

        Args:
            kind: Their kind.
            namespace: Where they are, None for everywhere.
            selector: A selector of labels.
            version: The resourceVersion after which to begin.

        Raises:
            ExpiredError: What happened since then is not known any more.
        """
        ...
