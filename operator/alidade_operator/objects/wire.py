"""Pods and batch/v1 Jobs as JSON, as far as they are read: anybody may store one, however odd.

What core/v1 and batch/v1 allow is taken, with what cannot be made sense of as not known: a time
that no calendar has, an index that is no number. Text is cleaned as it enters.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from alidade_core.words import clean

# What the kubelet reports as the start of a container that its runtime could not start.
_NEVER = datetime.fromtimestamp(0, UTC)


def parse_time(text: object) -> datetime | None:
    """Read a metav1.Time; None, the epoch, which stands for never, and what is no time are None."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return None if time == _NEVER else time


def _text(found: object) -> object:
    return clean(found) if isinstance(found, str) else ("" if found is None else found)


def _texts(found: object) -> object:
    """Keep what is text: of labels and annotations no more is asked."""
    if not isinstance(found, dict):
        return {} if found is None else found
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _version(found: object) -> object:
    # Comparable as integers: KEP-5504.
    if isinstance(found, str) and found.isascii() and found.isdigit():
        return found
    raise ValueError("must be a number, as text")


def _or(default: Callable[[], Any]) -> BeforeValidator:
    return BeforeValidator(lambda found: default() if found is None else found)


T = TypeVar("T")
Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[dict[str, Text], BeforeValidator(_texts)]
Time = Annotated[datetime | None, BeforeValidator(parse_time)]
Number = Annotated[int, _or(int)]
Flag = Annotated[bool, _or(bool)]
Things = Annotated[tuple[T, ...], _or(tuple)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class Owner(_Wire):
    """metav1.OwnerReference."""

    uid: Text = ""
    controller: Flag = False


class ObjectMeta(_Wire):
    """metav1.ObjectMeta of an object that is stored."""

    name: Text
    namespace: Text
    uid: Text
    resource_version: Annotated[str, BeforeValidator(_version)]
    labels: Texts = {}
    annotations: Texts = {}
    owner_references: Things[Owner] = ()
    creation_timestamp: Time = None
    deletion_timestamp: Time = None
    deletion_grace_period_seconds: int | None = None
    finalizers: Things[Text] = ()

    @property
    def controller(self) -> str | None:
        """The UID of the object that it is a part of, None where there is none."""
        return next((owner.uid for owner in self.owner_references if owner.controller), None)


class Condition(_Wire):
    """core/v1 PodCondition and batch/v1 JobCondition."""

    type: Text = ""
    status: Text = ""
    reason: Text = ""
    message: Text = ""
    last_transition_time: Time = None


class Waiting(_Wire):
    """core/v1 ContainerStateWaiting."""

    reason: Text = ""
    message: Text = ""


class Running(_Wire):
    """core/v1 ContainerStateRunning."""

    started_at: Time = None


class Terminated(_Wire):
    """core/v1 ContainerStateTerminated."""

    exit_code: Number = 0
    signal: int | None = None
    reason: Text = ""
    message: Text = ""
    started_at: Time = None
    finished_at: Time = None


class State(_Wire):
    """core/v1 ContainerState."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(_Wire):
    """core/v1 ContainerStatus."""

    name: Text = ""
    state: Annotated[State, _or(State)] = State()
    last_state: Annotated[State, _or(State)] = State()
    started: Flag = False
    restart_count: Number = 0
    image_id: Annotated[Text, Field(alias="imageID")] = ""


class PodStatus(_Wire):
    """core/v1 PodStatus."""

    phase: Text = ""
    reason: Text = ""
    message: Text = ""
    start_time: Time = None
    conditions: Things[Condition] = ()
    init_container_statuses: Things[ContainerStatus] = ()
    container_statuses: Things[ContainerStatus] = ()


class Resources(_Wire):
    """core/v1 ResourceRequirements."""

    limits: Annotated[dict[str, Any], _or(dict)] = {}


class Container(_Wire):
    """core/v1 Container."""

    name: Text = ""
    image: Text = ""
    restart_policy: Text = ""
    resources: Annotated[Resources, _or(Resources)] = Resources()
    liveness_probe: Any = None


class PodSpec(_Wire):
    """core/v1 PodSpec."""

    node_name: Text = ""
    init_containers: Things[Container] = ()
    containers: Things[Container] = ()
    resources: Annotated[Resources, _or(Resources)] = Resources()


class Pod(_Wire):
    """core/v1 Pod."""

    metadata: ObjectMeta
    spec: Annotated[PodSpec, _or(PodSpec)] = PodSpec()
    status: Annotated[PodStatus, _or(PodStatus)] = PodStatus()


class TemplateMeta(_Wire):
    """metav1.ObjectMeta of a template."""

    labels: Texts = {}
    annotations: Texts = {}


class Template(_Wire):
    """core/v1 PodTemplateSpec."""

    metadata: Annotated[TemplateMeta, _or(TemplateMeta)] = TemplateMeta()


class JobSpec(_Wire):
    """batch/v1 JobSpec."""

    suspend: Flag = False
    template: Annotated[Template, _or(Template)] = Template()


class JobStatus(_Wire):
    """batch/v1 JobStatus."""

    conditions: Things[Condition] = ()
    succeeded: Number = 0
    failed: Number = 0
    completed_indexes: Text = ""


class Job(_Wire):
    """batch/v1 Job."""

    metadata: ObjectMeta
    spec: Annotated[JobSpec, _or(JobSpec)] = JobSpec()
    status: Annotated[JobStatus, _or(JobStatus)] = JobStatus()
