"""Labelled images in memory, and as one file that can travel from an attack's run to another job.

They are kept as arrays, not pictures: eight bits a pixel would round a perturbation of 0.01 to
0.012, and a model would be shown another attack than the one that was measured.
"""

import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
Labels = NDArray[np.int64]

ARRAY_FILES = ("images.npy", "labels.npy")
"""Names of the files that hold a :class:`Dataset` as arrays."""

_FAST = 1


@dataclass(frozen=True)
class Dataset:
    """Images with their labels."""

    images: Pixels
    """Shape (number, height, width, channels), each value in [0, 1]."""
    labels: Labels
    """Shape (number,), indices of classes."""

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


def save_arrays(dataset: Dataset, folder: Path) -> None:
    """Write a data set as two NumPy files, exact to the last bit, into a new or empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: tuple[NDArray[Any], ...] = (dataset.images, dataset.labels)
    for name, values in zip(ARRAY_FILES, arrays, strict=True):
        np.save(folder / name, values)


def load_arrays(folder: Path) -> Dataset:
    """Read what :func:`save_arrays` has written."""
    images, labels = (np.load(folder / name, allow_pickle=False) for name in ARRAY_FILES)
    return Dataset(images=images, labels=labels)


def pack(dataset: Dataset, tar: Path, folder: str) -> None:
    """Write the data set's arrays into a new ``.tar.gz``, in a folder of this name."""
    with tempfile.TemporaryDirectory() as scratch:
        save_arrays(dataset, Path(scratch))
        with tarfile.open(tar, "w:gz", compresslevel=_FAST) as archive:
            archive.add(scratch, arcname=folder)


def unpack(tar: Path, folder: str) -> Dataset:
    """Read what :func:`pack` has written.

    Only the two files that it wrote are taken out of the archive, whatever else may be in it.

    Raises:
        FileNotFoundError: the archive has no such folder with arrays in it.
    """
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(tar) as archive:
        for name in ARRAY_FILES:
            try:
                source = archive.extractfile(f"{folder}/{name}")
            except KeyError as error:
                raise FileNotFoundError(f"{tar} has no {folder}/{name}") from error
            if source is None:
                raise FileNotFoundError(f"{folder}/{name} in {tar} is no file")
            with source, Path(scratch, name).open("wb") as target:
                shutil.copyfileobj(source, target)
        return load_arrays(Path(scratch))
