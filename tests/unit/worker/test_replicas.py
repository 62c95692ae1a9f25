import json

import pytest

from alidade_worker.replicas import is_chief, size

TWO = ["train-0.train:2222", "train-1.train:2222"]


def tf_config(kind: str, index: int, **cluster: list[str]) -> dict[str, str]:
    task = {"type": kind, "index": index}
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


@pytest.mark.parametrize(
    ("environment", "replicas", "chief"),
    [
        ({}, 1, True),
        ({"TF_CONFIG": ""}, 1, True),
        ({"TF_CONFIG": "{}"}, 1, True),
        (tf_config("worker", 0, worker=TWO[:1]), 1, True),
        (tf_config("worker", 0, worker=TWO), 2, True),
        (tf_config("worker", 1, worker=TWO), 2, False),
        (tf_config("chief", 0, chief=TWO[:1], worker=TWO[1:]), 2, True),
        (tf_config("worker", 0, chief=TWO[:1], worker=TWO[1:]), 2, False),
    ],
)
def test_a_process_knows_of_how_many_it_is_one_and_whether_it_is_the_chief(
    environment: dict[str, str], replicas: int, chief: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (size(environment), is_chief(environment)) == (replicas, chief)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (size(), is_chief()) == (replicas, chief)
