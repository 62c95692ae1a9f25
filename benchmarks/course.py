"""The course of a long run: what is read while it goes on, and how it is drawn."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure as Drawing

from tests.support.operator import Operator

INTERVAL_SECONDS = 2.0
_BIN_SECONDS = 20.0


@dataclass
class Course:
    """What was read, moment after moment; times are seconds of the clock since 1970.

    Attributes:
        times: When it was read.
        resident: Bytes of the operator's memory.
        processor: Seconds of the processors that the operator had had.
        requests: When each of its requests was answered.
        releases: When each release was, and how many seconds after what it waited for.
        ended: When each batch/v1 Job had ended.
    """

    times: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    releases: list[tuple[float, float]] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def recorded(self, operator: Operator) -> AsyncIterator[None]:
        """Read what an operator takes, until the context is left."""

        async def read() -> None:
            while True:
                self.times.append(time.time())
                self.resident.append(operator.resident_bytes)
                self.processor.append(operator.processor_seconds)
                await asyncio.sleep(INTERVAL_SECONDS)

        task = asyncio.create_task(read())
        try:
            yield
        finally:
            task.cancel()

    def draw(self, title: str, file: Path) -> None:
        """Draw it as a PNG: memory, processor and requests, ends, latencies."""
        begun = self.times[0]
        drawing = Drawing(figsize=(9, 9), layout="constrained")
        memory, rates, ends, latencies = drawing.subplots(4, sharex=True)
        drawing.suptitle(title)
        at = [(moment - begun) / 60 for moment in self.times]
        memory.plot(at, [size / 1e6 for size in self.resident])
        memory.set_ylabel("resident, MB")
        memory.set_ylim(bottom=0)
        minutes, counts = _binned([(moment - begun) for moment in self.requests])
        rates.plot(minutes, counts, label="requests a second")
        busy = [100 * share for share in _slopes(self.times, self.processor)]
        rates.plot(at[1:], busy, label="processor, % of one", alpha=0.6)
        rates.set_ylabel("the operator's")
        rates.set_ylim(bottom=0)
        rates.legend()
        ordered = sorted(moment - begun for moment in self.ended)
        ends.plot([moment / 60 for moment in ordered], range(1, len(ordered) + 1))
        ends.set_ylabel("jobs ended")
        moments = [((moment - begun) / 60, seconds) for moment, seconds in self.releases]
        latencies.plot(*zip(*moments, strict=True), ".", markersize=2, alpha=0.5)
        latencies.set_yscale("log")
        latencies.set_ylabel("release latency, s")
        latencies.set_xlabel("minutes")
        for axes in (memory, rates, ends, latencies):
            axes.grid(alpha=0.3)
        file.parent.mkdir(parents=True, exist_ok=True)
        drawing.savefig(file, dpi=80)


def _binned(seconds: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the middles of stretches in minutes, and how many a second there were in each."""
    most = int(max(seconds, default=0.0) // _BIN_SECONDS) + 1
    counts = [0] * most
    for moment in seconds:
        counts[max(0, int(moment // _BIN_SECONDS))] += 1
    middles = [(number + 0.5) * _BIN_SECONDS / 60 for number in range(most)]
    return middles, [count / _BIN_SECONDS for count in counts]


def _slopes(times: Sequence[float], values: Sequence[float]) -> list[float]:
    steps = zip(times, times[1:], values, values[1:], strict=False)
    return [(later - value) / (after - at) for at, after, value, later in steps]
