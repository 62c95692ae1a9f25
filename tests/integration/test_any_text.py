"""Text of all planes, controls and halves of pairs too, from all who say something of a job."""

import html
import json
from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.integration.bench import NewOperator
from tests.integration.policy import webhook
from tests.integration.scene import BATCH_JOB, Scene
from tests.integration.test_logs import artifact, until_archived
from tests.support.control_plane import ControlPlane, node
from tests.support.door import Answer, Door
from tests.support.kubelet import failed, running, succeeded, waiting
from tests.support.kubelet_logs import LogServer, line
from tests.support.manifests import EXPERIMENT, Body, experiment, job, queue
from tests.support.operator import Operator
from tests.support.polling import eventually
from tests.support.tracking import TrackingServer
from tests.support.webhook import Webhook

POOL = "odd"
LOST = "\N{REPLACEMENT CHARACTER}"
# With what follows it, it may be an order to a terminal, which is left out.
ESCAPE = "\x1b"
ODD = (
    f"\x00\x07\t\n\r{ESCAPE}\x7f\x80\x85\x9f\u2028\u202e\u2066\u200b"
    "\ufdd0\ufffe\uffff\ud800 \udfff<&\U0001f600\U0010ffff"
)
DRAWN = st.text(st.characters(exclude_categories=(), exclude_characters=ESCAPE), max_size=40)
# All odd ones are in each, as few are drawn. Two halves in a row are one character, as JSON has it.
ANY = st.builds("{}{}{}".format, DRAWN, st.just(ODD), DRAWN).map(json.dumps).map(json.loads)
# What no environment holds is refused when it is applied; halves are no UTF-8, and cannot be.
VALUES = ANY.map(lambda text: "".join(c for c in text if allowed(c)))
# What else a log may have: bytes that are no text.
NO_TEXT = b"\xff\xc3\n"
FEW = settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
numbers = count()


def allowed(c: str) -> bool:
    return c in "\t\n\r" or (c >= " " and not is_half(c))


def is_half(c: str) -> bool:
    return "\ud800" <= c <= "\udfff"


def kept(text: str) -> str:
    """Return what JSON can keep of a text."""
    return "".join(LOST if is_half(c) else c for c in text)


def seen(text: str) -> str:
    """Return what is left of a text on whatever way it came."""
    return "".join(c for c in kept(text) if not c.isspace() and c not in f"\0{LOST}")


def tells(status: Body, text: str) -> bool:
    """Say whether a status has all of a text, in its order."""
    cause = status.get("rootCause", {})
    told = (status.get("message", ""), cause.get("lastLines", ""))
    return any(seen(text) in seen(part) for part in told)


@pytest.fixture(scope="module")
def door(tracking: TrackingServer) -> Iterator[Door]:
    with Door(tracking.uri) as door:
        yield door


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator, door: Door) -> Iterator[Operator]:
    with new_operator(tracking_uri=door.uri) as operator:
        yield operator
        assert operator.runs, operator.log_tail()
        assert "reconcile.crashed" not in operator.log()


@pytest.fixture(scope="module")
def logs(plane: ControlPlane) -> Iterator[dict[str, bytes]]:
    """What pods on a node of their own say, by the names of their jobs."""
    said: dict[str, bytes] = {}

    def says(pod: str, _: str) -> bytes:
        return said.get(pod.rpartition("-")[0], line(pod).encode())

    with LogServer(plane.folder, says) as server:
        plane.apply(node("odd-0", POOL, log_port=server.port))
        yield said
        plane.kubectl("delete", "node", "odd-0")


@pytest.fixture
def odd(operator: Operator, logs: dict[str, bytes], empty_scene: Scene) -> Scene:
    """A namespace whose pods run on that node."""
    empty_scene.apply(queue(nodeSelector={"alidade.dev/pool": POOL}), experiment())
    return empty_scene


@pytest.fixture
def guard(odd: Scene, plane: ControlPlane) -> Iterator[Webhook]:
    """A webhook that refuses the batch/v1 Jobs of that namespace."""
    words = "not before it is asked"
    with (
        Webhook(plane.folder, words) as guard,
        webhook(odd, plane, guard.client_config, words),
    ):
        yield guard


