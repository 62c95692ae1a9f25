from typing import Any

import pytest

from alidade_core.api.base import Condition
from alidade_operator.decide.answers import Registered
from alidade_operator.decide.sums.registration import (
    Registrant,
    others,
    readiness,
    registered_as,
    registration,
)
from tests.support.builders import NAMESPACE, NOW, experiment

HERE = "uid-alidade"
OURS = Registrant(HERE, NAMESPACE, "mnist")


def ready(found: Registered | None, reason: str = "", message: str = "", **of: Any) -> Any:
    told = Condition(
        type="Ready", status="True", reason=reason, message=message, last_transition_time=NOW
    )
    status = {"conditions": [told.dump()]} if reason else {}
    return readiness(experiment(status=status, **of), HERE, found, None, away=False)


def test_by_default_namespaces_are_apart_and_a_field_says_otherwise() -> None:
    assert registration(experiment(), HERE).name == f"{NAMESPACE}/mnist"
    assert registration(experiment(mlflowExperiment="mnist"), HERE).name == "mnist"


def test_only_an_id_without_a_name_beside_it_is_of_before_names() -> None:
    assert registration(experiment(), HERE).adopted_name == "mnist"
    assert registration(experiment(registered=None), HERE).adopted_name is None
    named = experiment(status={"mlflowExperiment": "lab/mnist"})
    assert registration(named, HERE).adopted_name is None
    assert registration(named, HERE).known_id == "7"


def test_an_experiment_has_what_was_found_or_what_its_status_says() -> None:
    assert registered_as(experiment(), None) == ("7", None)
    assert registered_as(experiment(), Registered("8", "lab/mnist")) == ("8", "lab/mnist")
    assert registered_as(experiment(tracking="None"), Registered("8", "x")) == (None, None)


@pytest.mark.parametrize(
    ("registered", "reason", "message"),
    [
        (Registered("7", "lab/mnist"), "Registered", "MLflow experiment 7, 'lab/mnist'"),
        (
            Registered("7", "mnist"),
            "Registered",
            "MLflow experiment 7, 'mnist'; it keeps that one, though its name would be "
            "'lab/mnist' now",
        ),
        (
            Registered("7", "lab/mnist", ("lib/mnist", "lab/mnist of another cluster")),
            "Registered",
            "MLflow experiment 7, 'lab/mnist'; 'lib/mnist', 'lab/mnist of another cluster' record "
            "runs in it as well",
        ),
        (
            Registered("7", "lab/mnist", instead_of="3"),
            "RegisteredAgain",
            "MLflow experiment 7, 'lab/mnist'; experiment 3, which it had before, is not there any "
            "more, or is another's: the tracking server is another one, or has lost its database",
        ),
    ],
)
def test_what_there_is_to_know_is_told(registered: Registered, reason: str, message: str) -> None:
    assert ready(registered) == (True, reason, message)


def test_that_it_was_registered_again_stays_told() -> None:
    found = Registered("7", "lab/mnist")
    assert ready(found, "RegisteredAgain", "as it was") == (True, "RegisteredAgain", "as it was")
    assert ready(found, "TrackingUnavailable", "away")[1] == "Registered"


def test_until_mlflow_was_asked_what_is_told_stays() -> None:
    assert ready(None, "Registered", "as it was") == (True, "Registered", "as it was")
    assert ready(None) == (True, "Registered", "MLflow experiment 7")
    assert ready(None, registered=None)[:2] == (False, "Registering")


def test_tags_tell_who_else_has_an_experiment() -> None:
    tags = {
        OURS.tag: "true",
        OURS._replace(namespace="lib").tag: "",
        OURS._replace(installation="elsewhere").tag: "x",
        "alidade.dev/experiment": "",
        "alidade.dev/experiment/a/b": "",
        "alidade.dev/experiment/a/b/c/d": "",
        "mlflow.note.content": "",
    }
    assert others(OURS, tags) == (f"{NAMESPACE}/mnist of another cluster", "lib/mnist")
    assert others(OURS, {Registrant("", "a", "b").tag: ""}) == ("a/b of another cluster",)
