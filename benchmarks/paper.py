"""Pods on paper: kwok, which lets each run and end well as soon as it sees it.

A pod costs it two patches of a status and about a millisecond of the processor, whoever made the
pod. So it is in both columns of a table, and its part is said there.
"""

from pathlib import Path
from typing import Any

import yaml

from tests.support.control_plane import binaries
from tests.support.process import Server

Body = dict[str, Any]

KWOK = "kwok"
HOLD = "example.com/hold"
"""Label of pods that run until they have lost it."""
_HELD = f'.metadata.labels["{HOLD}"]'
_NEVER = '.metadata.labels["example.com/never"]'


class PaperKubelet(Server):
    """The kubelet of all nodes. Pods with the label `HOLD` only run.

    Args:
        folder: Where its configuration and log are.
        kubeconfig: How it reaches the API server.
    """

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        stages = folder / "stages.yaml"
        stages.write_text(yaml.safe_dump_all(_STAGES))
        command = [
            *(str(binaries() / KWOK), "--manage-all-nodes", f"--kubeconfig={kubeconfig}"),
            *(f"--config={stages}", "--v=ERROR", "--node-lease-duration-seconds=0"),
        ]
        super().__init__(command, folder / f"{KWOK}.log")


def _when(key: str, *values: str) -> Body:
    return {"key": key, "operator": "In", "values": list(values)}


def _without(key: str) -> Body:
    return {"key": key, "operator": "DoesNotExist"}


def _stage(name: str, then: Body, *conditions: Body, kind: str = "Pod") -> Body:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": list(conditions)},
            "next": then,
        },
    }


_CONTAINERS = """
{{ $now := Now }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  restartCount: 0
  ready: %s
  state: {%s}
{{ end }}
"""
_RUNNING = "running: {startedAt: {{ $now | Quote }}}"
_ENDED = (
    "terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }},"
    " finishedAt: {{ $now | Quote }}}"
)
_RUNS = _CONTAINERS % ("true", _RUNNING) + "phase: Running\nstartTime: {{ $now | Quote }}\n"
_ENDS = _CONTAINERS % ("false", _ENDED) + "phase: Succeeded\n"
_GOING = ".metadata.deletionTimestamp"
_PHASE = ".status.phase"
_STAGES = (
    _stage("run", {"statusTemplate": _RUNS}, _without(_GOING), _when(_PHASE, "Pending")),
    _stage(
        "end",
        {"statusTemplate": _ENDS},
        _without(_GOING),
        _without(_HELD),
        _when(_PHASE, "Running"),
    ),
    _stage("go", {"delete": True}, {"key": _GOING, "operator": "Exists"}),
    # Nodes are as they are; without any stage of theirs kwok would look after no pods.
    _stage("node", {"statusTemplate": ""}, _when(_NEVER, "true"), kind="Node"),
)
