import pytest
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

from alidade_operator.tracking.artifacts import served_at


@pytest.mark.parametrize("server", ["http://mlflow:5000", "https://a.example/mlflow/"])
@pytest.mark.parametrize(
    "place",
    [
        "mlflow-artifacts:/1/r/artifacts",
        "mlflow-artifacts:1/r",
        "mlflow-artifacts://other:80/1/r/artifacts",
    ],
)
def test_what_the_tracking_server_serves_is_where_mlflow_looks_for_it(
    server: str, place: str
) -> None:
    assert served_at(server, place) == MlflowArtifactsRepository.resolve_uri(place, server)


@pytest.mark.parametrize("place", ["s3://bucket/1", "file:///results", "/results", ""])
def test_what_is_in_a_store_no_server_takes(place: str) -> None:
    assert served_at("http://mlflow:5000", place) is None


def test_artifacts_may_be_at_a_server_of_their_own() -> None:
    assert served_at("http://mlflow:5000", "https://files.example/a") == "https://files.example/a"
