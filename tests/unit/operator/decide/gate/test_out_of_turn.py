"""A batch/v1 Job that somebody let run before its turn."""

from typing import Any

import pytest

from alidade_operator.decide.actions import DeleteBatchJob
from alidade_operator.decide.plan import plan
from tests.support.builders import batch_job, complete, job, running_pod, snapshot
from tests.support.plans import DELETED, S, where


@pytest.mark.parametrize("status", [{}, complete()], ids=["runs", "ended"])
def test_it_goes_and_is_made_anew(status: dict[str, Any]) -> None:
    early = batch_job(suspend=False, annotations={}, status=status)
    decided = plan(snapshot(job(), batch_job=early, pods=(running_pod(),)))
    assert where(decided) == (S.WAITING, "OutOfTurn")
    assert DeleteBatchJob("uid-batch-train", "1", True) in decided.actions
    assert decided.status.start_time is None


def test_one_that_goes_already_is_waited_for() -> None:
    going = batch_job(suspend=False, annotations={}, meta=DELETED)
    decided = plan(snapshot(job(), batch_job=going))
    assert (where(decided), decided.actions) == ((S.WAITING, "OutOfTurn"), ())
