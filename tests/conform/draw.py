"""Sequences of requests, drawn by chance: the same for the same seed."""

import random
from collections.abc import Callable

from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EVENTS,
    EXPERIMENTS,
    JOBS,
    NAMESPACES,
    PODS,
    QUEUES,
    SERVICES,
    WORKLOADS,
    Kind,
)
from alidade_operator.loop.engine import SELECTORS
from alidade_operator.objects.well_known import JOB_LABEL
from tests.conform.bodies import Bodies
from tests.conform.statuses import Statuses
from tests.conform.steps import Much, Named, Place, Sequence, Step, Uid, Version
from tests.conform.words import A, Words

OURS = (JOBS, JOBS, JOBS, EXPERIMENTS, QUEUES)


LENGTHS = (2, 3, 4, 5, 2, 3, 4, 20)
"""Steps of a sequence: what is short is easily understood, what is lost and comes back is long."""


class Drawing:
    """Draws the steps of one sequence.

    Args:
        seed: Decides.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._words = Words(self._chance)
        self._bodies = Bodies(self._chance)
        self._statuses = Statuses(self._chance)

    def sequence(self, length: int) -> Sequence:
        """Draw a sequence; mostly there are a user's job and its batch/v1 Job to begin with."""
        first = [self._put(JOBS, A), self._create_batch_job()]
        given = first[: self._chance.choice((0, 1, 2, 2, 2))]
        return (*given, *(self._step() for _ in range(length)))

    def _step(self) -> Step:
        ways: list[tuple[float, Callable[[], Step]]] = [
            (6, self._create_batch_job),
            (1, self._create_service),
            (2, self._record_event),
            (3, self._get),
            (1, self._ask_for_what_is_not_there),
            (2, self._list),
            (6, self._patch),
            (8, self._write_status),
            (0.7, self._write_much),
            (4, self._delete),
            (1, self._read_log),
            (2, self._put_ours),
            (2, self._put_pod),
            (3, self._edit),
            (1, self._start),
            (2, self._take),
        ]
        (way,) = self._chance.choices([w for _, w in ways], [weight for weight, _ in ways])
        return way()

    def _place(self) -> Place:
        return self._chance.choice(("home",) * 30 + ("ending", "missing"))

    def _create_batch_job(self) -> Step:
        name = self._words.new_name()
        body = self._bodies.batch_job(name, odd=self._chance.random() < 0.35)
        return Step("create", BATCH_JOBS, name, self._place(), {"body": body})

    def _create_service(self) -> Step:
        name = self._words.new_name()
        return Step("create", SERVICES, name, self._place(), {"body": self._bodies.service(name)})

    def _record_event(self) -> Step:
        name = self._words.new_name()
        event = self._bodies.event(name)
        return Step("record_event", EVENTS, name, self._place(), {"event": event})

    def _get(self) -> Step:
        kind = self._chance.choice((*OURS, BATCH_JOBS, BATCH_JOBS, SERVICES, PODS))
        return Step("get", kind, self._words.name(), self._place())

    def _ask_for_what_is_not_there(self) -> Step:
        name = self._words.name()
        if self._chance.random() < 0.5:
            given = {"selector": [("own", "x")]}
            return Step(self._list_verb(), WORKLOADS, name, "home", given)
        return Step("get", NAMESPACES, Named("missing"))

    def _list(self) -> Step:
        kind = self._chance.choice(
            (JOBS, BATCH_JOBS, BATCH_JOBS, PODS, EXPERIMENTS, QUEUES, EVENTS)
        )
        name = self._words.name()
        if kind == EVENTS:
            # Those of controllers and of the operator, about one object.
            fields = [("regarding.uid", Uid(JOBS, name)), ("type", "Normal")]
            return Step(self._list_verb(), kind, name, self._place(), {"fields": fields})
        values: list[object] = [name, name, "x", "a b", Named("a", 64)]
        selectors = (None, [(JOB_LABEL,)], [(JOB_LABEL, self._chance.choice(values))])
        given = {
            "selector": self._chance.choice(selectors),
            "everywhere": self._chance.random() < 0.2,
        }
        return Step(self._list_verb(), kind, name, self._place(), given)

    def _list_verb(self) -> str:
        return self._chance.choice(("list_all", "list_pages"))

    def _patch(self) -> Step:
        name = self._words.name()
        drawn = self._chance.choice(
            (self._bodies.release, self._bodies.suspension, self._bodies.relabel)
        )
        return Step("patch", BATCH_JOBS, name, "home", {"patch": drawn(name)})

    def _write_status(self) -> Step:
        kind, name = self._chance.choice(OURS), self._words.name()
        patch = {
            "metadata": self._bodies.preconditions(kind, name),
            "status": self._statuses.change(kind),
        }
        return Step("patch_status", kind, name, "home", {"patch": patch})

    def _write_much(self) -> Step:
        """Draw a status that is, or is not, more than can be stored, or sent."""
        times = self._chance.choice((1_400_000, 1_700_000, 2_500_000, 3_200_000))
        patch = {"status": {"outputs": {"model": Much("x", times)}}}
        return Step("patch_status", JOBS, A, "home", {"patch": patch})

    def _delete(self) -> Step:
        kind = self._chance.choice((BATCH_JOBS, BATCH_JOBS, JOBS))
        name = self._words.name()
        given: dict[str, object] = {
            "uid": Uid(kind, name, self._chance.choice(("now", "now", "before", "other"))),
            "foreground": self._chance.random() < 0.5,
        }
        if self._chance.random() < 0.3:
            given["version"] = Version(kind, name, self._chance.choice(("now", "now", "before")))
        return Step("delete", kind, name, "home", given)

    def _read_log(self) -> Step:
        container = self._chance.choice(("worker", "fetch"))
        verb = self._chance.choice(("read_log", "log_begins"))
        return Step(verb, PODS, self._words.name(), "home", {"container": container})

    def _put_ours(self) -> Step:
        return self._put(self._chance.choice(OURS), self._words.name())

    def _put(self, kind: Kind, name: Named) -> Step:
        return Step("put", kind, name, "home", {"body": self._bodies.custom(kind, name)})

    def _put_pod(self) -> Step:
        name = self._words.name()
        return Step("put", PODS, name, "home", {"body": self._bodies.pod(name)})

    def _edit(self) -> Step:
        kind = self._chance.choice((BATCH_JOBS, JOBS, PODS))
        name = self._words.name()
        patch = self._bodies.relabel(name)
        if kind == JOBS and self._chance.random() < 0.5:
            patch = {"spec": {"suspend": self._chance.random() < 0.5}}
        patch["metadata"] = {
            key: value
            for key, value in patch.get("metadata", {}).items()
            if key not in ("uid", "resourceVersion")
        }
        return Step("edit", kind, name, "home", {"patch": patch})

    def _start(self) -> Step:
        """Tell of a batch/v1 Job, as the job controller does, that it runs."""
        status = {"startTime": "2026-03-01T12:00:00Z", "active": 1, "ready": 0}
        name = self._words.name()
        return Step("edit", BATCH_JOBS, name, "home", {"patch": {"status": status}, "status": True})

    def _take(self) -> Step:
        kind = self._chance.choice((JOBS, BATCH_JOBS, PODS))
        given = {"foreground": self._chance.random() < 0.3}
        return Step("take", kind, self._words.name(), "home", given)


_FROM_THE_START = tuple(
    Step("watch", kind, A, given={"selector": SELECTORS.get(kind), "since": "start"})
    for kind in (JOBS, BATCH_JOBS, PODS, EXPERIMENTS, QUEUES)
)
# What the API server still knows of Kubernetes' own kinds depends on when it was started.
_FROM_BEFORE = tuple(
    Step("watch", kind, A, given={"selector": None, "since": "before"}) for kind in OURS[2:]
)
WATCHES = (*_FROM_THE_START, *_FROM_BEFORE)
"""What is asked after each sequence: of what happened since it began, and since long before."""


def draw(seed: int) -> Sequence:
    """Return the sequence of a seed."""
    drawing = Drawing(seed)
    return drawing.sequence(LENGTHS[seed % len(LENGTHS)])
