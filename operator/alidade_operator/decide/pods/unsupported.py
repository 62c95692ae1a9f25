"""An image that does not keep to the contract by which a workflow's source is handed over.

Its container has no such program and cannot be started, which no other attempt would change.
containerd tells so as the container's end; CRI-O keeps it waiting, and tries for ever.
"""

import re
from collections.abc import Sequence

from alidade_core.contract import SOURCE_COMMAND
from alidade_operator.objects.views import Container, Pod

# runc's words, and crun's.
_NO_SUCH_PROGRAM = re.compile(
    f'exec: "{SOURCE_COMMAND}": executable file not found'
    f"|executable file `{SOURCE_COMMAND}` not found"
)


def first_unsupported(pods: Sequence[Pod]) -> Pod | None:
    """Return a pod whose image cannot be handed its workflow's source, None if there is none."""
    return next((pod for pod in pods if is_unsupported(pod)), None)


def is_unsupported(pod: Pod) -> bool:
    """Whether a pod's image cannot be handed its workflow's source."""
    return pod.container is not None and _NO_SUCH_PROGRAM.search(_words(pod.container)) is not None


def why_unsupported(pod: Pod) -> str:
    """Say so, and what to do."""
    return (
        f"image {pod.image} does not keep to the contract {SOURCE_COMMAND} (it has no such "
        "program), so it is not run without its workflow's source; make it from the worker's image"
    )


def _words(container: Container) -> str:
    if container.waiting:
        return container.waiting.message
    ended = container.terminated
    # One that was started may write anything.
    return ended.message if ended and ended.started is None else ""
