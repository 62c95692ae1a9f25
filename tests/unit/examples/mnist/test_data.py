from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alidade_worker.images import Dataset
from mnist_robustness.data import load_split, save_folders


def test_every_layout_holds_the_same_images(layout: tuple[Path, Dataset]) -> None:
    folder, expected = layout
    dataset = load_split(folder, "testing", (8, 8, 1))
    np.testing.assert_allclose(dataset.images, expected.images, rtol=1e-6)
    np.testing.assert_array_equal(dataset.labels, expected.labels)
    assert dataset.images.dtype == np.float32
    assert dataset.images.max() == 1.0


def test_folders_of_pictures_give_the_same_images_in_the_same_order(
    digits: Path, tmp_path: Path
) -> None:
    pixels = load_split(digits, "training", (8, 8, 1))
    save_folders(pixels, tmp_path / "training")
    pictured = load_split(tmp_path, "training", (8, 8, 1))
    np.testing.assert_array_equal(pictured.images, pixels.images)
    np.testing.assert_array_equal(pictured.labels, pixels.labels)


def test_images_of_another_size_are_refused(layout: tuple[Path, Dataset]) -> None:
    with pytest.raises(ValueError, match=r"testing images are \(8, 8, 1\), not \(28, 28, 1\)"):
        load_split(layout[0], "testing", (28, 28, 1))


def test_coloured_images_keep_their_channels(tmp_path: Path) -> None:
    folder = tmp_path / "training" / "a"
    folder.mkdir(parents=True)
    Image.new("RGB", (5, 4), (255, 0, 51)).save(folder / "x.png")
    images = load_split(tmp_path, "training", (4, 5, 3)).images
    np.testing.assert_allclose(images[0, 0, 0], [1.0, 0.0, 0.2])


def test_a_directory_without_images(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no testing images in any known layout"):
        load_split(tmp_path, "testing", (8, 8, 1))


def test_a_file_that_is_no_idx(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(
        (digits / "t10k-labels-idx1-ubyte").read_bytes()
    )
    with pytest.raises(ValueError, match="not an IDX file of bytes with 3 dimensions"):
        load_split(tmp_path, "testing", (8, 8, 1))
