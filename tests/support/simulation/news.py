"""What the operator hears of what happens: late, twice, stale, at times no word of a deletion."""

from collections.abc import AsyncIterator

from alidade_operator.kube.gateway import Body, Change, Kind, UnavailableError
from tests.support.simulation.api_server import BROKEN, EXPIRED, ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.rules import refusals
from tests.support.simulation.rules.selectors import chosen


class UnreliableNews:
    """Watches that pass things on in their own time.

    Args:
        server: The API server.
        chance: What becomes of news.
    """

    def __init__(self, server: ApiServer, chance: Chance) -> None:
        self._server = server
        self._chance = chance

    async def watch(
        self, kind: Kind, namespace: str | None, selector: str | None, version: str
    ) -> AsyncIterator[Change]:
        chance, wanted = self._chance, chosen(selector or "", "")
        told: dict[str, list[Body]] = {}
        stream = self._server.watch(kind, int(version))
        while True:
            change, body, old = await stream.get()
            await chance.pause()
            if change == EXPIRED or chance.mishap(0.1):
                raise refusals.too_old("too old resource version")
            if change == BROKEN:
                raise UnavailableError("the connection was reset")
            uid = body["metadata"]["uid"]
            before = old if old is not None and wanted(old) else None
            if change != "DELETED" and wanted(body):
                told.setdefault(uid, []).append(body)
                yield Change("MODIFIED" if before else "ADDED", body)
            elif before:
                told.pop(uid, None)
                if change == "DELETED" and chance.mishap():
                    continue
                # What has lost its label looks as if it were deleted, as it was while it had it.
                at = {"resourceVersion": body["metadata"]["resourceVersion"]}
                yield Change("DELETED", {**before, "metadata": before["metadata"] | at})
            else:
                continue
            if told and chance.mishap():
                yield Change("MODIFIED", chance.choice(chance.choice(list(told.values()))))
