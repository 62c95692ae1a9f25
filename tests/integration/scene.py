"""A namespace of a test's own: what the test does there, and what it sees."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from mlflow.entities import Run
from urllib3.exceptions import HTTPError

from tests.support.control_plane import ControlPlane
from tests.support.kubelet import Attempt, Kubelet, running, succeeded
from tests.support.polling import eventually
from tests.support.tracking import TrackingServer

Body = dict[str, Any]

OWN = "alidade.dev/v1alpha1"
JOB = (OWN, "Job")
EXPERIMENT = (OWN, "Experiment")
QUEUE = (OWN, "Queue")
BATCH_JOB = ("batch/v1", "Job")
POD = ("v1", "Pod")
SERVICE = ("v1", "Service")
HISTORY_SECONDS = 1


class Scene:
    """One namespace.

    Args:
        namespace: Its name.
        plane: The cluster that it is in.
        client: A client of that cluster.
        kubelet: What tells of the pods.
        tracking: MLflow.
    """

    def __init__(
        self,
        namespace: str,
        plane: ControlPlane,
        client: DynamicClient,
        kubelet: Kubelet,
        tracking: TrackingServer,
    ) -> None:
        self.namespace = namespace
        self.tracking = tracking
        self._plane = plane
        self._client = client
        self._fates: dict[str, tuple[Attempt, ...]] = {}
        kubelet.play(namespace, self._fate)

    # What a user does.

    def kubeconfig(self, folder: Path, account: str | None = None) -> Path:
        """Write a kubeconfig for the namespace: an administrator's, or that of an account."""
        config = yaml.safe_load(self._plane.kubeconfig.read_text())
        config["contexts"][0]["context"]["namespace"] = self.namespace
        if account:
            token = self.kubectl("create", "token", account).strip()
            config["users"][0]["user"] = {"token": token}
        path = folder / f"kubeconfig-{account}"
        path.write_text(yaml.safe_dump(config))
        return path

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl in the namespace; return what it printed."""
        return self._plane.kubectl("-n", self.namespace, *arguments, stdin=stdin, check=check)

    def apply(self, *objects: Body, check: bool = True) -> str:
        """Apply objects by kubectl; return what it printed."""
        return self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects), check=check)

    def why_refused(self, kind: tuple[str, str], body: Body) -> str | None:
        """Create an object as it is; return why the API server refuses it, None if it does not.

        As with kubectl, fields that its kind does not have are refused too.
        """
        strictly = [("fieldValidation", "Strict")]
        try:
            self._resource(kind).create(body=body, namespace=self.namespace, query_params=strictly)
        except ApiException as error:
            return str(error.body)
        return None

    def patch(self, kind: tuple[str, str], name: str, spec: Body) -> None:
        """Change fields of an object's spec."""
        self._resource(kind).patch(
            body={"spec": spec},
            name=name,
            namespace=self.namespace,
            content_type="application/merge-patch+json",
        )

    def delete(self, kind: tuple[str, str], name: str) -> None:
        """Delete an object, and in the background what it owns."""
        self._resource(kind).delete(
            name=name, namespace=self.namespace, body={"propagationPolicy": "Background"}
        )

    # What its pods do.

    def let(self, job: str, *attempts: Attempt) -> None:
        """Lay down what becomes of each attempt at a job; of more of them, as of the last.

        Replicas are jobs here, `train-0` and so on. By default a pod runs and ends well.
        """
        self._fates[job] = attempts

    def _fate(self, job: str, attempt: int) -> Attempt:
        attempts = self._fates.get(job, ([running(), succeeded()],))
        return attempts[min(attempt, len(attempts) - 1)]

    # What there is to see.

    def get(self, kind: tuple[str, str], name: str) -> Body:
        """Read an object.

        Raises:
            AssertionError: There is none, or the API server does not answer.
        """
        try:
            found: Body = self._resource(kind).get(name=name, namespace=self.namespace).to_dict()
        except (ApiException, HTTPError) as error:
            raise AssertionError(f"{kind[1]} {name}: {error}") from error
        return found

    def exists(self, kind: tuple[str, str], name: str) -> bool:
        """Say whether there is such an object."""
        return name in {found["metadata"]["name"] for found in self.all_of(kind)}

    def all_of(self, kind: tuple[str, str], selector: str | None = None) -> list[Body]:
        """Read all objects of a kind.

        Raises:
            AssertionError: The API server does not answer.
        """
        try:
            answer = self._resource(kind).get(namespace=self.namespace, label_selector=selector)
        except (ApiException, HTTPError) as error:
            raise AssertionError(f"{kind[1]}: {error}") from error
        found: list[Body] = answer.to_dict()["items"]
        return found

    def pods(self, job: str) -> list[Body]:
        """Read the pods of a job, in order of creation."""
        pods = self.all_of(POD, f"alidade.dev/job={job}")
        return sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], _version(pod)))

    def status(self, name: str, kind: tuple[str, str] = JOB) -> Body:
        """Read the status of a job, or of another kind of object; empty if it has none yet."""
        status: Body = self.get(kind, name).get("status") or {}
        return status

    def states(self) -> dict[str, str | None]:
        """Read the states of all jobs by name."""
        jobs = self.all_of(JOB)
        return {j["metadata"]["name"]: (j.get("status") or {}).get("state") for j in jobs}

    def until(self, job: str, state: str, reason: str | None = None, says: str = "") -> Body:
        """Wait for a job to be in a state, for a reason, and to say so; return its status.

        Only what lasts can be waited for; what passes is in `said`.
        """

        def check() -> Body:
            status = self.status(job)
            told = status.get("state"), status.get("reason")
            assert told == (state, reason or told[1]), f"{job}: {status}"
            assert says in status.get("message", ""), f"{job}: {status}"
            return status

        return eventually(check)

    def until_states(self, wanted: Mapping[str, str]) -> None:
        """Wait for jobs to be in these states, others being in any."""

        def check() -> bool:
            states = self.states()
            assert {name: states.get(name) for name in wanted} == dict(wanted)
            return True

        eventually(check)

    def until_tracked(self, job: str) -> None:
        """Wait until MLflow's end of a job's run agrees with the job's."""
        self.kubectl("wait", "--for=condition=Tracked", f"ajob/{job}", "--timeout=60s")

    def until_gone(self, kind: tuple[str, str], name: str) -> None:
        """Wait until there is no such object."""
        eventually(lambda: not self.exists(kind, name))

    def until_registered(self, experiment: str) -> Body:
        """Wait for an experiment to be known to MLflow; return its status."""

        def check() -> Body:
            status = self.status(experiment, EXPERIMENT)
            assert status.get("mlflowExperimentId"), status
            return status

        return eventually(check)

    def run(self, job: str) -> Run:
        """Return the one MLflow run of a job."""
        runs = self.tracking.runs_of(self.get(JOB, job)["metadata"]["uid"])
        assert len(runs) == 1, runs
        return runs[0]

    def version(self, kind: tuple[str, str]) -> str:
        """Return the version of the cluster's state, as a list of this kind has it."""
        answer = self._resource(kind).get(namespace=self.namespace)
        return str(answer.metadata.resourceVersion)

    def history(self, kind: tuple[str, str], since: str) -> list[Body]:
        """Return every version that objects of a kind have had since then, in order."""

        def check() -> tuple[list[Body]]:
            now = {_version(found) for found in self.all_of(kind)}
            seen = list(self.watch(kind, since, HISTORY_SECONDS))
            missing = {v for v in now if v > int(since)} - set(map(_version, seen))
            assert not missing, f"the API server was too slow: {missing}"
            return (seen,)

        return eventually(check)[0]

    def said(self, job: str, since: str) -> list[tuple[str, str, str]]:
        """Return each state, reason and message that a job has had since then, in order."""
        versions = (v for v in self.history(JOB, since) if v["metadata"]["name"] == job)
        statuses = (v.get("status", {}) for v in versions)
        words = ("state", "reason", "message")
        return [(s.get(words[0], ""), s.get(words[1], ""), s.get(words[2], "")) for s in statuses]

    def watch(self, kind: tuple[str, str], since: str, seconds: int) -> Iterator[Body]:
        """Yield versions of objects of a kind as they come, for so long."""
        resource = self._resource(kind)
        for event in resource.watch(
            namespace=self.namespace, resource_version=since, timeout=seconds
        ):
            yield event["raw_object"]

    def describe(self) -> str:
        """Return what helps to understand a failure."""
        return "\n".join(
            self.kubectl(*command, check=False)
            for command in (
                ("get", "alidade,jobs.batch,pods", "-o", "wide"),
                ("get", "events", "--sort-by=.metadata.creationTimestamp"),
            )
        )

    def _resource(self, kind: tuple[str, str]) -> Any:
        version, name = kind
        return self._client.resources.get(api_version=version, kind=name)


def in_the_order_released(versions: list[Body]) -> list[str]:
    """Return the names of the batch/v1 Jobs that were let run, from a history of them."""
    return list(dict.fromkeys(v["metadata"]["name"] for v in versions if _may_run(v)))


def most_at_a_time(versions: list[Body]) -> int:
    """Return how many batch/v1 Jobs were let run at most at a time, from a history of them."""
    most = 0
    running: set[str] = set()
    for version in versions:
        name = version["metadata"]["name"]
        running = running | {name} if _may_run(version) else running - {name}
        most = max(most, len(running))
    return most


def _may_run(job: Body) -> bool:
    conditions = job["status"].get("conditions", ())
    ended = any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)
    return not job["spec"]["suspend"] and not ended


def _version(body: Body) -> int:
    return int(body["metadata"]["resourceVersion"])
