"""Objects as earlier commits stored them: what a cluster may hold when the operator is upgraded."""

from pathlib import Path
from typing import Any

import yaml


def objects(commit: str) -> list[dict[str, Any]]:
    """Return the objects that a commit stored."""
    text = (Path(__file__).parent / f"{commit}.yaml").read_text()
    return list(yaml.safe_load_all(text))


def name_of(stored: dict[str, Any]) -> str:
    """Return what a test calls such an object."""
    return f"{stored['kind']} {stored['metadata']['name']}"
