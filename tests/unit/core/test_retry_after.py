import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_core.retry_after import MAX_SECONDS, retry_after

# A server whose clock is years behind.
SENT = "Tue, 21 Oct 2014 07:28:00 GMT"


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("nan", None),
        ("-3", None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("9" * 400, MAX_SECONDS),
        ("Tue, 21 Oct 2014 07:28:30 GMT", 30.0),
        ("Tue, 21 Oct 2014 07:28:30 -0000", 30.0),
        ("Tue, 21 Oct 2014 09:28:30 +0200", 30.0),
        ("Tue, 21 Oct 2014 07:27:00 GMT", 0.0),
        ("Wed, 22 Oct 2014 07:28:00 GMT", MAX_SECONDS),
        ("Tue, 99 Oct 2014 07:27:00 GMT", None),
        ("Tue, 21 Oct 99999 07:28:00 GMT", None),
    ],
)
def test_it_is_seconds_or_a_date_by_the_servers_own_clock(told: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": told, "Date": SENT}) == seconds


@pytest.mark.parametrize("sent", [{}, {"Date": ""}, {"Date": "today"}])
def test_a_date_of_a_server_whose_time_is_not_known_says_nothing(sent: dict[str, str]) -> None:
    assert retry_after({"Retry-After": "Tue, 21 Oct 2014 07:28:30 GMT", **sent}) is None


def test_nothing_is_said_without_it() -> None:
    assert retry_after({"Date": SENT}) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_said_the_wait_is_bounded(told: str, sent: str) -> None:
    seconds = retry_after({"Retry-After": told, "Date": sent})
    assert seconds is None or 0 <= seconds <= MAX_SECONDS
