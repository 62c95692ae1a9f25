"""What runs have measured."""

from collections.abc import AsyncIterator
from typing import Any

from alidade.results import Result, results


def run(job: str | None, run_id: str, namespace: str = "lab", **tags: str) -> dict[str, Any]:
    whose = {"alidade.dev/job": job, "alidade.dev/namespace": namespace} if job else {}
    return {
        "info": {"run_id": run_id, "status": "FINISHED"},
        "data": {
            "tags": [{"key": key, "value": value} for key, value in {**whose, **tags}.items()],
            "metrics": [{"key": "accuracy", "value": 0.5}],
            "params": [{"key": "eps", "value": "0.1"}],
        },
    }


async def test_they_are_those_of_the_namespaces_jobs_by_name() -> None:
    async def runs() -> AsyncIterator[dict[str, Any]]:
        yield run("train", "2")
        yield run("attack", "1")
        yield run("train", "3", namespace="elsewhere")
        yield run("train", "4", **{"alidade.dev/surplus-of": "2"})
        yield run(None, "5", **{"alidade.dev/kind": "workflow"})

    measured = ({"accuracy": 0.5}, {"eps": "0.1"})
    assert await results(runs(), "lab") == [
        Result("attack", "1", "FINISHED", *measured),
        Result("train", "2", "FINISHED", *measured),
    ]
