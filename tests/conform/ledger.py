"""What one side has answered so far, and how its answers are made comparable with the other's."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from alidade_operator.kube.gateway import Body, Kind
from tests.conform.exceptions import AS_A_MARK, SERVER_MADE
from tests.conform.steps import Home, Much, Named, Uid, Version, Whose

_STRANGER = "00000000-0000-4000-8000-000000000000"


class _Sight(NamedTuple):
    uid: str
    version: str


class Ledger:
    """The identities that the server gave to the objects of a sequence.

    Args:
        tag: That of the sequence.
        home: Its namespace.
    """

    def __init__(self, tag: str, home: str) -> None:
        self._home = home
        self._tag = tag
        self._sights: defaultdict[tuple[Kind, str], list[_Sight]] = defaultdict(list)

    def meant(self, value: Any) -> Any:
        """Return an argument as this side's server has to be told it."""
        if isinstance(value, Mapping):
            return {key: self.meant(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.meant(item) for item in value]
        return self._stands_for(value)

    def _stands_for(self, value: Any) -> Any:
        told = value
        match value:
            case Named():
                told = value.within(self._tag)
            case Home():
                told = self._home
            case Uid(kind, name, whose):
                told = self._uid(kind, name.within(self._tag), whose)
            case Version(kind, name, whose):
                told = self._version(kind, name.within(self._tag), whose)
            case Much(text, times):
                told = text * times
        return told

    def note(self, kind: Kind, body: Body) -> Body:
        """Take note of an object that was answered; return what can be compared of it."""
        meta = body["metadata"]
        sights = self._sights[kind, meta["name"]]
        sight = _Sight(meta["uid"], meta["resourceVersion"])
        version = "new"
        if sight in sights:
            version = "as before" if sights[-1] == sight else "older"
        if version != "as before":
            sights.append(sight)
        kept = {
            key: "there" if key in AS_A_MARK else value
            for key, value in meta.items()
            if key not in SERVER_MADE
        }
        compared: Body = _renamed(
            {**body, "metadata": {**kept, "resourceVersion": version}}, self._names()
        )
        return compared

    def _uid(self, kind: Kind, name: str, whose: Whose) -> str:
        uids = list(dict.fromkeys(sight.uid for sight in self._sights[kind, name]))
        return _chosen(uids, whose, _STRANGER)

    def _version(self, kind: Kind, name: str, whose: Whose) -> str:
        versions = [sight.version for sight in self._sights[kind, name]]
        return _chosen(versions, whose, "1")

    def _names(self) -> dict[str, str]:
        return {
            uid: f"{'/'.join(kind)} {name} {number}"
            for (kind, name), sights in self._sights.items()
            for number, uid in enumerate(dict.fromkeys(sight.uid for sight in sights))
        }


def _chosen(known: list[str], whose: Whose, otherwise: str) -> str:
    match whose:
        case "now" if known:
            return known[-1]
        case "before" if len(known) > 1:
            return known[-2]
        case _:
            return otherwise


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items()}
    return value
