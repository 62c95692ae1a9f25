import pytest

from alidade_worker.diagnosis import exit_status, explain_failure

TRACEBACK = """\
loading
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    first()
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    second()
    ~~~~~~^^
package.errors.OutOfLuck: nothing left
and a second line
cleaning up
"""


@pytest.mark.parametrize(
    ("returncode", "stderr", "message"),
    [
        (1, TRACEBACK, "Entry point e: package.errors.OutOfLuck: nothing left"),
        (2, "warning\nout of paper\n\n", "Entry point e: out of paper"),
        (3, "", "Entry point e wrote nothing to standard error."),
        (-9, TRACEBACK, "Entry point e was ended by SIGKILL, most often for want of memory."),
        (137, "", "Entry point e was ended by SIGKILL, most often for want of memory."),
        (-15, "", "Entry point e was ended by SIGTERM."),
        (139, "", "Entry point e was ended by SIGSEGV."),
        (255, "", "Entry point e wrote nothing to standard error."),
    ],
)
def test_one_sentence_says_what_was_wrong(returncode: int, stderr: str, message: str) -> None:
    assert explain_failure("e", returncode, stderr) == message


def test_a_long_exception_is_cut() -> None:
    message = explain_failure("e", 1, f"Traceback (most recent call last):\nE: {'x' * 9999}\n")
    assert len(message) < 1100


@pytest.mark.parametrize(("returncode", "status"), [(0, 0), (7, 7), (-9, 137), (-15, 143)])
def test_a_signal_becomes_a_shells_exit_status(returncode: int, status: int) -> None:
    assert exit_status(returncode) == status
