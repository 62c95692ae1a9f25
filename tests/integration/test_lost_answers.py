"""MLflow does what it is asked, and the answer does not arrive."""

from tests.integration.conftest import NewOperator
from tests.integration.scene import Scene
from tests.support.manifests import job
from tests.support.proxy import LossyProxy
from tests.support.tracking import TrackingServer


def test_a_run_whose_creation_was_never_confirmed_is_not_created_again(
    new_operator: NewOperator, scene: Scene, tracking: TrackingServer
) -> None:
    with (
        LossyProxy(tracking.uri, "/runs/create", losses=2) as proxy,
        new_operator(tracking_uri=proxy.uri),
    ):
        scene.apply(job("a"), job("b"))
        scene.until_states({"a": "Finished", "b": "Finished"})
        assert proxy.left == 0
        for name in "ab":
            scene.until_tracked(name)
            assert scene.run(name).info.run_id == scene.status(name)["mlflowRunId"]
            assert scene.run(name).info.status == "FINISHED"
