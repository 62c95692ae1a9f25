import pytest
from pydantic import ValidationError

from alidade_operator.decide.image import Image
from alidade_operator.ops.settings import Settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("ALIDADE_TRACKING_URI", "http://mlflow:5000")
    return monkeypatch


@pytest.mark.parametrize(
    ("text", "served"),
    [("", ()), ("lab", ("lab",)), ("lab, other,", ("lab", "other")), (" ", ())],
)
def test_namespaces_are_listed_with_commas(
    environment: pytest.MonkeyPatch, text: str, served: tuple[str, ...]
) -> None:
    environment.setenv("ALIDADE_NAMESPACES", text)
    assert Settings().served() == served


def test_domains_that_stay_on_a_job_are_listed_with_commas(
    environment: pytest.MonkeyPatch,
) -> None:
    assert Settings().unpropagated() == ()
    environment.setenv("ALIDADE_UNPROPAGATED_METADATA", "argoproj.io, example.org,")
    assert Settings().unpropagated() == ("argoproj.io", "example.org")


def test_jobs_have_an_image_of_their_own_unless_the_operator_has_one(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ALIDADE_WORKER_PULL_SECRETS", "login, other")
    assert Settings().default_image() is None
    environment.setenv("ALIDADE_WORKER_IMAGE", "localhost/worker:1")
    assert Settings().default_image() == Image("localhost/worker:1", ("login", "other"))


def test_pods_reach_mlflow_as_the_operator_does_unless_told_otherwise(
    environment: pytest.MonkeyPatch,
) -> None:
    assert Settings().for_jobs() == "http://mlflow:5000"
    environment.setenv("ALIDADE_JOB_TRACKING_URI", "http://mlflow.tracking:80")
    assert Settings().for_jobs() == "http://mlflow.tracking:80"


def test_the_operator_does_not_run_without_mlflow(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("ALIDADE_TRACKING_URI")
    with pytest.raises(ValidationError, match="tracking_uri"):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("WORKERS", "0"), ("HTTP_PORT", "70000"), ("LOG_LEVEL", "loud"), ("RESYNC_SECONDS", "0")],
)
def test_a_wrong_setting_is_refused_by_name(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(f"ALIDADE_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()
