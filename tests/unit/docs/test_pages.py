"""Every block of every page is run somewhere, or the page says why it is not."""

from collections import Counter
from itertools import pairwise

import pytest

from tests.support.docs.pages import (
    LANGUAGES,
    RUN,
    SHOWN,
    Block,
    World,
    blocks,
    blocks_of,
    pages,
)
from tests.support.docs.snippets import snippets

NOT_RUN = {
    "README.md": 2,
    "docs/air-gapped.md": 3,
    "docs/architecture.md": 2,
    "docs/conformance.md": 1,
    "docs/installation.md": 2,
    "docs/kubectl.md": 1,
    "docs/notebook.md": 3,
    "docs/performance.md": 4,
    "docs/tutorial-kubectl.md": 1,
    "docs/tutorial-python.md": 1,
    "docs/workflows.md": 3,
    "examples/plugins/README.md": 1,
}
"""By page, how many of its blocks are not run; a new one belongs here, with a good reason there."""


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.place)
def test_it_is_run_or_the_page_says_why_not(block: Block) -> None:
    if block.why_not:
        return
    assert block.language in LANGUAGES, (
        f"{block.place}: {block.language or 'a block without a language'} is never run: make it one"
        f" of {', '.join(LANGUAGES)}, or put <!-- not run: WHY --> before it"
    )
    if block.language in RUN:
        assert block.world in set(World), (
            f"{block.place}: put <!-- run: WORLD --> before it, with one of {', '.join(World)},"
            " or <!-- not run: WHY -->"
        )
    if block.language == "yaml":
        assert list(snippets(block.source))


@pytest.mark.parametrize("page", pages())
def test_what_is_shown_is_printed_by_what_is_run(page: str) -> None:
    found = blocks_of(page)
    for before, block in pairwise((None, *found)):
        if block is not None and block.language == SHOWN and not block.why_not:
            run = before is not None and before.language in RUN and not before.why_not
            assert run, f"{block.place} is printed by nothing that is run before it"


def test_few_are_not_run() -> None:
    assert Counter(block.page for block in blocks() if block.why_not) == NOT_RUN