@FEW
@given(text=ANY, value=VALUES)
def test_any_text_is_told_and_values_arrive_as_they_were_typed(
    odd: Scene, logs: dict[str, bytes], text: str, value: str
) -> None:
    number = next(numbers)
    gives, takes, fails, says, pulls = (
        f"{what}-{number}" for what in ["gives", "takes", "fails", "says", "pulls"]
    )
    sentence = " ".join(text.split())
    logs[says] = text.encode("utf-8", "surrogatepass") + NO_TEXT
    odd.let(gives, [running(), succeeded({"any": text, "value": value})])
    odd.let(fails, [running(), failed(1, sentence)])
    odd.let(says, [running(), failed(1)])
    odd.let(pulls, [waiting("ErrImagePull", text)])
    parameters = [
        {"name": "typed", "value": value},
        {"name": "given", "valueFrom": {"job": gives, "output": "value"}},
    ]
    wants = job(takes, gives, parameters=parameters)
    wants["metadata"]["annotations"] = {"alidade.dev/submitted-by": value}
    odd.apply(job(gives), *map(job, (fails, says, pulls)), wants)

    odd.until(takes, "Finished")
    (pod,) = odd.pods(takes)
    arrived = json.loads(pod["metadata"]["annotations"]["alidade.dev/parameters"])
    assert arrived == {"typed": value, "given": value}
    assert odd.status(gives)["outputs"] == {"any": kept(text), "value": value}
    annotations = odd.get(BATCH_JOB, takes)["metadata"]["annotations"]
    assert annotations["alidade.dev/submitted-by"] == value
    for name, words in ((fails, sentence), (says, text)):
        status = odd.until(name, "Failed")
        assert tells(status, words), (name, words, status)
    status = odd.until(pulls, "Queued", "ImagePullBackOff")
    assert tells(status, text), (text, status)
    odd.let(pulls, [waiting("ErrImagePull", text), running(), succeeded()])
    odd.until(pulls, "Finished")
    for name in (gives, takes, fails, says, pulls):
        odd.until_tracked(name)
    until_archived(odd, says)
    (pod,) = odd.pods(says)
    path = f"logs/{pod['metadata']['name']}/worker.log"
    assert artifact(odd, odd.status(says)["mlflowRunId"], path) == logs[says]


@FEW
@given(text=ANY)
def test_whatever_mlflow_says_is_told_and_the_job_runs_once_it_takes_it(
    odd: Scene, door: Door, text: str
) -> None:
    name = f"job-{next(numbers)}"
    odd.until_registered(EXPERIMENT)
    said = json.dumps({"error_code": "PERMISSION_DENIED", "message": text}).encode()
    door.turn_away(Answer(403, said, "application/json"))
    try:
        odd.apply(job(name))
        status = odd.until(name, "Queued", "TrackingUnavailable")
    finally:
        door.open()
    assert tells(status, text), (text, status)
    odd.until(name, "Finished")


@FEW
@given(text=ANY)
def test_whatever_a_webhook_says_is_told_and_the_job_runs_once_it_lets_it(
    odd: Scene, guard: Webhook, text: str
) -> None:
    name = f"job-{next(numbers)}"
    guard.words = text
    odd.apply(job(name))
    status = odd.until(name, "Waiting", "BackingJobRejected")
    guard.words = None
    assert tells(status, text), (text, status)
    odd.until(name, "Finished")


@FEW
@given(text=ANY)
def test_whatever_a_proxys_page_says_is_told_where_the_job_tells_of_its_run_and_logs(
    odd: Scene, door: Door, text: str
) -> None:
    name = f"job-{next(numbers)}"
    odd.let(name, [running()])
    odd.apply(job(name))
    odd.until(name, "Started")
    page = f"<html><head><title>Gateway</title></head><body>{html.escape(text)}</body></html>"
    kind = "text/html; charset=utf-8"
    door.turn_away(Answer(504, page.encode("utf-8", "surrogatepass"), kind))
    try:
        odd.let(name, [running(), failed(1, "no luck")])
        odd.until(name, "Failed")
        for condition in ("Tracked", "LogsArchived"):
            eventually(partial(lacks, odd, name, condition, text))
    finally:
        door.open()
    odd.until_tracked(name)
    until_archived(odd, name)


def lacks(scene: Scene, name: str, kind: str, words: str) -> bool:
    condition = {c["type"]: c for c in scene.status(name)["conditions"]}[kind]
    assert condition["status"] == "False", condition
    assert tells(condition, words), (words, condition)
    return True
