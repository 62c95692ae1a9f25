"""Write the table of a chart's values into its README, out of the comments in values.yaml.

A comment that begins with `# --` describes the value below it, and all that is in the value.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

BEGIN = "<!-- values: written by `make generate` -->"
END = "<!-- end of values -->"
MARK = "# --"
# A bar would end the cell.
BAR = "\\|"


def _comment(lines: list[str], line: int) -> str | None:
    """Return the description above a line, None where there is none."""
    words: list[str] = []
    for text in map(str.strip, reversed(lines[:line])):
        if not text.startswith("#"):
            return None
        if text.startswith(MARK):
            words.insert(0, text.removeprefix(MARK).strip())
            return " ".join(words)
        words.insert(0, text.removeprefix("#").strip())
    return None


def _rows(node: yaml.MappingNode, lines: list[str], path: str) -> Iterator[str]:
    for key, value in node.value:
        where = f"{path}{key.value}"
        description = _comment(lines, key.start_mark.line)
        if description is not None:
            default = json.dumps(yaml.safe_load(yaml.serialize(value)))
            cells = (f"`{where}`", f"`{default}`", description)
            yield f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |\n"
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _rows(value, lines, f"{where}.")
        else:
            raise SystemExit(f"values.yaml: {where} has no description: write `{MARK} ...` above")


def table(values: str) -> str:
    """Return the table of what a values.yaml describes.

    Raises:
        SystemExit: A value has no description; the message names it.
    """
    node = yaml.compose(values)
    if not isinstance(node, yaml.MappingNode):
        raise SystemExit("values.yaml: no mapping")
    return "| value | default | |\n|---|---|---|\n" + "".join(_rows(node, values.splitlines(), ""))


def main(folder: Path) -> None:
    """Rewrite what is between the markers of the chart's README."""
    readme = folder / "README.md"
    head, _, rest = readme.read_text().partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        raise SystemExit(f"{readme}: `{BEGIN}` and `{END}` have to be there, in this order")
    values = table((folder / "values.yaml").read_text())
    readme.write_text(f"{head}{BEGIN}\n{values}{END}{tail}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
