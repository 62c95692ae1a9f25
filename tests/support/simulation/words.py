"""Text of any kind, as kubelets, runtimes, programs and users write it."""

from typing import Final

SAID: Final = (
    "",
    "\0 and \x1b[31m red",
    "half \ud8ed of a pair",
    "\ufffe\uffff",
    "\x7f\x80\x85\u2028\u2029",
    "\u202eright to left",
    "{",
    '{"model": 1, "\\ud800": "\\ud800"}',
    "é" * 2**17,
)
"""What may be said by a pod, its kubelet, its runtime, Kueue, or whoever refuses a request."""

LOGGED: Final = (
    b"",
    b"\0 and \x1b[31m red\x7f\r over\rwritten",
    b"no UTF-8: \xff\xfe \xc3( \xed\xa0\x80\n",
    "\ufffe\uffff \u2028\u2029 \u202eright to left\n".encode(),
    "é".encode() * 2**19,
    b"Traceback (most recent call last):\nValueError: epoch 7\n" + b"." * 2**20 + b"\n",
    b"one of many lines\n" * 9000,
)
"""What a container may write into its log."""

TYPED: Final = ("", "\x7f\x80\x85", "\ufffe", "\u202eright to left", "\N{GRINNING FACE}" * 999)
"""Values of a parameter, which arrive as they were typed."""
