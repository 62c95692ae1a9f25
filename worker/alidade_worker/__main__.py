"""The worker image's entrypoint."""

import os
import sys

from alidade_worker.supervision import Supervisor


def main() -> int:
    """Run the entry point that the environment asks for and return the exit status to end with."""
    # A container's first process ignores SIGTERM unless it has a handler, and importing MLflow
    # below takes seconds: the handler has to be there before.
    supervisor = Supervisor()
    from alidade_worker.runner import run  # noqa: PLC0415

    return run(os.environ, supervisor)


if __name__ == "__main__":
    sys.exit(main())
