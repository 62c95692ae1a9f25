"""Code and data from everywhere that they may be: git, S3, HTTP, a claim, an artifact, the image.

The servers run on this machine; pods reach them by its address on the nodes' network.
"""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from alidade_core.tree_digest import tree_digest
from tests.support.archives import archive_of, digest
from tests.support.cluster import WAIT, Cluster, namespace
from tests.support.git_server import PASSWORD, USER, GitServer, commit_all, git
from tests.support.manifests import IMAGE, POOL, Body, experiment, job, queue
from tests.support.polling import eventually
from tests.support.s3 import S3Server

SMALL = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
LOOKS = """
from pathlib import Path

from alidade_core.tree_digest import tree_digest
from alidade_worker.outputs import set_output

for folder in sorted(Path("/data").glob("*")):
    set_output(folder.name, tree_digest(folder))
    try:
        (folder / "mine").write_text("")
    except OSError:
        continue
    raise SystemExit(f"{folder} can be written to")
"""
CODE = {
    "MLproject": json.dumps({"entry_points": {"main": {"command": "python looks.py"}}}),
    "looks.py": LOOKS,
}
PICTURES = {"training/0/00.png": "a", "testing/1/00.png": "b"}
WORDS = {"words.txt": "shallow, deep"}
CLAIM: Body = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "pictures"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}
FILLING = "\n".join(
    f"mkdir -p $(dirname /claim/{name}); printf %s {text} >/claim/{name}"
    for name, text in PICTURES.items()
)
FILLS: Body = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "fills"},
    "spec": {
        "restartPolicy": "Never",
        "nodeSelector": POOL,
        "containers": [
            {
                "name": "fills",
                "image": IMAGE,
                "command": ["bash", "-c", FILLING],
                "volumeMounts": [{"name": "claim", "mountPath": "/claim"}],
            }
        ],
        "volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": "pictures"}}],
    },
}
AWAY = (503, {"Retry-After": "1"})
OTHER = 64 * "0"


@dataclass(frozen=True)
class Places:
    """A namespace, and the servers that its pods go to."""

    folder: Path
    cluster: Cluster
    git: GitServer
    s3: S3Server
    archive: bytes
    words: bytes

    def template(self) -> Body:
        """Return a pod template that knows the way to S3, and is not patient."""
        environment = {**self.s3.environment, "ALIDADE_SOURCE_PATIENCE": "2"}
        told = [{"name": name, "value": value} for name, value in environment.items()]
        return {"spec": {"containers": [{"name": "worker", "env": told}]}}

    def archived_at(self, uri: str) -> Body:
        """Return the source that is the archive, at a URI."""
        return {"source": {"archive": {"uri": uri, "sha256": digest(self.archive)}}}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("places")
    code, words = archive_of(CODE), archive_of(WORDS)
    with namespace("e2e-places") as cluster:
        host = this_machine(cluster)
        with S3Server(folder, host) as s3, GitServer(folder, host) as server:
            s3.client.create_bucket(Bucket="lab")
            for key, content in (("code.tgz", code), ("words.tgz", words)):
                s3.client.put_object(Bucket="lab", Key=key, Body=content, ACL="public-read")
            server.login = True
            login = {"username": USER, "password": PASSWORD}
            secret = {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/basic-auth",
                "metadata": {"name": "git-login"},
                "stringData": login,
            }
            cluster.apply(secret, CLAIM, FILLS, queue(resources=SMALL), experiment(workflow=None))
            cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/fills", WAIT)
            yield Places(folder, cluster, server, s3, code, words)


def this_machine(cluster: Cluster) -> str:
    """Return the address by which the nodes reach this machine."""
    addresses = cluster.list("nodes")[0]["status"]["addresses"]
    node = next(each["address"] for each in addresses if each["type"] == "InternalIP")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((node, 9))
        return str(probe.getsockname()[0])


def digest_of(files: dict[str, str], folder: Path) -> str:
    """Return the digest of these files as a tree."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tree_digest(folder)


def test_code_in_s3_finds_data_of_each_kind_where_its_name_says(
    places: Places, tmp_path: Path
) -> None:
    pictures = digest_of(PICTURES, tmp_path / "pictures")
    words = {"name": "words", "sha256": digest(places.words)}
    datasets = [
        {"name": "mnist", "claim": "pictures", "sha256": pictures},
        {**words, "artifact": f"{places.s3.url}/lab/words.tgz"},
        {"name": "labels", "path": "/workflow/mnist_robustness"},
    ]
    places.cluster.apply(
        job(
            "s3",
            workflow=places.archived_at("s3://lab/code.tgz"),
            datasets=datasets,
            podTemplate=places.template(),
        )
    )
    status = places.cluster.wait_for("s3", state="Finished")
    found = dict(status["outputs"])
    assert found.pop("labels")
    assert found == {
        "mnist": pictures,
        "words": digest_of(WORDS, tmp_path / "words"),
    }


def test_a_claim_that_has_other_data_is_refused(places: Places, tmp_path: Path) -> None:
    places.cluster.apply(
        job(
            "http",
            {"name": "s3", "condition": "Ended"},
            workflow=places.archived_at(f"{places.s3.url}/lab/code.tgz"),
            datasets=[{"name": "mnist", "claim": "pictures", "sha256": OTHER}],
            podTemplate=places.template(),
        )
    )
    status: dict[str, Any] = places.cluster.wait_for("http", state="Failed")
    assert (status["reason"], status["rootCause"]["exitCode"]) == ("WorkflowNotFound", 66)
    pictures = digest_of(PICTURES, tmp_path)
    wanted = f"Dataset mnist cannot be used: the sha256 of its files is {pictures}, not {OTHER}"
    assert wanted in status["message"]


def test_a_git_server_that_is_away_is_waited_for_and_its_login_comes_from_a_secret(
    places: Places, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    digest_of(CODE, work)
    git(work, "init", "--quiet")
    commit = commit_all(work)
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(places.folder / "code.git"))
    source = {
        "repository": f"{places.git.uri}/code.git",
        "commit": commit,
        "secretName": "git-login",
    }
    places.git.fault = lambda path: AWAY
    cluster = places.cluster
    cluster.apply(job("git", workflow={"source": {"git": source}}, podTemplate=places.template()))

    def ended() -> list[Any]:
        attempts = cluster.job_status("git").get("attempts", ())
        return [attempt for attempt in attempts if "exitCode" in attempt]

    first, *_ = eventually(ended)
    assert (first["exitCode"], first["reason"]) == (69, "SourceUnavailable")
    places.git.fault = lambda path: None
    status = cluster.wait_for("git", state="Finished")
    assert status["workflow"]["commit"] == commit
    cluster.until_told("git", "SourceUnavailable, exit code 69")
