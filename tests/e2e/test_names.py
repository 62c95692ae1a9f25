"""Names with dots lead to what they name."""

from tests.support.cluster import Cluster
from tests.support.manifests import experiment, job, queue, shell

SMALL = {"requests": {"cpu": "50m", "memory": "32Mi"}}


def test_names_with_dots_can_be_referred_to(cluster: Cluster) -> None:
    value = {"job": "fgm-eps-0.3", "output": "eps"}
    writes = 'printf \'{"eps":"0.3"}\' >/dev/termination-log'
    finds = 'case "$ALIDADE_PARAMETERS" in *\'"0.3"\'*) ;; *) exit 1 ;; esac'
    cluster.apply(
        queue("cpu.small", resources=SMALL),
        experiment("resnet-1.5", queue="cpu.small"),
        job("fgm-eps-0.3", experiment="resnet-1.5", podTemplate=shell(writes)),
        job(
            "infer-eps-0.3",
            "fgm-eps-0.3",
            experiment="resnet-1.5",
            parameters=[{"name": "eps", "valueFrom": value}],
            podTemplate=shell(finds),
        ),
    )
    ends = cluster.wait_for_ends()
    assert {name: status["state"] for name, status in ends.items()} == {
        "fgm-eps-0.3": "Finished",
        "infer-eps-0.3": "Finished",
    }
