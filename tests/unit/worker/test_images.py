from pathlib import Path

import numpy as np
import pytest

from alidade_worker.images import Dataset, pack, unpack


def test_an_archive_gives_back_every_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.random((7, 8, 8, 1), dtype=np.float32)
    pack(Dataset(images=images, labels=np.arange(7)), tmp_path / "a.tar.gz", "adv_testing")
    back = unpack(tmp_path / "a.tar.gz", "adv_testing")
    np.testing.assert_array_equal(back.images, images)
    np.testing.assert_array_equal(back.labels, np.arange(7))
    with pytest.raises(FileNotFoundError):
        unpack(tmp_path / "a.tar.gz", "elsewhere")
