"""A scenario under way: the truth about it, and what must hold at every moment."""

import json
import math
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Final
from zlib import crc32

from alidade_core.api.job import Dependency, DependencyCondition, Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import JobState
from alidade_core.api.reason import Reason
from alidade_core.contract import DATASETS, WORKFLOW, WORKFLOW_SHA256, WORKFLOW_URI
from alidade_operator.index.horizon import RESTORED_SECONDS
from alidade_operator.kube.gateway import BATCH_JOBS, JOBS, PODS, Body, Kind
from alidade_operator.objects.well_known import (
    COMPLETION_INDEX,
    JOB_LABEL,
    JOB_UID_LABEL,
    PARAMETERS,
    QUEUE_LABEL,
    RUN_ID,
)
from tests.support.agreement import disagreements
from tests.support.builders import NAMESPACE
from tests.support.simulation.api_server import HOME, ApiServer, Store
from tests.support.simulation.chance import Chance, clock
from tests.support.simulation.cluster import Cluster, Fate, owner_by_pods
from tests.support.simulation.gateway import LATE, Late
from tests.support.simulation.homeless import GivenBack
from tests.support.simulation.job_steps import ended
from tests.support.simulation.mlflow import Mlflow
from tests.support.simulation.pods import controller_of, over
from tests.support.simulation.scenario import Scenario
from tests.support.simulation.words import LOGGED, SAID
from tests.support.virtual_time import now

ENDING: Final = "ending"
"""The namespace beside the one that is looked at, which is deleted in mid flight."""
# For the requests by which it finds out.
BLIND_SECONDS = 120.0
_END = ("state", "reason", "message", "outputs", "root_cause", "completion_time")


