"""What is printed, beside what a page shows."""

import pytest

from tests.support.docs.output import agrees

SHOWN = """
JOB     RUN       accuracy
first   FINISHED       0.75

8 of 8, packed as 860d390fe623 in 6.7 s, 5m45s old
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("0.75", "0.5"),
        ("860d390fe623", "0123456789ab"),
        ("6.7 s", "12 s"),
        ("5m45s", "3s"),
        ("first   ", "first                  "),
    ],
)
def test_what_differs_from_run_to_run_may_differ(before: str, after: str) -> None:
    assert agrees(SHOWN, SHOWN.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FINISHED", "FAILED"),
        ("0.75", ""),
        ("8 of 8", "7 of 8"),
        ("first ", "first \nsecond"),
        ("5m45s old", "5m45s old\nand more"),
    ],
)
def test_nothing_else_may(before: str, after: str) -> None:
    assert not agrees(SHOWN, SHOWN.replace(before, after))


def test_dots_stand_for_anything() -> None:
    assert agrees("made\n...\nended", "made\nstarted\nruns\nended\n")
    assert not agrees("made\n...\nended", "made\nstarted\n")
