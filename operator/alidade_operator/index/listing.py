"""Making the cache what a full list says, which may have been overtaken by a watch meanwhile."""

from collections.abc import Iterator

from alidade_operator.index.cache import Cache
from alidade_operator.index.graph import Key
from alidade_operator.kube.gateway import Body, Kind


class Listing:
    """A list of all objects of a kind, begun before it is asked for.

    A list is of a moment after the request for it. What was known before and has not changed
    since is therefore what the list says, even if that is an older version, or of an object that
    was gone: the store was restored from a backup. What has changed since is newer than the list.

    Args:
        cache: What is known.
        kind: What is listed.
        namespace: Where, None for everywhere.

    Attributes:
        turned_back: Whether the store has gone back. Versions are then used a second time, so that
            not even what has the same one is the same.
    """

    def __init__(self, cache: Cache, kind: Kind, namespace: str | None) -> None:
        self._cache = cache
        self._kind = kind
        self._before = {
            key: (uid, version)
            for key, uid, version in cache.known(kind)
            if namespace in (None, key[0])
        }
        self._drops = cache.drops
        self._listed: set[str] = set()
        self.turned_back = False

    def put(self, body: Body) -> None:
        """Take in an object of the list.

        Raises:
            ValueError: It cannot be read; that it is there is taken note of all the same.
        """
        metadata = body["metadata"]
        key, uid = (metadata["namespace"], metadata["name"]), metadata["uid"]
        self._listed.add(uid)
        if self._cache.revive(uid, self._drops):
            self.turned_back = True
        known = self._cache.version(self._kind, key)
        unchanged = known is not None and known == self._before.get(key)
        ahead = known[1] - int(metadata["resourceVersion"]) if unchanged and known else -1
        if ahead > 0 or (ahead == 0 and self.turned_back):
            self._cache.undo(self._kind, key)
            self.turned_back = True
        self._cache.put(self._kind, body)

    def missing(self) -> Iterator[tuple[Key, str]]:
        """Yield what was known before and is not in the list: key and UID."""
        for key, (uid, version) in self._before.items():
            if uid not in self._listed and self._cache.version(self._kind, key) == (uid, version):
                yield key, uid
