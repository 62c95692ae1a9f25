"""Code blocks that run one after the other in this process, as the cells of a notebook do."""

import ast
import io
import re
import subprocess
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

_BASH = "%%bash\n"
_FENCED = re.compile(r"^```(\w+)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


def fenced(path: Path) -> list[tuple[str, str]]:
    """Return the code blocks of a page, each with its language."""
    return [(found[1], found[2]) for found in _FENCED.finditer(path.read_text())]


class Cells:
    """What earlier blocks have left for later ones.

    Attributes:
        names: The variables.
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def run(self, block: str) -> str:
        """Run a block, in the current directory; return what it displays.

        Raises:
            subprocess.CalledProcessError: It is one of `%%bash` that fails.
        """
        if block.startswith(_BASH):
            command = ["bash", "-c", block.removeprefix(_BASH)]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout
        # Of each expression the value is displayed, as at a prompt.
        code = compile(ast.Interactive(ast.parse(block).body), "<block>", "single")
        with redirect_stdout(io.StringIO()) as shown:
            exec(code, self.names)
        return shown.getvalue()
