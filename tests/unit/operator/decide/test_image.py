from typing import Any

import pytest

from alidade_operator.decide.actions import CreateBatchJob
from alidade_operator.decide.admitted import Admitted
from alidade_operator.decide.image import Image, choose
from alidade_operator.decide.plan import plan
from tests.support.builders import experiment, job, snapshot
from tests.support.plans import RUN, S, where

DEFAULT = Image("localhost/alidade-worker:dev", ("login", "other"))


@pytest.mark.parametrize(
    ("own", "shared", "image"),
    [
        ("own:1", "shared:1", Image("own:1")),
        (None, "shared:1", Image("shared:1")),
        ("own:1", None, Image("own:1")),
        (None, None, DEFAULT),
    ],
)
def test_a_jobs_own_image_comes_first_then_its_experiments_then_the_installations(
    own: str | None, shared: str | None, image: Image
) -> None:
    of = job(**({"image": own} if own else {}))
    for workflow in ({"image": shared}, {"image": shared, "path": "/code"}):
        assert choose(of, experiment(workflow=workflow), DEFAULT) == image


def test_an_experiment_needs_no_workflow() -> None:
    assert choose(job(), experiment(workflow=None), DEFAULT) == DEFAULT
    assert choose(job(), experiment(workflow=None), None) is None


def pod(**fields: Any) -> dict[str, Any]:
    decided = plan(snapshot(run=RUN, place=Admitted(), default_image=DEFAULT, **fields))
    (create,) = decided.actions
    assert isinstance(create, CreateBatchJob)
    found: dict[str, Any] = create.manifest["spec"]["template"]["spec"]
    return found


def test_the_default_image_is_pulled_with_the_installations_secrets_and_the_jobs_own() -> None:
    template = {"spec": {"imagePullSecrets": [{"name": "own"}, {"name": "login"}]}}
    found = pod(of=job(podTemplate=template), experiment=experiment(workflow=None))
    assert found["containers"][0]["image"] == DEFAULT.reference
    assert found["imagePullSecrets"] == [{"name": "login"}, {"name": "other"}, {"name": "own"}]


def test_any_other_image_is_pulled_as_its_owner_says() -> None:
    assert "imagePullSecrets" not in pod(of=job())


def test_without_any_image_a_job_waits_and_all_that_could_name_one_are_named() -> None:
    decided = plan(snapshot(job(), experiment=experiment(workflow={"path": "/code"})))
    assert where(decided) == (S.WAITING, "ImageNotSet")
    assert decided.status.message == (
        "neither spec.image nor the experiment's spec.workflow.image names an image, and the "
        "operator has no default (the chart's images.worker)"
    )
