"""Leader election by a Lease, as client-go does it.

Nobody's wall clock counts: who stands by measures by its own steady clock how long the Lease has
been as it is, and who leads measures by its own since when it holds it. The official client's own
election compares wall clocks, so that one whose clock is set forward would lead beside another.
"""

import asyncio
import math
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import structlog
from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException

from alidade_core.words import words_of

LEASE_SECONDS: Final = 15
RENEW_SECONDS: Final = 10
RETRY_SECONDS: Final = 2
# Less than what is left of the Lease when the renew deadline has passed: two must never lead.
REQUEST_SECONDS: Final = 2
_NOT_FOUND: Final = 404

log = structlog.get_logger(__name__)


def _now() -> float:
    # Goes on while the machine sleeps, which the event loop's clock does not.
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _stamp() -> datetime:
    """Return what a person is told of when that was; no instance goes by it."""
    now = datetime.now(UTC)
    # The client leaves a fraction of zero out, and the API server takes no MicroTime without one.
    return now.replace(microsecond=now.microsecond or 1)


class Leadership:
    """Being the one instance that acts.

    `won` is set once this instance leads; `lost` completes when it no longer does.

    Attributes:
        resigns: Whether the Lease is given up in the end. If not, it runs out by itself, as it has
            to where something may still be under way.
    """

    def __init__(self, api: client.ApiClient, namespace: str, name: str, identity: str) -> None:
        self._leases = client.CoordinationV1Api(api)
        self._namespace, self._name, self._identity = namespace, name, identity
        self.won = asyncio.Event()
        self.resigns = True
        # When the last request was sent by which this instance has taken or renewed the Lease;
        # nobody else takes it before LEASE_SECONDS have passed since.
        self._held_from = -math.inf
        self._seen: tuple[object, ...] = ()
        self._seen_from = -math.inf

    def left(self) -> float:
        """Return for how many seconds no other instance can lead, however slow this one is."""
        return self._held_from + LEASE_SECONDS - _now()

    async def __aenter__(self) -> Self:
        self.lost = asyncio.create_task(self._lead())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lost.cancel()
        if self.won.is_set() and self.resigns:
            await self._resign()

    async def _lead(self) -> None:
        """Take the Lease once it is free, and hold it for as long as it can be renewed in time."""
        taken = await self._take()
        while not taken:
            await asyncio.sleep(RETRY_SECONDS)
            taken = await self._take()
        self.won.set()
        while self.left() > LEASE_SECONDS - RENEW_SECONDS:
            await asyncio.sleep(RETRY_SECONDS)
            await self._take()
        self.won.clear()

    async def _take(self) -> bool:
        """Take the Lease or renew it, unless another instance may hold it; say if that was done.

        Any failure is one to be tried again, and so is any answer that is no Lease: whatever
        stands before the API server may say anything.
        """
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                lease = await self._read()
                if self._is_held_by_another(lease):
                    return False
                sent = _now()
                await self._write(lease)
        except Exception as error:
            log.warning("election.failed", error=words_of(error))
            return False
        self._held_from = sent
        return True

    async def _read(self) -> client.V1Lease:
        """Return the Lease, an empty one if there is none."""
        try:
            return await self._leases.read_namespaced_lease(self._name, self._namespace)
        except ApiException as error:
            if error.status != _NOT_FOUND:
                raise
            return client.V1Lease(metadata=client.V1ObjectMeta(name=self._name))

    def _is_held_by_another(self, lease: client.V1Lease) -> bool:
        spec = lease.spec or client.V1LeaseSpec()
        seen = (spec.holder_identity, spec.renew_time, spec.lease_transitions)
        if seen != self._seen:
            self._seen, self._seen_from = seen, _now()
        ran_out = _now() >= self._seen_from + LEASE_SECONDS
        return spec.holder_identity not in (None, "", self._identity) and not ran_out

    async def _write(self, lease: client.V1Lease) -> None:
        """Create the Lease, or replace the version of it that was read."""
        before, now = lease.spec or client.V1LeaseSpec(), _stamp()
        taken = before.holder_identity != self._identity
        transitions = before.lease_transitions or 0
        lease.spec = client.V1LeaseSpec(
            holder_identity=self._identity,
            lease_duration_seconds=LEASE_SECONDS,
            acquire_time=now if taken else before.acquire_time,
            renew_time=now,
            lease_transitions=transitions + (1 if taken and before.holder_identity else 0),
        )
        if lease.metadata and lease.metadata.resource_version:
            await self._leases.replace_namespaced_lease(self._name, self._namespace, lease)
        else:
            await self._leases.create_namespaced_lease(self._namespace, lease)

    async def _resign(self) -> None:
        """Give the Lease up, so that the next instance need not wait for it to run out."""
        try:
            lease = await self._leases.read_namespaced_lease(self._name, self._namespace)
            if lease.spec and lease.metadata and lease.spec.holder_identity == self._identity:
                await self._leases.delete_namespaced_lease(
                    self._name,
                    self._namespace,
                    body=client.V1DeleteOptions(
                        preconditions=client.V1Preconditions(
                            resource_version=lease.metadata.resource_version
                        )
                    ),
                )
        except Exception:
            # It runs out by itself.
            return
