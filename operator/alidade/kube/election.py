"""Leader election by a Lease, with the official client's own implementation."""

import asyncio
from types import TracebackType
from typing import Final, Self

from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.resourcelock.leaselock import LeaseLock

LEASE_SECONDS: Final = 15
RENEW_SECONDS: Final = 10
RETRY_SECONDS: Final = 2


class Leadership:
    """Being the one instance that acts.

    `won` is set once this instance leads; `lost` completes when it no longer does.
    """

    def __init__(self, api: client.ApiClient, namespace: str, name: str, identity: str) -> None:
        self._leases = client.CoordinationV1Api(api)
        self._namespace, self._name, self._identity = namespace, name, identity
        self.won = asyncio.Event()
        self._election = LeaderElection(
            Config(
                LeaseLock(name, namespace, identity, api),
                lease_duration=LEASE_SECONDS,
                renew_deadline=RENEW_SECONDS,
                retry_period=RETRY_SECONDS,
                onstarted_leading=self._start,
                onstopped_leading=self._stop,
            )
        )

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
        if self.won.is_set():
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
        except ApiException:
            # It runs out by itself.
            return
