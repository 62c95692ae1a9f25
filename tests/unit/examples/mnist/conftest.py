"""Real handwritten digits, 8 x 8, that scikit-learn brings along, in the layouts on disk."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from alidade_worker.images import Dataset
from mnist_robustness.data import Split

_STEM: dict[Split, str] = {"training": "train", "testing": "t10k"}
_TESTING = 519


def _digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
    return pixels, labels.astype(np.uint8)


def _write_idx(path: Path, values: NDArray[np.uint8], *, compress: bool = False) -> None:
    header = bytes((0, 0, 8, values.ndim)) + np.array(values.shape, dtype=">u4").tobytes()
    content = header + values.tobytes()
    if compress:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
    else:
        path.write_bytes(content)


def write_idx_split(
    folder: Path,
    split: Split,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    *,
    compress: bool = False,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = _STEM[split]
    _write_idx(folder / f"{stem}-images-idx3-ubyte", pixels, compress=compress)
    _write_idx(folder / f"{stem}-labels-idx1-ubyte", labels, compress=compress)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory: 1,278 images to train on, 519 to test on, neither a multiple of 32."""
    folder = tmp_path_factory.mktemp("digits")
    pixels, labels = _digits()
    write_idx_split(folder, "training", pixels[_TESTING:], labels[_TESTING:])
    write_idx_split(folder, "testing", pixels[:_TESTING], labels[:_TESTING])
    return folder


@pytest.fixture(scope="session", params=["idx", "idx.gz", "folders", "arrays"])
def layout(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Dataset]:
    """One sample of 50 images, ordered by label, in each layout, with what is to be read."""
    folder = tmp_path_factory.mktemp("layout")
    pixels, labels = (values[:50] for values in _digits())
    order = np.argsort(labels, kind="stable")
    pixels, labels = pixels[order], labels[order]
    expected = Dataset(
        images=(pixels[..., np.newaxis] / 255).astype(np.float32), labels=labels.astype(np.int64)
    )
    match request.param:
        case "folders":
            for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
                (folder / "testing" / str(label)).mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(folder / "testing" / str(label) / f"{number:03}.png")
        case "arrays":
            (folder / "testing").mkdir()
            np.save(folder / "testing" / "images.npy", expected.images)
            np.save(folder / "testing" / "labels.npy", expected.labels)
        case format_:
            write_idx_split(folder, "testing", pixels, labels, compress=format_.endswith(".gz"))
    return folder, expected
