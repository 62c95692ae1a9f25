"""Adversarial images as one file that can travel from the attack's run to another job.

The images are kept as arrays, not pictures: eight bits a pixel would round a perturbation of 0.01
to 0.012, and the model would be shown another attack than the one that was measured.
"""

import shutil
import tarfile
import tempfile
from pathlib import Path

from mnist_robustness.data import ARRAY_FILES, Dataset, load_arrays, save_arrays

_FAST = 1


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
