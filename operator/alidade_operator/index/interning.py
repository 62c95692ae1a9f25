"""Less memory for what is kept of each object.

A model notes in a set of its own which of its fields were set, and the sets of a job that waits are
as large as all the rest of it. Nearly all jobs have the same ones, and nobody changes them, as
models are frozen: one of each is kept.
"""

from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)


class Interning:
    """Keeps once what many models have."""

    def __init__(self) -> None:
        self._sets: dict[frozenset[str], set[str]] = {}

    def share(self, model: M) -> M:
        """Have a frozen model, and all that are part of it, share what others have as well."""
        names = model.model_fields_set
        shared = self._sets.setdefault(frozenset(names), names)
        object.__setattr__(model, "__pydantic_fields_set__", shared)
        for value in model.__dict__.values():
            self._share_in(value)
        return model

    def _share_in(self, value: Any) -> None:
        if isinstance(value, BaseModel):
            self.share(value)
        elif isinstance(value, tuple):
            for item in value:
                self._share_in(item)
