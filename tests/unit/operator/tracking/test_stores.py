import pytest

from alidade_operator.tracking.stores import Stores


@pytest.mark.parametrize(
    ("place", "lacking"),
    [
        ("mlflow-artifacts:/1", None),
        ("file:///tmp", None),
        ("sftp://user@host/results", "lacks the Python library pysftp"),
        ("wasbs://c@a.blob.core.windows.net/x", "lacks the Python library azure.storage.blob"),
        ("moon://crater", "MLflow cannot use it"),
    ],
)
def test_what_a_place_needs(place: str, lacking: str | None) -> None:
    told = Stores().lacking(place)
    assert told is None if lacking is None else lacking in (told or "")
