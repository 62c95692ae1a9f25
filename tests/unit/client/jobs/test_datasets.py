"""Datasets as one writes them in a line."""

import pytest

from alidade.errors import ManifestError
from alidade.jobs.datasets import datasets_of
from alidade_core.api.dataset import Dataset
from tests.support.workflow_sources import SHA256


@pytest.mark.parametrize(
    ("text", "dataset"),
    [
        ("images=claim:imagenet-2012", Dataset(name="images", claim="imagenet-2012")),
        (
            f"images=claim:imagenet#sha256={SHA256}",
            Dataset(name="images", claim="imagenet", sha256=SHA256),
        ),
        (
            f"d=artifact:https://example.org/a=b?c#d#sha256={SHA256}",
            Dataset(name="d", artifact="https://example.org/a=b?c#d", sha256=SHA256),
        ),
        ("d=path:/usr/share/a:b", Dataset(name="d", path="/usr/share/a:b")),
    ],
)
def test_each_form_is_read(text: str, dataset: Dataset) -> None:
    assert datasets_of([text, dataset]) == (dataset, dataset)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("images", "dataset images: has to be NAME=claim:CLAIM, NAME=artifact:URI#sha256=DIGEST"),
        ("=claim:x", "has to be NAME=claim:CLAIM"),
        ("d=claim:", "has to be NAME=claim:CLAIM"),
        ("d=s3://bucket/key", "has to be NAME=claim:CLAIM"),
        ("d=artifact:s3://b/k", "dataset d=artifact:s3://b/k: #sha256=DIGEST has to follow"),
    ],
)
def test_what_is_none_is_told_with_what_would_be_one(text: str, said: str) -> None:
    with pytest.raises(ManifestError) as caught:
        datasets_of([text])
    assert said in str(caught.value)
