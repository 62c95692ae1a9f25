"""What the command line costs before it does anything."""

import os
import subprocess
import sys

from tests.support.sources import REPOSITORY

# Whatever takes long to import and help needs nothing of.
_HEAVY = ("kr8s", "httpx", "pydantic", "yaml", "asyncio", "pathspec")


def test_help_needs_none_of_what_takes_long_to_import() -> None:
    program = (
        "import sys; from alidade.cli import app; sys.argv = ['kubectl-alidade', '--help']\n"
        "try: app.main()\n"
        f"finally: print(sorted(set({_HEAVY}) & set(sys.modules)), file=sys.stderr)"
    )
    paths = os.pathsep.join(str(REPOSITORY / name) for name in ("client", "core"))
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{paths}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stderr.strip() == "[]"
    for command in ("submit", "tree", "why", "logs", "results", "doctor"):
        assert command in told.stdout
