"""The outputs of a job, which its container leaves as its termination message."""

import json

from alidade_core.contract import RESERVED
from alidade_core.words import quoted_list


def read_outputs(text: str) -> tuple[dict[str, str], str | None]:
    """Read a job's outputs off its termination message.

    Returns:
        The outputs, and a sentence where the message is no JSON object of strings.
    """
    if not text.strip().startswith("{"):
        return {}, None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {}, f"ended well, but its termination message is no JSON ({error}): no outputs"
    found = {name: value for name, value in found.items() if not name.startswith(RESERVED)}
    wrong = [name for name, value in found.items() if not isinstance(value, str)]
    if wrong:
        return (
            {name: value for name, value in found.items() if isinstance(value, str)},
            f"ended well, but outputs {quoted_list(wrong)} are no strings and were left out",
        )
    return found, None
