from datetime import UTC, datetime

import pytest

from alidade.tracking.answers import MAX_RETRY_AFTER_SECONDS, MAX_WORDS, first_words, retry_after

NOW = datetime(2025, 10, 21, 7, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", ""),
        ("<html><h1>401 of the door</h1></html>", "401 of the door"),
        (
            "<!DOCTYPE html>\n<html><head><title>413</title><style>h1 {color: red}</style></head>"
            "<body><center><h1>413 Request Entity Too Large</h1></center><hr>nginx</body></html>",
            "413 Request Entity Too Large nginx",
        ),
        ("<p>caf&eacute; <b>closed", "caf\u00e9 closed"),
        ("<script>unclosed", ""),
        ("Too many requests,\n  please try again", "Too many requests, please try again"),
        ('{"error_code": "X", "message": "no such run"}', "no such run"),
        ('{"message": 7}', '{"message": 7}'),
        ('{"message": "cut sho', '{"message": "cut sho'),
        ("[" * 100_000, "[" * MAX_WORDS + "..."),
        ("x" * 1000, "x" * MAX_WORDS + "..."),
    ],
)
def test_the_first_words_of_an_answer_are_on_one_line(body: str, words: str) -> None:
    assert first_words(body) == words


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("999999999", MAX_RETRY_AFTER_SECONDS),
        ("Tue, 21 Oct 2025 07:28:30 GMT", 30.0),
        ("Tue, 21 Oct 2025 07:28:30 -0000", 30.0),
        ("Tue, 21 Oct 2025 07:27:00 GMT", 0.0),
        ("Tue, 99 Oct 2025 07:27:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds
