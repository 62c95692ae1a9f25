"""A job's outputs: small named values that other jobs can take as parameters.

An entry point calls :func:`set_output`. The worker hands the values to Kubernetes as the
container's termination message, which holds 4,096 bytes; what is larger belongs into an artifact
of the MLflow run.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from alidade_core.contract import RESERVED
from alidade_worker.errors import OutputsError

OUTPUTS = "ALIDADE_OUTPUTS"
"""Variable that names the file in which an entry point leaves its outputs."""

LIMIT_BYTES = 4096
"""The longest termination message that Kubernetes keeps."""


def set_output(name: str, value: object) -> None:
    """Give the running job an output; without Alidade around it, do nothing.

    Args:
        name: what other jobs ask for with ``valueFrom.output``.
        value: its text, ``str(value)``, is what they get. A second call replaces it.

    Raises:
        OutputsError: the name is one of the worker's own, or with this one the outputs are longer
            than Kubernetes keeps.
    """
    file = os.environ.get(OUTPUTS)
    if not file:
        return
    values = read_outputs(Path(file)) | {name: str(value)}
    Path(file).write_text(render_outputs(values), encoding="utf-8")


def read_outputs(file: Path) -> dict[str, str]:
    """Read what an entry point has left, nothing where it left no file.

    Raises:
        OutputsError: the file is not a JSON object of strings.
    """
    text = file.read_bytes() if file.exists() else b""
    try:
        values = json.loads(text or b"{}")
    except (ValueError, RecursionError) as error:
        raise OutputsError(f"The entry point's outputs are not JSON: {error}.") from error
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        begin = text[:200].decode(errors="replace")
        raise OutputsError(f"The entry point's outputs are no JSON object of strings: {begin}")
    return values


def render_outputs(values: Mapping[str, str], own: Mapping[str, str] | None = None) -> str:
    """Return the termination message for these outputs.

    Args:
        values: The job's.
        own: The worker's own, which are left out where there is no room for them.

    Raises:
        OutputsError: it would be longer than Kubernetes keeps, or a name is one of the worker's.
    """
    for name in values:
        if name.startswith(RESERVED):
            raise OutputsError(
                f"Output {name} cannot be: names that begin with {RESERVED} are the worker's."
            )
    text = _render(values)
    size = len(text.encode())
    if size > LIMIT_BYTES:
        raise OutputsError(
            f"The job's outputs take {size} bytes together; Kubernetes keeps {LIMIT_BYTES}. "
            "Log what is large as an artifact of the MLflow run."
        )
    all_of_it = _render({**values, **(own or {})})
    return all_of_it if len(all_of_it.encode()) <= LIMIT_BYTES else text


def _render(values: Mapping[str, str]) -> str:
    text = json.dumps(dict(values), ensure_ascii=False, separators=(",", ":"))
    # Halves of pairs, as from a file name that is no text, are characters that nothing takes.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