class World:
    """Sees every change before it is made, and takes down what must not happen.

    Attributes:
        jobs: All jobs by name as they are, or as they last were.
        ran: Names of jobs of which a pod ran.
        completed: Names of jobs whose batch/v1 Job completed.
        ends: How jobs of each name have ended; there may be several, one after the other.
        released: UIDs of jobs whose pods were ever let run.
        blind_until: Until when the operator may not know that the API server was restored.
        unforeseen: UIDs of batch/v1 Jobs let run by a request of an operator that was no more.
        misled: Names of jobs that were told to run by an operator that did not know yet that their
            batch/v1 Jobs had gone with the store; if it dies then, nobody knows any more.
        falsified: Names of jobs of which somebody has replaced the status.
        violations: What happened that must not.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.chance = Chance(scenario.seed, scenario.mishaps)
        self.tasks = {task.name: task for task in scenario.tasks}
        self.server = ApiServer(
            self._observe,
            (NAMESPACE, HOME, *([] if scenario.ends is None else [ENDING])),
            time=lambda: clock() + timedelta(seconds=scenario.ahead),
            says=self._log_of,
        )
        self.mlflow = Mlflow(self.chance, empty=True)
        self.cluster = Cluster(
            self.server,
            self.chance,
            self._fate,
            self._work,
            node_after=self._node_after,
            says=lambda: self.chance.choice(SAID) if scenario.odd else "",
            ahead=scenario.nodes_ahead,
        )
        self.jobs: dict[str, Job] = {}
        self.ran: set[str] = set()
        self.completed: set[str] = set()
        self.ends: defaultdict[str, set[JobState]] = defaultdict(set)
        self.released: set[str] = set()
        self.unforeseen: set[str] = set()
        self.misled: set[str] = set()
        self.blind_until = -math.inf
        self.falsified: set[str] = set()
        self.violations: list[str] = []
        self._given_back = GivenBack()

    def back_up(self) -> tuple[tuple[int, Store], Counter[tuple[str, int]]]:
        """Return all that a backup of the API server has, and how often pods of then had ended."""
        return self.server.back_up(), self.cluster.ends.copy()

    def restore(self, backup: tuple[int, Store], ends: Counter[tuple[str, int]]) -> None:
        """Have the API server as it was; kubelets end pods that it does not know."""
        self.server.restore(*backup)
        self.cluster.ends = ends
        self.jobs = {
            b["metadata"]["name"]: Job.model_validate(b) for b in self.server.all(JOBS, NAMESPACE)
        }
        self.blind_until = now() + RESTORED_SECONDS + BLIND_SECONDS

    def _expect(self, condition: bool, otherwise: str) -> None:
        # An exception would be for the operator to handle, which asked for the change.
        if not condition:
            self.violations.append(otherwise)

    def _fate(self, name: str, attempt: int) -> Fate:
        fates = self.tasks[name].fates
        return fates[min(attempt, len(fates) - 1)]

    def _node_after(self, name: str) -> float:
        never = self.tasks[name].homeless
        return math.inf if never else self.scenario.nodes_after.get(name, 0.0)

    def _log_of(self, pod: Body) -> bytes:
        name = str(pod["metadata"]["name"])
        # The same each time it is asked for.
        return LOGGED[crc32(name.encode()) % len(LOGGED)] if self.scenario.odd else name.encode()

    def _work(self, pod: Body, fate: Fate | None) -> bool:
        """Do what the worker in a pod does to its MLflow run; one that is killed does nothing.

        Returns:
            Whether it can go on: not without the run that it was told of.
        """
        name = pod["metadata"]["labels"][JOB_LABEL]
        if pod["metadata"]["namespace"] == NAMESPACE:
            self.ran.add(name)
        if fate is None:
            self._expect(not self._others(pod), f"two pods of {name} run at once")
        if pod["metadata"]["annotations"].get(COMPLETION_INDEX, "0") != "0":
            return True
        run_id = pod["metadata"]["annotations"][RUN_ID]
        words = {None: "RUNNING", Fate.WELL: "FINISHED", Fate.BADLY: "FAILED"}
        if not run_id or fate not in words:
            return True
        told, again = run_id in self.mlflow.settled, self.blind_until > 0
        self._expect(not told or again, f"{name} reports to a run after the operator ended it")
        return self.mlflow.work(run_id, words[fate])

    def _others(self, pod: Body) -> list[str]:
        """Return the names of other pods that do the same job's work, or the same replica's."""
        job, index = pod["metadata"]["labels"][JOB_UID_LABEL], COMPLETION_INDEX
        return [
            other["metadata"]["name"]
            for other in self.server.all(PODS)
            if other["metadata"]["labels"][JOB_UID_LABEL] == job
            and other["metadata"]["annotations"].get(index)
            == pod["metadata"]["annotations"].get(index)
            and other["status"]["phase"] == "Running"
        ]

    def _observe(self, kind: Kind, old: Body | None, new: Body | None) -> None:
        if new is None:
            return
        if kind == JOBS and new["metadata"]["namespace"] == ENDING:
            told = new.get("status", {}).get("reason") != Reason.BACKING_JOB_DELETED
            self._expect(told, "one whose namespace ends is told that somebody deleted its Job")
        if new["metadata"].get("namespace") != NAMESPACE:
            return
        name = new["metadata"]["name"]
        if kind == JOBS:
            self._check_status(old, Job.model_validate(new))
        elif kind == BATCH_JOBS:
            complete = any(c["type"] == "Complete" for c in new["status"].get("conditions", ()))
            if complete and new["metadata"]["uid"] not in self.cluster.drained:
                self.completed.add(name)
            if not new["spec"]["suspend"] and (old is None or old["spec"]["suspend"]):
                self._check_release(name, new)
            elif new["spec"]["suspend"] and old and not old["spec"]["suspend"]:
                self._check_given_back(name, new)

    def _check_status(self, old: Body | None, job: Job) -> None:
        name, status = job.metadata.name, job.status
        self.jobs[name] = job
        odd = disagreements(job)
        self._expect(not odd, f"{name} disagrees with itself: {odd}: {status!r}")
        if status.state and status.ended:
            self.ends[name].add(status.state)
        if now() < self.blind_until and _runs(job) and not self.server.find(BATCH_JOBS, name):
            self.misled.add(name)
        if name in self.falsified:
            # What it was, it may not know any more.
            return
        before = Job.model_validate(old).status if old else status
        if before.workflow is not None:
            settled = (before.workflow, before.datasets) == (status.workflow, status.datasets)
            self._expect(settled, f"{name} was accepted with other inputs")
        if before.start_time is not None:
            self._expect(before.start_time == status.start_time, f"{name} starts anew")
        if before.ended:
            for part in _END:
                same = getattr(before, part) == getattr(status, part)
                self._expect(same, f"{name} has ended, and changes its {part}")

    def _check_release(self, name: str, batch: Body) -> None:
        job, task = self.jobs[name], self.tasks[name]
        owner_uid = owner_by_pods(batch)
        self.released.add(owner_uid)
        if job.metadata.uid != owner_uid:
            # It is of a job of the same name that is gone, and goes after it.
            return
        # Kueue may start one that is about to be taken from it.
        ours = batch["metadata"]["labels"][QUEUE_LABEL] not in self.scenario.kueue
        # What is let run late is stopped again; the end stays.
        in_time = ours and not LATE.get()
        self._expect(not (job.status.ended and in_time), f"{name} is released after its end")
        for dependency in task.depends_on:
            self._expect(self._holds(dependency), f"{name} is released before {dependency!r}")
        told = batch["spec"]["template"]["metadata"]["annotations"]
        self._expect(json.loads(told[PARAMETERS]) == task.values, f"{name} gets {told[PARAMETERS]}")
        self._check_inputs(job, batch)
        if self.scenario.tracking == "MLflow":
            owner = self.mlflow.owners.get(told[RUN_ID])
            self._expect(owner == job.metadata.uid, f"{name} is told of a run of {owner}")
        if LATE.get() is Late.OF_THE_DEAD or now() < self.blind_until:
            self.unforeseen.add(batch["metadata"]["uid"])
        else:
            self._check_places(batch)
            self._check_turn(job)

    def _check_inputs(self, job: Job, batch: Body) -> None:
        """See that pods are told of the code and the data that their job was accepted with."""
        name, accepted = job.metadata.name, job.status.workflow
        if name in self.falsified or now() < self.blind_until:
            return
        (worker,) = batch["spec"]["template"]["spec"]["containers"]
        env = {variable["name"]: variable.get("value", "") for variable in worker["env"]}
        commit = (env.get(WORKFLOW_URI) or "").partition("@")[2] or None
        told = (env[WORKFLOW], env.get(WORKFLOW_SHA256), commit)
        settled = accepted and (accepted.path, accepted.sha256, accepted.commit)
        self._expect(told == settled, f"{name} runs {told}, and was accepted with {settled}")
        names = [dataset["name"] for dataset in json.loads(env.get(DATASETS) or "[]")]
        wanted = [dataset.name for dataset in job.status.datasets]
        self._expect(names == wanted, f"{name} gets {names}, and was accepted with {wanted}")

    def _check_given_back(self, name: str, batch: Body) -> None:
        """See that what is stopped as no node takes it says so."""
        job, scenario = self.jobs[name], self.scenario
        if job.status.queue in scenario.kueue or LATE.get() or now() < self.blind_until:
            return
        told = self._given_back.give_back(job, self.jobs)
        foreseen = batch["metadata"]["uid"] not in self.unforeseen
        expected = self.tasks[name].homeless and not scenario.deeds and foreseen
        self._expect(told or not expected, f"{name} gives its place back: {job.status!r}")

    def _holds(self, dependency: Dependency) -> bool:
        name = dependency.name
        match dependency.condition:
            case DependencyCondition.COMPLETE:
                return name in self.completed
            case DependencyCondition.STARTED:
                return name in self.ran
            case DependencyCondition.ENDED:
                return bool(self.ends[name])
            case DependencyCondition.FAILED:
                return JobState.FAILED in self.ends[name]

    def _check_turn(self, job: Job) -> None:
        """See that what gave its place back stands behind those that waited.

        One whose requests get lost, or are refused, is out of line until it is tried again, and
        holds nobody up.
        """
        one = job.status.queue and self.scenario.limits[job.status.queue] == 1
        sure = not (self.scenario.mishaps or self.scenario.most_batch_jobs)
        if one and sure and not self.scenario.deeds:
            overtaken = self._given_back.overtaken(job, self.jobs, clock())
            self._expect(not overtaken, f"{job.metadata.name} overtakes {overtaken}")

    def _check_places(self, released: Body) -> None:
        queue = released["metadata"]["labels"][QUEUE_LABEL]
        limit = None if queue in self.scenario.kueue else self.scenario.limits[queue]
        widened = any((d.what, d.name) == ("widen", queue) for d in self.scenario.deeds)
        if limit is not None and widened:
            limit += 1
        running = {released["metadata"]["name"]}
        may_run = [
            job
            for job in self.server.all(BATCH_JOBS, NAMESPACE)
            if not job["spec"]["suspend"] and not ended(job)
        ]
        pods = [pod for pod in self.server.all(PODS, NAMESPACE) if not over(pod)]
        for held in (*may_run, *pods):
            if {held["metadata"]["uid"], controller_of(held)} & self.unforeseen:
                continue
            # What a template says, nobody can change.
            labels = held["spec"].get("template", held)["metadata"]["labels"]
            # One whose owner was deleted is the garbage collector's to stop.
            name = labels.get(JOB_LABEL, held["metadata"]["name"])
            owner = self.server.find(JOBS, name)
            owned = owner and owner["metadata"]["uid"] == labels[JOB_UID_LABEL]
            if labels[QUEUE_LABEL] == queue and owned:
                running.add(name)
        full = limit is not None and len(running) > limit
        self._expect(not full, f"{sorted(running)} run in {queue} at once")


def _runs(job: Job) -> bool:
    suspended = job.status.condition(JobCondition.SUSPENDED)
    return suspended is not None and suspended.status == "False" and not job.status.ended
