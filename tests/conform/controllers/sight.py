"""What is seen of a world at rest, by names that mean the same in both."""

import json
from collections import defaultdict
from collections.abc import Container, Iterable

from alidade_operator.kube.gateway import BATCH_JOBS, PODS, Body, Kind
from tests.conform.controllers.sides import SEEN, Thing
from tests.conform.exceptions import (
    AS_A_MARK,
    CONDITION_TIMES,
    JOB_TIMES,
    SERVER_MADE,
)
from tests.support.simulation.pods import controller_of, index_of

Seen = dict[str, Thing]
_STRANGER = "00000000-0000-4000-8000-000000000000"


class Sight:
    """Knows the objects of one sequence, those that are gone too."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._uids: defaultdict[tuple[Kind, str], list[str]] = defaultdict(list)
        self._pods: defaultdict[str, list[str]] = defaultdict(list)
        self._there: dict[str, Thing] = {}
        self._versions: dict[str, str] = {}

    def look(self, things: Iterable[Thing]) -> Seen:
        """Take note of all objects there are; return what can be compared of them."""
        self._there = {body["metadata"]["uid"]: (kind, body) for kind, body in things}
        ordered = sorted(self._there.values(), key=lambda thing: SEEN.index(thing[0]))
        for kind, body in ordered:
            self.meet(kind, body)
        return {
            self._names[body["metadata"]["uid"]]: (kind, self._renamed(self._compared(body)))
            for kind, body in ordered
        }

    def uid(self, kind: Kind, name: str, whose: str = "now") -> str:
        """Return the UID of an object: the last of its name, the one before, or nobody's."""
        known = self._uids[kind, name]
        number = {"now": -1, "before": -2}.get(whose, 0)
        return known[number] if len(known) >= -number > 0 else _STRANGER

    def pods(self, job: str) -> list[Body]:
        """Return the pods that there are of a batch/v1 Job's name, in an order that is the same."""
        own = set(self._uids[BATCH_JOBS, job])
        found = [
            (self._names[uid], body)
            for uid, (kind, body) in self._there.items()
            if kind == PODS and controller_of(body) in own
        ]
        return [body for _, body in sorted(found, key=lambda item: item[0])]

    def meet(self, kind: Kind, body: Body) -> None:
        """Take note of an object."""
        meta = body["metadata"]
        if meta["uid"] in self._names:
            return
        if kind == PODS:
            owner = controller_of(body) or ""
            place = f"pod {self._names.get(owner, 'of nobody')} {index_of(body)}"
            self._pods[place].append(meta["uid"])
            number = len(self._pods[place])
            self._names[meta["uid"]] = f"{place} {number}"
            self._names[meta["name"]] = f"name of {place} {number}"
        else:
            known = self._uids[kind, meta["name"]]
            known.append(meta["uid"])
            self._names[meta["uid"]] = f"{kind} {meta['name']} {len(known)}"

    def _compared(self, body: Body) -> Body:
        meta = body["metadata"]
        before = self._versions.get(meta["uid"])
        self._versions[meta["uid"]] = meta["resourceVersion"]
        version = "as before" if before == meta["resourceVersion"] else "new"
        kept = {key: value for key, value in meta.items() if key not in SERVER_MADE}
        compared = {
            **body,
            "metadata": _marked(kept, AS_A_MARK) | {"resourceVersion": version},
        }
        if "status" in body:
            status = _marked(body["status"], JOB_TIMES)
            if conditions := status.get("conditions"):
                status["conditions"] = [_marked(one, CONDITION_TIMES) for one in conditions]
            compared["status"] = status
        return compared

    def _renamed(self, body: Body) -> Body:
        text = json.dumps(body)
        # One may be the beginning of another.
        for own in sorted(self._names, key=len, reverse=True):
            text = text.replace(own, self._names[own])
        renamed: Body = json.loads(text)
        return renamed


def _marked(fields: Body, times: Container[str]) -> Body:
    """Return fields with only a mark in the place of each time."""
    return {key: "there" if value and key in times else value for key, value in fields.items()}
