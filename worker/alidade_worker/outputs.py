"""A job's outputs: small named values that other jobs can take as parameters.

An entry point calls :func:`set_output`. The worker hands the values to Kubernetes as the
container's termination message, which holds 4,096 bytes; what is larger belongs into an artifact
of the MLflow run.
"""

import json
import os
from pathlib import Path

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
        OutputsError: with this one, the outputs are longer than Kubernetes keeps.
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
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        values = json.loads(text or "{}")
    except json.JSONDecodeError as error:
        raise OutputsError(f"The entry point's outputs are not JSON: {error}.") from error
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
        raise OutputsError(f"The entry point's outputs are no JSON object of strings: {text[:200]}")
    return values


def render_outputs(values: dict[str, str]) -> str:
    """Return the termination message for these outputs.

    Raises:
        OutputsError: it would be longer than Kubernetes keeps.
    """
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    size = len(text.encode())
    if size > LIMIT_BYTES:
        raise OutputsError(
            f"The job's outputs take {size} bytes together; Kubernetes keeps {LIMIT_BYTES}. "
            "Log what is large as an artifact of the MLflow run."
        )
    return text
