"""Words of the API that are documented where they stand."""

from enum import StrEnum
from typing import Self


class DocumentedWord(StrEnum):
    """A word that is put into objects, with a sentence that tells what it means.

    Attributes:
        meaning: That sentence, in Markdown; the API reference is made of it.
    """

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Self:
        """Make a member of its word and its sentence."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member
