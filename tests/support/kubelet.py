"""A kubelet on paper: it runs nothing, and reports of each pod what the test lays down.

As a real one it confirms deletions: without that, a deleted pod that is bound to a node stays.
"""

import contextlib
import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

INTERVAL_SECONDS = 0.1
JOB_LABEL = "alidade.dev/job"
TERMINATED = 128 + 15

log = logging.getLogger(__name__)

Body = dict[str, Any]
Report = Body
"""The part of a pod's status that a kubelet reports."""
Fate = Callable[[str], Sequence[Report]]
"""What becomes of the pods of a job, step by step, by the job's name."""


def running() -> Report:
    """The container runs."""
    return _report("Running", {"running": {"startedAt": _now()}})


def succeeded(outputs: Mapping[str, str] | None = None) -> Report:
    """The container ended well, with these outputs in its termination message."""
    message = json.dumps(dict(outputs)) if outputs else ""
    return _report("Succeeded", _terminated(0, "Completed", message))


def failed(exit_code: int, message: str = "", reason: str = "Error") -> Report:
    """The container ended badly."""
    return _report("Failed", _terminated(exit_code, reason, message))


def oom_killed() -> Report:
    """The kernel killed the container for its memory."""
    return failed(137, reason="OOMKilled")


def evicted(message: str) -> Report:
    """The kubelet evicted the pod, as its node runs out of something."""
    report = failed(TERMINATED)
    disruption = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "TerminationByKubelet",
        "message": message,
        "lastTransitionTime": _now(),
    }
    return report | {"reason": "Evicted", "message": message, "conditions": [disruption]}


def waiting(reason: str, message: str) -> Report:
    """The container cannot be started."""
    return _report("Pending", {"waiting": {"reason": reason, "message": message}})


class Kubelet:
    """The kubelet of all nodes.

    Args:
        kubeconfig: How it reaches the API server.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._api = config.new_client_from_config(str(kubeconfig))
        self._core = client.CoreV1Api(self._api)
        self._fates: dict[str, Fate] = {}
        self._told: Counter[str] = Counter()
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

        A fate may give more steps each time it is asked; those already reported stay.
        """
        self._fates[namespace] = fate

    def report(self, pod: Body, report: Report) -> None:
        """Report of one pod."""
        metadata = pod["metadata"]
        self._core.patch_namespaced_pod_status(
            metadata["name"], metadata["namespace"], {"status": report}
        )

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            # Some tests kill the API server.
            with contextlib.suppress(ApiException, urllib3.exceptions.HTTPError):
                for pod in self._bound_pods():
                    self._attend(pod)

    def _bound_pods(self) -> list[Body]:
        answer = self._core.list_pod_for_all_namespaces(
            field_selector="spec.nodeName!=", resource_version="0", _preload_content=False
        )
        found: list[Body] = json.loads(answer.data)["items"]
        return found

    def _attend(self, pod: Body) -> None:
        try:
            self._lead_on(pod)
        except ApiException as error:
            # What is gone, or has changed since it was read, is seen to the next time.
            if error.status not in (404, 409):
                log.exception("pod %s", pod["metadata"]["name"])

    def _lead_on(self, pod: Body) -> None:
        metadata = pod["metadata"]
        if "deletionTimestamp" in metadata:
            if pod["status"]["phase"] == "Running":
                self.report(pod, failed(TERMINATED))
            self._core.delete_namespaced_pod(
                metadata["name"], metadata["namespace"], grace_period_seconds=0
            )
            return
        fate = self._fates.get(metadata["namespace"])
        if fate is None or pod["status"]["phase"] in ("Succeeded", "Failed"):
            return
        steps = fate(metadata["labels"].get(JOB_LABEL, ""))
        told = self._told[metadata["uid"]]
        if told < len(steps):
            self.report(pod, steps[told])
            self._told[metadata["uid"]] += 1


def _report(phase: str, state: Body) -> Report:
    container = {
        "name": "worker",
        "image": "",
        "imageID": "",
        "ready": phase == "Running",
        "restartCount": 0,
        # A strategic merge would keep the state before beside the new one.
        "state": {"waiting": None, "running": None, "terminated": None} | state,
    }
    return {"phase": phase, "startTime": _now(), "containerStatuses": [container]}


def _terminated(exit_code: int, reason: str, message: str) -> Body:
    return {
        "terminated": {
            "exitCode": exit_code,
            "reason": reason,
            "message": message,
            "startedAt": _now(),
            "finishedAt": _now(),
        }
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
