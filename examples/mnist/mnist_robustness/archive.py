"""Adversarial images as one file that can travel from the attack's run to another job.

The images are kept as arrays, not pictures: eight bits a pixel would round a perturbation of 0.01
to 0.012, and the model would be shown another attack than the one that was measured.
"""

import tarfile
import tempfile
from pathlib import Path

from mnist_robustness.data import Dataset, load_arrays, save_arrays

_FAST = 1


def pack(dataset: Dataset, tar: Path, folder: str) -> None:
    """Write the data set's arrays into a new ``.tar.gz``, in a folder of this name."""
    with tempfile.TemporaryDirectory() as scratch:
        save_arrays(dataset, Path(scratch))
        with tarfile.open(tar, "w:gz", compresslevel=_FAST) as archive:
            archive.add(scratch, arcname=folder)


def unpack(tar: Path, folder: str) -> Dataset:
    """Read what :func:`pack` has written.

    Raises:
        FileNotFoundError: the archive has no such folder with arrays in it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(tar) as archive:
            archive.extractall(scratch, filter="data")
        return load_arrays(Path(scratch, folder))
