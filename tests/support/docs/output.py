"""What a block printed, beside what the page says.

They are the same but for what differs from run to run: measured numbers, times, IDs, and how wide a
table is. `...` on the page stands for anything.
"""

import re

_ANYTHING = r"\.\.\."
_VARIES = {
    _ANYTHING: r".*?",
    r"\b[0-9a-f]{32,64}\b": r"[0-9a-f]{32,64}",
    r"\b[0-9a-f]{12}\b": r"[0-9a-f]{12}",
    # Ages, as 5m45s or 12 s.
    r"\b(?:\d+[dhms])+(?![\w%])": r"(?:\d+[dhms])+",
    r"\b\d+(?:\.\d+)? s\b": r"\d+(?:\.\d+)? s",
    r"\b\d+\.\d+(?:e-?\d+)?": r"\d+\.\d+(?:e-?\d+)?",
    # Lines of tables are as long as their columns are wide.
    r"[━─═]{2,}": r"[━─═]+",
    r"\s+": r"\s+",
}
_PATTERN = re.compile("|".join(f"(?P<v{n}>{each})" for n, each in enumerate(_VARIES)))
_REPLACEMENTS = tuple(_VARIES.values())


def agrees(shown: str, printed: str) -> bool:
    """Say whether what was printed is what the page shows."""
    return re.fullmatch(_as_pattern(shown.strip()), printed.strip(), re.DOTALL) is not None


def _as_pattern(shown: str) -> str:
    parts, end = [], 0
    for found in _PATTERN.finditer(shown):
        parts += [re.escape(shown[end : found.start()]), _replacement(found)]
        end = found.end()
    return "".join([*parts, re.escape(shown[end:])])


def _replacement(found: re.Match[str]) -> str:
    number = next(n for n, _ in enumerate(_REPLACEMENTS) if found.group(f"v{n}") is not None)
    return _REPLACEMENTS[number]
