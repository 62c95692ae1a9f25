"""Datasets of a job as one writes them in a line: ``NAME=claim:CLAIM`` and the like."""

import re
from collections.abc import Iterable
from typing import Final

from alidade.errors import ManifestError
from alidade_core.api.dataset import Dataset

FORMS: Final = ("claim", "artifact", "path")
"""What a dataset may be."""

# As pip has it in addresses.
_DIGEST: Final = "#sha256="
_WRITTEN: Final = re.compile(rf"(?P<name>[^=]+)=(?P<form>{'|'.join(FORMS)}):(?P<place>.+)")


def datasets_of(given: Iterable[Dataset | str]) -> tuple[Dataset, ...]:
    """Return datasets, those that are written in a line read.

    Raises:
        ManifestError: One of them is none.
    """
    return tuple(_read(each) if isinstance(each, str) else each for each in given)


def _read(text: str) -> Dataset:
    place, digest, sha256 = text.rpartition(_DIGEST)
    found = _WRITTEN.fullmatch(place if digest else text)
    if not found:
        raise ManifestError(
            f"dataset {text}: has to be NAME=claim:CLAIM, NAME=artifact:URI{_DIGEST}DIGEST or "
            f"NAME=path:/DIRECTORY; {_DIGEST}DIGEST may follow any of them"
        )
    if found["form"] == "artifact" and not digest:
        raise ManifestError(
            f"dataset {text}: {_DIGEST}DIGEST has to follow, of the artifact's file"
        )
    fields = {"name": found["name"], found["form"]: found["place"]}
    return Dataset.model_validate(fields | ({"sha256": sha256} if digest else {}))
