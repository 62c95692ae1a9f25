import pytest

from alidade.domain.words import MAX_MESSAGE, quoted_list, shorten


def test_names_are_listed_in_quotes() -> None:
    assert quoted_list(["a", "b"]) == "'a', 'b'"
    assert quoted_list([]) == ""


@pytest.mark.parametrize("length", [0, 1, MAX_MESSAGE])
def test_a_text_that_fits_stays_as_it_is(length: int) -> None:
    assert shorten("x" * length) == "x" * length


def test_of_a_longer_text_the_end_is_kept() -> None:
    text = "x" * MAX_MESSAGE + "ValueError: the cause"
    short = shorten(text)
    assert len(short) == MAX_MESSAGE
    assert short.startswith("...x")
    assert short.endswith("ValueError: the cause")


def test_space_around_a_text_is_dropped() -> None:
    assert shorten(" \n text\n") == "text"
