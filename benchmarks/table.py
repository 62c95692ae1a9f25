"""What a benchmark has found, as a table for people and as JSON."""

import json
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.support.audit import Key


@dataclass(frozen=True)
class Figure:
    """A line of the table.

    Attributes:
        what: What was measured.
        ours: What it is with Alidade.
        beside: What it is without, of the same run; empty where there is nothing of the kind.
        ratio: The one by the other, None where there is none.
        details: What it consists of, by name.
    """

    what: str
    ours: str
    beside: str = ""
    ratio: float | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return it as a line of a table."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return f"| {self.what} | {self.ours} | {self.beside} | {ratio} |"


HEAD = "| figure | Alidade | beside it | ratio |\n|---|---|---|---|"


def with_spread(values: Sequence[float], unit: str = "s") -> str:
    """Return the median and what the values lie between."""
    middle = statistics.median(values)
    return f"{middle:.1f} ({min(values):.1f} to {max(values):.1f}) {unit}"


def percentiles(seconds: Iterable[float]) -> str:
    """Return how long it took half of them and all but a hundredth, in milliseconds."""
    ordered = sorted(seconds)
    half, most = (ordered[int(share * (len(ordered) - 1))] * 1000 for share in (0.5, 0.99))
    return f"p50 {half:.0f}, p99 {most:.0f} ms"


def each(counts: Mapping[Key, int], jobs: int) -> dict[str, float]:
    """Return requests a job by verb and resource, the most first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return {" ".join(key): round(count / jobs, 2) for key, count in ordered}


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return by how much the second grows with the first, by least squares."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def machine() -> str:
    """Return what machine this is."""
    (model, *_) = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ] or [platform.machine()]
    count = Path("/proc/cpuinfo").read_text().count("processor\t")
    return f"{count} x {model}, Linux {platform.release()}, Python {platform.python_version()}"


def write(figures: Sequence[Figure], folder: Path, command: str) -> None:
    """Write the table and the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"`{command}` on {machine()}", "", HEAD, *(f.markdown() for f in figures)]
    for found in figures:
        if found.details:
            lines += ["", f"{found.what}:", ""]
            lines += [f"- {name}: {value}" for name, value in found.details.items()]
    (folder / "table.md").write_text("\n".join(lines) + "\n")
    content = {"command": command, "machine": machine(), "figures": [asdict(f) for f in figures]}
    (folder / "table.json").write_text(json.dumps(content, indent=1) + "\n")
