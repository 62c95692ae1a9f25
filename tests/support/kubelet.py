"""A kubelet on paper: it runs nothing, and reports of each pod what the test lays down.

As a real one it confirms deletions: without that, a deleted pod that is bound to a node stays.
"""

import contextlib
import json
import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

INTERVAL_SECONDS = 0.1
# A pod that has ended needs no kubelet any more, not even to be deleted.
BOUND_AND_ALIVE = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"
JOB_LABEL = "alidade.dev/job"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
TERMINATED = 128 + 15

log = logging.getLogger(__name__)
Body = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What the kubelet reports of a pod.

    Attributes:
        phase: The pod's phase.
        container: The state of its container: waiting, running or terminated.
        pod: What else its status says.
    """

    phase: str
    container: Body
    pod: Body = field(default_factory=dict)

    def status(self) -> Body:
        """Return the part of the pod's status that says so, as of now."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        state = {name: dict(detail) for name, detail in self.container.items()}
        if "running" in state:
            state["running"] |= {"startedAt": now}
        elif "terminated" in state:
            state["terminated"] = {"startedAt": now, "finishedAt": now} | state["terminated"]
        container = {
            "name": "worker",
            "image": "",
            "imageID": "",
            "ready": self.phase == "Running",
            "restartCount": 0,
            # A strategic merge would keep the state before beside the new one.
            "state": {"waiting": None, "running": None, "terminated": None} | state,
        }
        return {"phase": self.phase, "containerStatuses": [container], **self.pod}


Attempt = Sequence[Report]
"""What becomes of one pod, step by step."""
Fate = Callable[[str, int], Attempt]
"""What becomes of a pod, by the name of its job and by how many pods that had before.

Of an Indexed Job each index is one by itself: `train-0`, `train-1`.
"""


def running() -> Report:
    """The container runs."""
    return Report("Running", {"running": {}})


def succeeded(outputs: Mapping[str, str] | None = None) -> Report:
    """The container ended well, with these outputs in its termination message."""
    message = json.dumps(dict(outputs)) if outputs else ""
    ended = {"exitCode": 0, "reason": "Completed", "message": message}
    return Report("Succeeded", {"terminated": ended})


def failed(exit_code: int, message: str = "", reason: str = "Error") -> Report:
    """The container ended badly."""
    ended = {"exitCode": exit_code, "reason": reason, "message": message}
    return Report("Failed", {"terminated": ended})


def not_started(message: str) -> Report:
    """The runtime could not start the container's command, as containerd tells it."""
    ended = {"exitCode": 128, "reason": "StartError", "message": message}
    return Report("Failed", {"terminated": {**ended, "startedAt": "1970-01-01T00:00:00Z"}})


def oom_killed() -> Report:
    """The kernel killed the container for its memory."""
    return failed(137, reason="OOMKilled")


def evicted(message: str) -> Report:
    """The kubelet evicted the pod, as its node runs out of something."""
    disruption = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "TerminationByKubelet",
        "message": message,
    }
    pod = {"reason": "Evicted", "message": message, "conditions": [disruption]}
    return Report("Failed", failed(TERMINATED).container, pod)


def waiting(reason: str, message: str) -> Report:
    """The container cannot be started."""
    return Report("Pending", {"waiting": {"reason": reason, "message": message}})


class Kubelet:
    """The kubelet of all nodes.

    Args:
        kubeconfig: How it reaches the API server.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._api = config.new_client_from_config(str(kubeconfig))
        self._core = client.CoreV1Api(self._api)
        self._fates: dict[str, Fate] = {}
        self._pods: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._reported: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._api.close()

    def play(self, namespace: str, fate: Fate) -> None:
        """Lay down what becomes of the pods of a namespace.

        A fate may have more steps each time it is asked; those already reported stay.
        """
        self._fates[namespace] = fate

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            # Some tests kill the API server.
            with contextlib.suppress(ApiException, HTTPError):
                for pod in self._pods_to_attend():
                    self._attend(pod)

    def _pods_to_attend(self) -> list[Body]:
        answer: Any = self._core.list_pod_for_all_namespaces(
            field_selector=BOUND_AND_ALIVE, resource_version="0", _preload_content=False
        )
        found: list[Body] = json.loads(answer.data)["items"]
        return found

    def _attend(self, pod: Body) -> None:
        try:
            if "deletionTimestamp" in pod["metadata"]:
                self._let_go(pod)
            else:
                self._lead_on(pod)
        except ApiException as error:
            # What is gone, or has changed since it was read, is seen to the next time.
            if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                log.exception("pod %s", pod["metadata"]["name"])

    def _let_go(self, pod: Body) -> None:
        if pod["status"]["phase"] == "Running":
            self._report(pod, failed(TERMINATED))
        self._core.delete_namespaced_pod(
            pod["metadata"]["name"], pod["metadata"]["namespace"], grace_period_seconds=0
        )

    def _lead_on(self, pod: Body) -> None:
        namespace, uid = pod["metadata"]["namespace"], pod["metadata"]["uid"]
        fate = self._fates.get(namespace)
        if fate is None:
            return
        job = pod["metadata"]["labels"].get(JOB_LABEL, "")
        index = pod["metadata"].get("annotations", {}).get(COMPLETION_INDEX)
        if index is not None:
            job = f"{job}-{index}"
        attempts = self._pods[namespace, job]
        if uid not in attempts:
            attempts.append(uid)
        steps = fate(job, attempts.index(uid))
        if self._reported[uid] < len(steps):
            self._report(pod, steps[self._reported[uid]])
            self._reported[uid] += 1

    def _report(self, pod: Body, report: Report) -> None:
        self._core.patch_namespaced_pod_status(
            pod["metadata"]["name"], pod["metadata"]["namespace"], {"status": report.status()}
        )
