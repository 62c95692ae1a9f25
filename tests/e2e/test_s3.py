"""An experiment whose artifacts are in S3: pods and operator go there by themselves."""

from tests.support.cluster import Cluster
from tests.support.command_line import CommandLine
from tests.support.manifests import experiment, job, queue, shell

SMALL = {"requests": {"cpu": "50m", "memory": "256Mi"}}
WRITES = 'python -c \'import mlflow; mlflow.start_run(); mlflow.log_text("x", "x.txt")\''
NOBODY = "http://127.0.0.1:9"
ENVIRONMENT = {
    "MLFLOW_S3_ENDPOINT_URL": NOBODY,
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_MAX_ATTEMPTS": "1",
}


def test_what_is_told_of_a_store_that_does_not_answer_is_that(
    cluster: Cluster, command_line: CommandLine
) -> None:
    variables = [{"name": name, "value": value} for name, value in ENVIRONMENT.items()]
    cluster.apply(
        queue(resources=SMALL),
        experiment(artifactLocation=f"s3://nobody/{cluster.namespace}"),
        job("writes", podTemplate=shell(WRITES, env=variables)),
    )
    (status,) = cluster.wait_for_ends().values()
    assert status["state"] == "Failed"
    assert f'Could not connect to the endpoint URL: "{NOBODY}/nobody/' in status["message"]
    code, said = command_line("why", "writes", "-n", cluster.namespace)
    assert (code, f"{NOBODY}/nobody/" in said.partition("last lines:\n")[2]) == (0, True)
