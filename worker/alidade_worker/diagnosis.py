"""Why an entry point failed, in a sentence or two, from how its process ended."""

import re
import signal

_TRACEBACK = "Traceback (most recent call last):"
_SHELL_SIGNAL_BASE = 128
_MESSAGE_CHARACTERS = 1000


def exit_status(returncode: int) -> int:
    """Return the status to exit with so as to pass an entry point's own ending on.

    A process that a signal ended has none of its own: it becomes 128 and the signal's number, as a
    shell and Kubernetes count.
    """
    return returncode if returncode >= 0 else _SHELL_SIGNAL_BASE - returncode


def explain_failure(entry_point: str, returncode: int, stderr: str) -> str:
    """Say what went wrong: the signal that ended the process, or its last words.

    The exit code is not said again: Kubernetes tells it beside the message.

    Args:
        entry_point: its name.
        returncode: as subprocess has it, not zero.
        stderr: the end of what the process wrote to standard error.
    """
    status = exit_status(returncode)
    number = _signal(status)
    if number is not None:
        return f"Entry point {entry_point} was ended by {number.name}{_HINTS.get(number, '')}."
    words = _last_exception(stderr) or _last_line(stderr)
    if not words:
        return f"Entry point {entry_point} wrote nothing to standard error."
    return f"Entry point {entry_point}: {words[:_MESSAGE_CHARACTERS]}"


_HINTS = {signal.SIGKILL: ", most often for want of memory"}


def _signal(status: int) -> signal.Signals | None:
    try:
        return signal.Signals(status - _SHELL_SIGNAL_BASE)
    except ValueError:
        return None


def _last_exception(stderr: str) -> str | None:
    """Return the line that names the exception of the last traceback, if there is one."""
    _, found, after = stderr.rpartition(_TRACEBACK)
    if not found:
        return None
    named = re.search(r"^(?![\s|+])\S.*$", after, flags=re.MULTILINE)
    return named.group().strip() if named else None


def _last_line(stderr: str) -> str | None:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1] if lines else None
