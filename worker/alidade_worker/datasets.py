"""A job's datasets: each at ``/data/NAME`` before the entry point, checked, and read-only."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from alidade_core.contract import DATASETS
from alidade_core.tree_digest import tree_digest
from alidade_worker.errors import UsageError
from alidade_worker.source.archive import unpack
from alidade_worker.source.fetch import fetch_file
from alidade_worker.source.limits import DATASET_LIMITS
from alidade_worker.source.means import Means
from alidade_worker.source.names import relative_path
from alidade_worker.source.problems import RefusedError
from alidade_worker.source.telling import telling
from alidade_worker.source.uri import shown

ARCHIVES = (
    *(".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"),
    ".zip",
)
"""Ends of the names of the artifacts that are unpacked; an .npz, a zip archive too, is data."""


@dataclass(frozen=True)
class Dataset:
    """One of a job's datasets; without address and path it is a claim's, which is mounted."""

    name: str
    uri: str = ""
    path: str = ""
    sha256: str = ""

    @property
    def title(self) -> str:
        """Return what it is called in a sentence."""
        place = shown(self.uri) if self.uri else self.path
        return f"Dataset {self.name}" + (f" ({place})" if place else "")


def read_datasets(environment: Mapping[str, str]) -> list[Dataset]:
    """Read a job's datasets from the environment that the operator gave the pod.

    Raises:
        UsageError: they are no JSON list of such objects.
    """
    text = environment.get(DATASETS) or "[]"
    try:
        return _read_all(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{DATASETS} is no JSON list of datasets: {error}.") from error


def provide_datasets(datasets: Iterable[Dataset], data: Path, means: Means) -> None:
    """Have each dataset in its place, with the digest that it is to have.

    Args:
        datasets: The job's.
        data: Where they are found, by their names.
        means: What they are fetched with.

    Raises:
        WorkflowError: one is not there, or is another than is meant.
        SourceUnavailableError: one cannot be reached.
    """
    for dataset in datasets:
        with telling(dataset.title, means.memory):
            place = data / dataset.name
            if dataset.uri:
                _fetch(dataset, place, means)
                continue
            if dataset.path:
                _link(Path(dataset.path), place)
            elif not place.is_dir():
                raise RefusedError(f"its claim is not mounted at {place}")
            if dataset.sha256:
                _compare(place, dataset.sha256)


def _read_all(found: object) -> list[Dataset]:
    if not isinstance(found, list):
        raise TypeError("it is none")
    return [_read(each) for each in found]


def _read(each: object) -> Dataset:
    if not isinstance(each, dict) or not all(isinstance(value, str) for value in each.values()):
        raise TypeError(f"{json.dumps(each)} is no object of strings")
    dataset = Dataset(**each)
    if PurePosixPath(dataset.name).parts != (dataset.name,) or dataset.name == "..":
        raise ValueError(f'"{dataset.name}" is no name')
    if dataset.uri and not dataset.sha256:
        raise ValueError(f"{dataset.name} has a uri and no sha256")
    return dataset


def _fetch(dataset: Dataset, place: Path, means: Means) -> None:
    if place.exists():
        raise RefusedError(f"something is at {place} already")
    address = unquote(urlsplit(dataset.uri).path)
    file_name = relative_path(PurePosixPath(address).name)
    # Beside its place, which is on a volume of its own: what is there is not copied once more.
    with TemporaryDirectory(dir=place.parent, prefix=".") as scratch:
        file, content = Path(scratch, "file"), Path(scratch, "content")
        fetch_file(dataset.uri, dataset.sha256, file, DATASET_LIMITS.archive, means)
        content.mkdir()
        if file_name.name.lower().endswith(ARCHIVES):
            unpack(file, content, DATASET_LIMITS)
        else:
            file.rename(content / file_name)
        content.rename(place)
    _make_read_only(place)


def _link(directory: Path, place: Path) -> None:
    if not directory.is_dir():
        raise RefusedError("the image has no such directory")
    place.symlink_to(directory)


def _compare(place: Path, sha256: str) -> None:
    try:
        found = tree_digest(place)
    except ValueError as error:
        raise RefusedError(f"it has no digest ({error})") from error
    if found != sha256:
        raise RefusedError(f"the sha256 of its files is {found}, not {sha256}")


def _make_read_only(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            _make_read_only(path)
        else:
            path.chmod(0o444)
    folder.chmod(0o555)
