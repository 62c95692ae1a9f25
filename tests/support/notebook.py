"""The example's notebook, executed cell by cell as JupyterLab does, and what its cells show."""

import base64
import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbconvert
import nbformat
from nbclient import NotebookClient
from PIL import Image

from tests.support.sources import EXAMPLE, python_path

NOTEBOOK = EXAMPLE / "demo.md"
SHORT: Mapping[str, str] = {"EPOCHS": "2", "IMAGES": "3000"}
"""Variables that make it short enough for a test."""

_SOURCES = python_path("core", "client", "worker")


@dataclass(frozen=True)
class Executed:
    """A notebook that was executed."""

    content: nbformat.NotebookNode

    def errors(self) -> list[str]:
        """Return what went wrong, for each cell in which something did."""
        return [
            f"{each['ename']}: {each['evalue']}\nin {cell['source']}"
            for cell in self.content["cells"]
            for each in cell.get("outputs", ())
            if each["output_type"] == "error"
        ]

    def shown(self, words: str, kind: str) -> list[str]:
        """Return what the one cell with these words shows, of a MIME type or a stream's name."""
        (cell,) = (
            cell
            for cell in self.content["cells"]
            if cell["cell_type"] == "code" and words in cell["source"]
        )
        return [text for each in cell["outputs"] for text in _texts(each, kind)]

    def pictures(self) -> list[Image.Image]:
        """Return all pictures, in their order."""
        return [
            Image.open(io.BytesIO(base64.b64decode(text)))
            for cell in self.content["cells"]
            for each in cell.get("outputs", ())
            for text in _texts(each, "image/png")
        ]

    def keep(self, folder: Path) -> None:
        """Write it down for people, as a notebook and as a page, and its pictures."""
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(self.content, folder / "demo.ipynb")
        page, _ = nbconvert.HTMLExporter().from_notebook_node(self.content)
        (folder / "demo.html").write_text(page)
        for number, picture in enumerate(self.pictures(), 1):
            picture.save(folder / f"{number}.png")


def execute(environment: Mapping[str, str]) -> Executed:
    """Execute the example's notebook where its folder is; go on after a cell that fails."""
    content = jupytext.read(NOTEBOOK)
    client = NotebookClient(
        content,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(EXAMPLE)}},
    )
    client.execute(env={**os.environ, "PYTHONPATH": _SOURCES, **environment})
    return Executed(content)


def shares(text: str) -> list[float]:
    """Return the percentages in a text, as shares of one."""
    return [float(each) / 100 for each in re.findall(r"(\d+\.\d)%", text)]


def _texts(output: Mapping[str, Any], kind: str) -> list[str]:
    if output["output_type"] == "stream":
        return [output["text"]] if output["name"] == kind else []
    return [text for found, text in output.get("data", {}).items() if found == kind]
