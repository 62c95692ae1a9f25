"""Labelled images in memory, and the three layouts on disk from which they are read."""

import gzip
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from alidade_worker.images import ARRAY_FILES, Dataset, Pixels, load_arrays

Split = Literal["training", "testing"]
ImageSize = tuple[int, int, int]
"""Height, width and channels (1 or 3)."""

_IDX_STEM: dict[Split, str] = {"training": "train", "testing": "t10k"}
_IDX_UNSIGNED_BYTE = 0x08
_PIL_MODE = {1: "L", 3: "RGB"}


def load_split(data_dir: Path, split: Split, image_size: ImageSize) -> Dataset:
    """Read one split of a data set from whichever layout the directory has.

    - ``{training,testing}/<label>/*.png``: a folder a class, classes numbered in the order of their
      names, images in the order of theirs whatever their class, so that files which are named by
      their number give what they were made of. 60,000 files take seconds to read, and one file
      holding them all does not:
    - ``{train,t10k}-{images-idx3,labels-idx1}-ubyte``, plain or with ``.gz``: the IDX files that
      MNIST and Fashion-MNIST are published in;
    - ``{training,testing}/images.npy`` and ``labels.npy``: the arrays of a :class:`Dataset`, see
      :func:`alidade_worker.images.save_arrays`.

    Raises:
        FileNotFoundError: the directory has none of these for the split.
        ValueError: the images are not of ``image_size``, or a file is not what its name says.
    """
    folder = data_dir / split
    if (folder / ARRAY_FILES[0]).exists():
        dataset = load_arrays(folder)
    elif _idx_file(data_dir, split, "images-idx3") is not None:
        dataset = _load_idx(data_dir, split)
    elif folder.is_dir():
        dataset = _load_folders(folder, channels=image_size[2])
    else:
        raise FileNotFoundError(f"{data_dir} has no {split} images in any known layout")
    if dataset.images.shape[1:] != image_size:
        raise ValueError(f"the {split} images are {dataset.images.shape[1:]}, not {image_size}")
    return dataset


def save_folders(dataset: Dataset, folder: Path) -> None:
    """Write a data set as ``<label>/<number>.png``, each image rounded to eight bits a pixel."""
    digits = len(str(len(dataset)))
    for label in np.unique(dataset.labels):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
    pixels = np.rint(dataset.images * 255).astype(np.uint8)
    for number, (image, label) in enumerate(zip(pixels, dataset.labels, strict=True)):
        Image.fromarray(image.squeeze()).save(folder / str(label) / f"{number:0{digits}}.png")


def _idx_file(data_dir: Path, split: Split, part: str) -> Path | None:
    plain = data_dir / f"{_IDX_STEM[split]}-{part}-ubyte"
    candidates = (plain, plain.with_name(plain.name + ".gz"))
    return next((path for path in candidates if path.exists()), None)


def _load_idx(data_dir: Path, split: Split) -> Dataset:
    images, labels = (
        _read_idx(_idx_file(data_dir, split, part), dimensions)
        for part, dimensions in (("images-idx3", 3), ("labels-idx1", 1))
    )
    return Dataset(images=_scaled(images[..., np.newaxis]), labels=labels.astype(np.int64))


def _read_idx(path: Path | None, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes: two zeros, type, number of dimensions, their sizes, values."""
    if path is None:
        raise FileNotFoundError("IDX images without their labels")
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if content[:4] != bytes((0, 0, _IDX_UNSIGNED_BYTE, dimensions)):
        raise ValueError(f"{path} is not an IDX file of bytes with {dimensions} dimensions")
    shape = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4)
    values = np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * dimensions)
    return values.reshape(tuple(int(size) for size in shape))


def _load_folders(folder: Path, channels: int) -> Dataset:
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    files = sorted(
        ((file, label) for label, path in enumerate(classes) for file in path.glob("*.png")),
        key=lambda found: (found[0].name, found[1]),
    )
    if not files:
        raise FileNotFoundError(f"{folder} has no <label>/*.png")
    images = np.stack([_read_image(file, channels) for file, _ in files])
    return Dataset(images=_scaled(images), labels=np.array([label for _, label in files]))


def _read_image(file: Path, channels: int) -> NDArray[np.uint8]:
    with Image.open(file) as image:
        pixels = np.asarray(image.convert(_PIL_MODE[channels]), dtype=np.uint8)
    return pixels.reshape(*pixels.shape[:2], channels)


def _scaled(pixels: NDArray[Any]) -> Pixels:
    return pixels.astype(np.float32) / np.float32(255)
