"""Sources of workflows and datasets, as a user writes them, each of which is in order."""

from typing import Any

Body = dict[str, Any]

SHA256 = 16 * "0a1b"
OTHER_SHA256 = 16 * "c2d3"
COMMIT = 10 * "4e5f"
ARCHIVE: Body = {"archive": {"uri": "runs:/f00/workflow.tgz", "sha256": SHA256}}
ELSEWHERE: Body = {"archive": {"uri": "s3://bucket/workflow.tgz", "sha256": OTHER_SHA256}}
GIT: Body = {
    "git": {
        "repository": "https://git.example.org/team/attacks.git",
        "commit": COMMIT,
        "secretName": "git-login",
    }
}
CONFIG_MAP: Body = {"configMap": {"name": "code", "key": "workflow.zip", "sha256": SHA256}}

CLAIM: Body = {"name": "imagenet", "claim": "imagenet-2012"}
CHECKED_CLAIM: Body = {"name": "cifar", "claim": "cifar-10", "sha256": SHA256}
ARTIFACT: Body = {"name": "mnist", "artifact": "runs:/f00/mnist.npz", "sha256": OTHER_SHA256}
PATH: Body = {"name": "labels", "path": "/usr/share/labels"}
