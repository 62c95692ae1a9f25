import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_core.words import MAX_MESSAGE, clean, clip, quoted_list, shorten

ANY = st.text(st.characters(codec=None, categories=None))
STORABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


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


@given(ANY)
def test_what_was_cleaned_can_be_stored(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.encode().decode() == cleaned
    assert "\0" not in cleaned


@given(STORABLE)
def test_what_can_be_stored_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\udc00", "\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("a\0b", "a\ufffdb"),
        (
            "\x7f\x80\x85\x1b[31m\ufffe\u202e\U0001f600",
            "\x7f\x80\x85\x1b[31m\ufffe\u202e\U0001f600",
        ),
    ],
)
def test_only_halves_and_nul_are_replaced(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(ANY, st.integers(0, 50))
def test_a_clipped_text_is_a_beginning_of_so_many_bytes(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert clean(text).startswith(clipped)
    assert len(clipped.encode()) <= limit
    assert len(clipped.encode()) > limit - 4 or clipped == clean(text)
