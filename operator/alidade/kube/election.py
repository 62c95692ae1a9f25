"""Leader election by a Lease, with the official client's own implementation."""

import asyncio
import math
import time
from types import TracebackType
from typing import Any, Final, Self

from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

from alidade.domain.words import words_of

LEASE_SECONDS: Final = 15
RENEW_SECONDS: Final = 10
RETRY_SECONDS: Final = 2
# Less than what is left of the Lease when the renew deadline has passed: two must never lead.
REQUEST_SECONDS: Final = 2


def _now() -> float:
    # Goes on while the machine sleeps, which the event loop's clock does not.
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Lock(LeaseLock):
    """The library's lock, for which any failure to reach the Lease is one to be tried again.

    So is any answer that is no Lease: whatever stands before the API server may say anything.

    Attributes:
        held_from: When the last request was sent by which this instance has taken or renewed the
            Lease; nobody else takes it before LEASE_SECONDS have passed since.
    """

    held_from = -math.inf

    async def get(self, name: str, namespace: str) -> tuple[bool, Any]:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                return await super().get(name, namespace)
        except Exception as error:
            return False, ApiException(reason=f"API server: {words_of(error)}")

    async def create(self, name: str, namespace: str, election_record: Any) -> bool:
        # The library's own asks for `pretty=True`, which its client takes for no valid request.
        lease = client.V1Lease(
            metadata=client.V1ObjectMeta(name=name), spec=self.update_lease(election_record)
        )
        sent = _now()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await self.api_instance.create_namespaced_lease(namespace, lease)
        except Exception:
            return False
        self.held_from = sent
        return True

    async def update(self, name: str, namespace: str, updated_record: Any) -> bool:
        sent = _now()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                done: bool = await super().update(name, namespace, updated_record)
        except Exception:
            return False
        if done:
            self.held_from = sent
        return done


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
        self._lock = _Lock(name, namespace, identity, api)
        self._election = LeaderElection(
            Config(
                self._lock,
                lease_duration=LEASE_SECONDS,
                renew_deadline=RENEW_SECONDS,
                retry_period=RETRY_SECONDS,
                onstarted_leading=self._start,
                onstopped_leading=self._stop,
            )
        )

    def left(self) -> float:
        """Return for how many seconds no other instance can lead, however slow this one is."""
        return self._lock.held_from + LEASE_SECONDS - _now()

    async def __aenter__(self) -> Self:
        self.lost = asyncio.create_task(self._election.run())
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

    async def _start(self) -> None:
        self.won.set()

    async def _stop(self) -> None:
        self.won.clear()

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
