"""What a user's kubectl does with the pods of a job that runs."""

import pytest

from tests.support.cluster import Cluster
from tests.support.manifests import experiment, job, queue, shell


@pytest.fixture
def talker(cluster: Cluster) -> Cluster:
    """A namespace with a job that runs on and on."""
    cluster.apply(
        queue(),
        experiment(tracking="None"),
        job("talker", podTemplate=shell("echo hello from $ALIDADE_JOB; sleep 600")),
    )
    cluster.wait_for("talker", state="Started")
    return cluster


def test_logs_and_exec_reach_into_a_job(talker: Cluster) -> None:
    talker.until_logged("job/talker", "hello from talker")
    inside = talker.kubectl("exec", "job/talker", "--", "id", "--user")
    assert inside.strip() == "65532"


def test_a_pod_of_a_job_has_no_token_of_the_cluster(talker: Cluster) -> None:
    said = talker.kubectl(
        "exec", "job/talker", "--", "ls", "/var/run/secrets/kubernetes.io", check=False
    )
    assert "No such file" in said
