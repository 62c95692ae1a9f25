"""An S3 server of this machine, on loopback by default."""

import sys
from pathlib import Path
from typing import Any, Self

import boto3

from tests.support.loopback import LOCALHOST
from tests.support.process import Server, answers, free_port

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"}
REGION = "us-east-1"


class S3Server:
    """Moto's server, whose objects go with it.

    Args:
        folder: Where its log is.
        host: Address of this machine to listen at.
    """

    def __init__(self, folder: Path, host: str = LOCALHOST) -> None:
        port = free_port()
        self.url = f"http://{host}:{port}"
        self._server = Server(
            [sys.executable, "-m", "moto.server", "--host", host, "--port", str(port)],
            folder / "s3.log",
        )
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, without any bucket, and wait until it answers."""
        self._server.start()
        self._server.wait_until(lambda: answers(f"{self.url}/moto-api/"))

    def kill(self) -> None:
        """Kill it, as a crash would."""
        self._server.kill()

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which MLflow's client finds it, and does not wait for it by itself."""
        where = {"AWS_DEFAULT_REGION": REGION, "MLFLOW_S3_ENDPOINT_URL": self.url}
        return {**CREDENTIALS, **where, "AWS_MAX_ATTEMPTS": "1"}

    def objects(self, bucket: str) -> dict[str, str]:
        """Return all objects of a bucket, by their keys."""
        found = self.client.list_objects_v2(Bucket=bucket).get("Contents", ())
        bodies = {o["Key"]: self.client.get_object(Bucket=bucket, Key=o["Key"]) for o in found}
        return {key: body["Body"].read().decode() for key, body in bodies.items()}
