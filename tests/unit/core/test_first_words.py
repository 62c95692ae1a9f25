import pytest

from alidade_core.first_words import MAX_WORDS, first_words


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
