"""A picture of an attack, for people: some images above what became of them."""

import numpy as np
from PIL import Image

from alidade_worker.images import Pixels

_COLUMNS = 20
_MAGNIFICATION = 2


def contact_sheet(clean: Pixels, adversarial: Pixels) -> Image.Image:
    """Return the first 20 images in one row, their adversarial versions in a second."""
    rows = [np.concatenate(list(images[:_COLUMNS]), axis=1) for images in (clean, adversarial)]
    pixels = np.rint(np.concatenate(rows) * 255).astype(np.uint8)
    sheet = Image.fromarray(pixels.squeeze(axis=2) if pixels.shape[2] == 1 else pixels)
    return sheet.resize((sheet.width * _MAGNIFICATION, sheet.height * _MAGNIFICATION))
