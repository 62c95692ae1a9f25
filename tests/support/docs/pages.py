"""Blocks of code on the pages, and what the page says about running them.

A page says so in HTML comments, which a reader does not see:

    <!-- run: scene -->            the blocks that follow are run there, up to the next such comment
    <!-- run: cluster, at length -->     the same, but only by `make tutorials`
    <!-- not run: WHY -->          the next block is not run
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, RawFencedCodeBlockLexer

from tests.support.sources import REPOSITORY

_AT_LENGTH = ", at length"
_DIRECTIVES = DirectiveInHTMLCommentLexer("not run|run")
_FENCES = RawFencedCodeBlockLexer(re.compile(r"(?P<language>[^\n]*)\n"))


class World(StrEnum):
    """Where blocks are run; each has a test module."""

    WORKER = "worker"
    """Python with the worker's libraries: tests/unit/docs."""
    CHART = "chart"
    """An API server with the chart on it, helm and kubectl, and no pods: tests/chart."""
    SCENE = "scene"
    """Operator and MLflow too, where pods end well on paper: tests/integration."""
    CLUSTER = "cluster"
    """A real cluster: tests/e2e."""


NOTEBOOK = "examples/mnist/demo.md"
"""It is run as such."""
TEMPLATE = "client/alidade/template/README.md"
"""It is about another folder: tests/integration and tests/unit/examples/template."""
COMMANDS = ("sh", "console")
RUN = (*COMMANDS, "python")
SHOWN = "text"
LANGUAGES = (*RUN, "yaml", SHOWN)
"""Those that are run. What is shown is compared with what the block before it has printed."""


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: Path of the page.
        example: The block, as sybil has it.
        language: What is written behind the fence.
        world: Where it is run, as the page says; empty if it does not.
        at_length: Whether it is left out of `make test`.
        why_not: Why it is not run; empty if it is.
        shown: What the page says that it prints; None if it does not.
    """

    page: str
    example: Example
    language: str
    world: str
    at_length: bool
    why_not: str
    shown: str | None

    @property
    def source(self) -> str:
        """Its text."""
        return str(self.example.parsed)

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.page}:{self.example.line}"


@dataclass(frozen=True)
class _Said:
    """What a page says of a block."""

    language: str
    world: str
    at_length: bool
    why_not: str


@cache
def pages() -> tuple[str, ...]:
    """Return the paths of all pages."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md")
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    there = (page for page in listed.stdout.splitlines() if (REPOSITORY / page).exists())
    return tuple(sorted(set(there) - {NOTEBOOK, TEMPLATE}))


@cache
def blocks_of(page: str) -> tuple[Block, ...]:
    """Return the blocks of a page in their order."""
    said: list[_Said] = []

    def parse(document: Document) -> Iterator[Region]:
        for region, each in _regions(document):
            said.append(each)
            yield region

    document = Sybil([parse]).parse(REPOSITORY / page)
    examples = list(document.examples())
    shown = [
        str(example.parsed) if each.language == SHOWN and not each.why_not else None
        for example, each in zip(examples, said, strict=True)
    ]
    after = [*shown[1:], None][: len(shown)]
    return tuple(
        Block(page, example, each.language, each.world, each.at_length, each.why_not, below)
        for example, each, below in zip(examples, said, after, strict=True)
    )


def blocks() -> list[Block]:
    """Return all blocks of all pages."""
    return [block for page in pages() for block in blocks_of(page)]


def run_in(world: World, *languages: str, at_length: bool = False) -> list[Block]:
    """Return the blocks that are run in a world, in the order of their pages."""
    return [
        block
        for block in blocks()
        if block.world == world
        and block.language in languages
        and not block.why_not
        and (at_length or not block.at_length)
    ]


def _regions(document: Document) -> Iterator[tuple[Region, _Said]]:
    world, at_length, why_not = "", False, ""
    found = (*_FENCES(document), *_DIRECTIVES(document))
    for region in sorted(found, key=lambda region: region.start):
        lexemes = region.lexemes
        match lexemes.get("directive"):
            case None:
                said = _Said(str(lexemes["language"]).strip(), world, at_length, why_not)
                yield Region(region.start, region.end, parsed=lexemes["source"]), said
                why_not = ""
            case "not run":
                why_not = str(lexemes["arguments"])
            case _:
                arguments = str(lexemes["arguments"])
                world = arguments.removesuffix(_AT_LENGTH)
                at_length = arguments.endswith(_AT_LENGTH)
