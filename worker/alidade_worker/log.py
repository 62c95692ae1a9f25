"""What the worker itself says in a job's log, between the lines of the job."""

import sys


def say(text: str) -> None:
    """Write a line of the worker's own."""
    line = f"alidade-worker: {text}\n"
    sys.stderr.buffer.write(line.encode(errors="replace"))
    sys.stderr.buffer.flush()
