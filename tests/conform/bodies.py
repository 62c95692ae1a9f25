"""Objects and patches as the operator sends them, and with something odd about them."""

import random
from collections.abc import Callable
from typing import Any

from alidade_core.api.base import GROUP, VERSION
from alidade_operator.decide.make.service import service_for
from alidade_operator.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, QUEUES, Body, Kind
from alidade_operator.objects.well_known import JOB_LABEL, PARAMETERS, RUN_ID
from tests.conform.steps import Home, Much, Named, Uid, Version
from tests.conform.words import Words
from tests.support.builders import IMAGE, job, wanted

TIME = "2026-03-01T12:00:00Z"
KIND_NAMES = {JOBS: "Job", EXPERIMENTS: "Experiment", QUEUES: "Queue"}


class Bodies:
    """Draws them.

    Args:
        chance: Decides.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._words = Words(chance)

    def batch_job(self, name: Named, *, odd: bool) -> Body:
        """Draw the batch/v1 Job of a job."""
        of = job(replicas=self._chance.choice((1, 1, 2)))
        body: Body = wanted(of).manifest
        owner = body["metadata"]["ownerReferences"][0]
        body["metadata"] |= {
            "name": name,
            "ownerReferences": [{**owner, "name": name, "uid": Uid(JOBS, name)}],
        }
        body["metadata"].pop("namespace")
        for metadata in (body["metadata"], body["spec"]["template"]["metadata"]):
            metadata["labels"] = {**metadata["labels"], JOB_LABEL: name}
        body["spec"]["suspend"] = self._chance.random() < 0.6
        if odd:
            self._spoil(body)
        return body

    def service(self, name: Named) -> Body:
        """Draw the Service of a job with replicas."""
        body = service_for(job(replicas=2))
        assert body is not None
        body["metadata"] |= {"name": name, "ownerReferences": []}
        body["metadata"].pop("namespace")
        if self._chance.random() < 0.2:
            body["spec"]["ports"][0]["port"] = self._chance.choice((0, 65536, -1))
        return body

    def event(self, name: Named) -> Body:
        """Draw an event about a job."""
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name},
            "eventTime": "2026-03-01T12:00:00.000000Z",
            "type": "Normal",
            "reason": "Started",
            "note": self._words.text(),
            "action": "Reconcile",
            "reportingController": f"{GROUP}/operator",
            "reportingInstance": "alidade-0",
            "regarding": {
                "kind": "Job",
                "name": name,
                "namespace": Home(),
                "uid": Uid(JOBS, name),
            },
        }
        if self._chance.random() < 0.3:
            field = self._chance.choice(
                ("type", "reason", "note", "action", "reportingInstance", "eventTime")
            )
            body[field] = self._chance.choice(("", "x" * 129, "x" * 1025, "é" * 600))
        return body

    def custom(self, kind: Kind, name: Named) -> Body:
        """Draw a job, an experiment or a queue as a user makes one."""
        specs: dict[Kind, Body] = {
            JOBS: {"experiment": "mnist", "parameters": [{"name": "p", "value": "1"}]},
            EXPERIMENTS: {"workflow": {"image": IMAGE}, "queue": "cpu"},
            QUEUES: {"maxRunning": self._chance.randrange(3)},
        }
        labels = {self._words.key(): self._words.label()} if self._chance.random() < 0.15 else {}
        meta: Body = {"name": name, **({"labels": labels} if labels else {})}
        if self._chance.random() < 0.15:
            meta["annotations"] = {self._words.key(): self._words.text()}
        if self._chance.random() < 0.1:
            meta["finalizers"] = [self._chance.choice(("team.example/keep", "keep", "a b/c"))]
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND_NAMES[kind],
            "metadata": meta,
            "spec": specs[kind],
        }

    def pod(self, name: Named) -> Body:
        """Draw a pod of a batch/v1 Job."""
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": name,
            "uid": Uid(BATCH_JOBS, name),
            "controller": True,
        }
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {JOB_LABEL: name}, "ownerReferences": [owner]},
            "spec": {"containers": [{"name": "worker", "image": IMAGE}]},
        }

    def release(self, name: Named) -> Body:
        """Draw the patch that lets a batch/v1 Job run."""
        told = {PARAMETERS: self._words.text(), RUN_ID: "run-1"}
        patch: Body = {"metadata": self.preconditions(BATCH_JOBS, name), "spec": {"suspend": False}}
        if self._chance.random() < 0.8:
            patch["spec"]["template"] = {"metadata": {"annotations": told}}
        return patch

    def suspension(self, name: Named) -> Body:
        """Draw the patch that stops its pods."""
        return {"metadata": self.preconditions(BATCH_JOBS, name), "spec": {"suspend": True}}

    def relabel(self, name: Named) -> Body:
        """Draw a patch of labels, annotations or finalizers."""
        field = self._chance.choice(("labels", "annotations"))
        value = self._words.label() if field == "labels" else self._words.text()
        changes: list[Body] = [
            {field: {self._words.key(): value}},
            {"labels": {JOB_LABEL: None}},
            {"labels": {JOB_LABEL: name}},
            {"labels": None},
            {"finalizers": ["team.example/keep"]},
            {"finalizers": None},
            {"ownerReferences": None},
            {"labels": {"own": 7}},
        ]
        return {
            "metadata": {**self.preconditions(BATCH_JOBS, name), **self._chance.choice(changes)}
        }

    def preconditions(self, kind: Kind, name: Named) -> Body:
        """Draw what has to hold of an object, so that it is changed."""
        wanted: Body = {}
        if self._chance.random() < 0.7:
            wanted["uid"] = Uid(kind, name, self._chance.choice(("now",) * 5 + ("before", "other")))
        if self._chance.random() < 0.5:
            wanted["resourceVersion"] = Version(
                kind, name, self._chance.choice(("now",) * 5 + ("before", "other"))
            )
        return wanted

    def _spoil(self, body: Body) -> None:
        spec, words = body["spec"], self._words
        pod = spec["template"]["spec"]
        (worker,) = pod["containers"]
        ways: list[Callable[[], Any]] = [
            lambda: body["metadata"]["labels"].update({words.key(): words.label()}),
            lambda: body["metadata"]["annotations"].update({words.key(): words.text()}),
            lambda: spec["template"]["metadata"].update(annotations={words.key(): words.text()}),
            lambda: spec["template"]["metadata"]["labels"].update({words.key(): words.label()}),
            lambda: spec.update(backoffLimit=self._chance.choice((-1, 0, 7, 2**31, "1", None))),
            lambda: spec.update(activeDeadlineSeconds=self._chance.choice((-1, 0, 1, 2**40))),
            lambda: body["metadata"]["annotations"].update(own=Much("x", 262_000)),
            lambda: spec["template"]["metadata"].update(annotations={"own": Much("é", 132_000)}),
            lambda: spec.update(noSuchField=1),
            lambda: pod.update(noSuchField=1),
            lambda: pod.update(containers=[]),
            lambda: pod.update(restartPolicy=self._chance.choice(("Always", "OnFailure", ""))),
            lambda: pod.update(nodeSelector={words.key(): words.label()}),
            lambda: pod.update(containers=[worker, {"name": "worker", "image": IMAGE}]),
            lambda: worker.update(image=self._chance.choice(("", " x", "x\n", 7))),
            lambda: worker.update(name=self._chance.choice(("", "A", "a.b", "x" * 64, 7))),
            lambda: worker["env"].append(
                {
                    "name": self._chance.choice(("", "A=B", "a b", "é", "1", "A")),
                    "value": words.text(),
                }
            ),
            lambda: worker["env"].append(
                {"name": "A", "value": self._chance.choice((1, True, {}))}
            ),
            lambda: worker["volumeMounts"].append({"name": "gone", "mountPath": "/x"}),
            lambda: worker.update(
                resources={"limits": {"cpu": self._chance.choice(("1", "-1", 2))}}
            ),
            lambda: worker.update(noSuchField={"a": 1}),
            lambda: body["metadata"].update(ownerReferences=[{"kind": "Job", "name": "x"}]),
            lambda: body.update(metadata={"name": body["metadata"]["name"], "labels": {"x": 1}}),
            lambda: spec.update(template=[]),
        ]
        self._chance.choice(ways)()
