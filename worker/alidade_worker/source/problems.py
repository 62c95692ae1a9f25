"""The ways in which something is not fetched; the text of each goes on a sentence."""


class RefusedError(Exception):
    """It is not there, or is not what may be used: no retry mends that."""


class AwayError(Exception):
    """It could not be reached, and later perhaps can.

    Attributes:
        retry_after: Seconds for which the server asks to be left alone, None where it does not.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TurnedAwayError(AwayError):
    """Something before it turns the job away, until someone sees to it: not worth waiting for."""
