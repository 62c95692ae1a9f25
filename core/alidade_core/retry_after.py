"""For how long a server wants to be left alone: the header Retry-After (RFC 9110, section 10.2.3).

It may be a date, which is by the server's clock, or by that of a proxy before it: of it counts how
long it is after the answer's own Date. Ours may be another.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Who asks for more is asked again all the same.
MAX_SECONDS = 300.0
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read for how many seconds, None where that is not said.

    Args:
        headers: Those of the answer, by names in any case.
    """
    told = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(told):
        return min(float(told), MAX_SECONDS)
    until, sent = _date(told), _date(headers.get("Date", ""))
    if until is None or sent is None:
        # Without the server's own time a date of its says nothing. Who asks waits as long as after
        # any other failure.
        return None
    return min(max((until - sent).total_seconds(), 0.0), MAX_SECONDS)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # RFC 5322 has a zone of which nothing is known but that the time is UTC.
    return date if date.tzinfo else date.replace(tzinfo=UTC)
