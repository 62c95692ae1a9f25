"""What the images have, by the locks that they are built from."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).resolve().parents[3] / "requirements"


@pytest.mark.parametrize("image", ["operator", "mlflow", "worker", "worker-gpu"])
def test_every_image_that_reads_or_writes_artifacts_has_the_client_of_s3(image: str) -> None:
    locked = re.findall(r"^([a-z0-9-]+)==", (REQUIREMENTS / f"{image}.txt").read_text(), re.M)
    assert "boto3" in locked
