"""Objects that are gone, of which late news do not bring any back."""

# A watch, a list and an answer overtake each other by less than this many deletions.
REMEMBERED = 10_000


class Gone:
    """UIDs of the last objects that have gone.

    Attributes:
        count: How many have gone so far.
    """

    def __init__(self) -> None:
        self._when: dict[str, int] = {}
        self.count = 0

    def __contains__(self, uid: str) -> bool:
        return uid in self._when

    def add(self, uid: str) -> None:
        """Take note that an object is gone."""
        self.count += 1
        self._when[uid] = self.count
        if len(self._when) > REMEMBERED:
            del self._when[next(iter(self._when))]

    def revive(self, uid: str, count: int) -> bool:
        """Believe again in an object that was gone when so many had: the store has gone back.

        Returns:
            Whether it was.
        """
        if self._when.get(uid, count + 1) > count:
            return False
        del self._when[uid]
        return True
