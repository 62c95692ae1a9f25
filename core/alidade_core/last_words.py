"""What ended a process, read off the end of its log: stdout and stderr as they came, in any tongue.

The cause is what nobody dealt with. An exception that was told while the program went on is none,
nor is what an interpreter says as it shuts down, nor a progress bar. What ends a Python program is
the last that it says, told from the outermost frame inwards, and its message may have many lines.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from alidade_core.words import clean, shorten

MAX_SENTENCE = 600
MAX_LAST_LINES = 8192
"""Bytes of a log's end, in UTF-8."""

# Longer lines are data, of which no beginning tells more than this.
_MAX_LINE = 4000
# SIGHUP, SIGINT, SIGKILL and SIGTERM, as shells count them: they come from outside, and what the
# process said before has nothing to do with its end.
_FROM_OUTSIDE = frozenset({129, 130, 137, 143})
# Colours and other orders to a terminal (ECMA-48), the titles of windows among them.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")

_HEADER = re.compile(r"^(?P<bars>[\s|+]*)(Exception Group )?Traceback \(most recent call last\):$")
_FRAME = re.compile(r'^\s+File "[^"]*", line \d+(, in (?P<where>.*))?$')
_IN_GROUP = re.compile(r"^[\s|+]*\| (?P<said>\S.*)$")
_CHAIN = frozenset(
    {
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
    }
)
# Where an exception that nobody caught begins; another begins where it was caught.
_OUTERMOST = re.compile(r"^(<module>|_run_module_as_main|_run_code|run_path)$")
_LOGGED = re.compile(r"(^|[^A-Za-z])(WARN|WARNING|ERROR|CRITICAL|EXCEPTION)([^A-Za-z]|$)")
# What Python tells of exceptions that end no program: as it shuts down, and of other threads.
_AT_SHUTDOWN = re.compile(
    r"^(Exception ignored |Error in atexit|Error in sys\.excepthook:|--- Logging error ---)"
)
_ELSEWHERE = re.compile(
    r"^(Exception in thread (?!\"main\")|Exception in callback |Process [^\s:]+:$"
    r"|Task exception was never retrieved|Unhandled exception in )"
)
_BEFORE_TRACEBACK = re.compile(r"^($|future: |handle: )")
_OF_LOGGING = re.compile(r"^(Call stack:|Message: |Arguments: |\s)")
_NAMED = re.compile(r"^[\w.]+(Error|Exception)\b")
_FATAL = re.compile(
    r"^(Fatal Python error: |panic: |thread '.*' panicked at |terminate called "
    r"|F\d{4} \d\d:|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: F |Exception in thread \"main\" )"
)
_NOISE = re.compile(
    r"^(\W*$|alidade-worker: "
    # Progress bars of tqdm and Keras.
    r"|[^|]*\d%\|.*\||.*\d+/\d+ [━=>.]{3,}"
    # What TensorFlow and absl log below an error, and what keepers of records say last.
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] |[IWE]\d{4} \d\d:"
    r"|WARNING: All log messages before "
    r"|🏃 View run |🧪 View experiment |wandb: "
    # What comes with an end, and says nothing of it.
    r"|.*resource_tracker(\.py)?: |\s+warnings\.warn\(|Execution halted$|note: run with `RUST_BACK"
    r"|\*\*\* Check failure stack trace|\s*@ +0x[0-9a-f]+ |goroutine \d+ \["
    r"|(Aborted|Segmentation fault)( \(core dumped\))?$)"
)
# In messages of TensorFlow and Keras: where it was, not what.
_WHERE = re.compile(
    r"^(\s|\[\[|Detected at node |Hint: |Arguments received by |<stack traces unavailable>"
    r"|\d+ root error)"
)
_MORE_LINES = 2


def cause(log: str, exit_code: int | None = None) -> str | None:
    """Return in one sentence what ended a process; None where its log does not tell.

    Args:
        log: The end of its log.
        exit_code: What it exited with, None where that is not known.
    """
    if exit_code in _FROM_OUTSIDE:
        return None
    lines = _lines(log)
    told = _read(lines)
    said = _of_the_last_exception(told) or _fatal(told) or _last_line(told)
    if said is None:
        # All is noise: the last of it is more than nothing.
        said = next((line.strip() for line in reversed(lines) if line.strip()), None)
    return shorten(said, MAX_SENTENCE) if said else None


def last_lines(log: str) -> str | None:
    """Return the end of a log that has more than one line, None of another."""
    text = clean(log).strip("\n")
    if "\n" not in text.strip():
        return None
    return text.encode()[-MAX_LAST_LINES:].decode(errors="ignore")


def _lines(log: str) -> list[str]:
    """Return lines as a terminal would show them: without colours, of a bar its last state."""
    plain = _ESCAPES.sub("", clean(log))
    return [line.rstrip().rsplit("\r", 1)[-1][:_MAX_LINE] for line in plain.split("\n")]


class _Kind(Enum):
    LINE = auto()
    EXCEPTION = auto()
    ELSEWHERE = auto()


@dataclass(frozen=True)
class _Told:
    """A line of a log, or an exception with all that led to it.

    Attributes:
        kind: Which it is; what is told of threads is neither.
        said: The line, or that which names the exception.
        caught: Whether an exception was evidently dealt with, if more was said after it.
    """

    kind: _Kind
    said: str
    caught: bool = False


def _read(lines: Sequence[str]) -> list[_Told]:
    told: list[_Told] = []
    at = 0
    while at < len(lines):
        if _AT_SHUTDOWN.match(lines[at]) or _ELSEWHERE.match(lines[at]):
            found, at = _aside(lines, at)
            told.extend(found)
            continue
        exception, after = _exception(lines, at)
        if exception and _is_chained(told):
            _drop_chained(told)
        told.append(exception or _Told(_Kind.LINE, lines[at]))
        at = after
    return told


def _aside(lines: Sequence[str], start: int) -> tuple[list[_Told], int]:
    """Read past what ended no program, up to the end of its traceback if it has one."""
    logging = lines[start].startswith("--- Logging")
    at = start + 1
    while at < len(lines) and _BEFORE_TRACEBACK.match(lines[at]):
        at += 1
    found, at = _exception(lines, at) if at < len(lines) else (None, at)
    if found is None:
        # What is ignored may be told in one line.
        short = at <= len(lines) and _NAMED.match(lines[at - 1])
        at = at if short else start + 1
    while logging and at < len(lines) and _OF_LOGGING.match(lines[at]):
        at += 1
    elsewhere = found is not None and _ELSEWHERE.match(lines[start])
    return [_Told(_Kind.ELSEWHERE, found.said)] if found and elsewhere else [], at


def _exception(lines: Sequence[str], start: int) -> tuple[_Told | None, int]:
    """Read a traceback, if there is one, up to the line that names the exception."""
    header = _HEADER.match(lines[start])
    if header is None:
        return None, start + 1
    if header["bars"].strip():
        return _group(lines, start)
    where, at = None, start + 1
    while at < len(lines) and (not lines[at] or lines[at][0].isspace()):
        frame = _FRAME.match(lines[at])
        if frame and where is None:
            where = frame["where"] or "<module>"
        at += 1
    if at == len(lines):
        return None, start + 1
    before = lines[start - 1] if start else ""
    inside = where is not None and not _OUTERMOST.match(where)
    caught = inside or _LOGGED.search(before) is not None
    return _Told(_Kind.EXCEPTION, lines[at], caught), at + 1


def _group(lines: Sequence[str], start: int) -> tuple[_Told | None, int]:
    """Read an ExceptionGroup (PEP 654): it is told with the first of those within."""
    named: list[str] = []
    at = start + 1
    while at < len(lines) and re.match(r"^\s*[|+]", lines[at]):
        found = _IN_GROUP.match(lines[at])
        if found and not found["said"].startswith(("Traceback ", "Exception Group ")):
            named.append(found["said"])
        at += 1
    if not named:
        return None, start + 1
    leaf = next((said for said in named[1:] if "Group: " not in said), None)
    return _Told(_Kind.EXCEPTION, ": ".join(filter(None, (named[0], leaf)))), at


def _is_chained(told: Sequence[_Told]) -> bool:
    return next((t.said for t in reversed(told) if t.said), "") in _CHAIN


def _drop_chained(told: list[_Told]) -> None:
    """Forget an exception that led to the next, which is told with that."""
    while told and told[-1].kind is _Kind.LINE:
        told.pop()
    if told:
        told.pop()


def _of_the_last_exception(told: Sequence[_Told]) -> str | None:
    """Return the last exception, or what was said after it if it was dealt with."""
    kinds = [t.kind for t in told]
    kind = next((k for k in (_Kind.EXCEPTION, _Kind.ELSEWHERE) if k in kinds), None)
    if kind is None:
        return None
    at = len(kinds) - 1 - kinds[::-1].index(kind)
    last, after = told[at], [t.said for t in told[at + 1 :] if t.kind is _Kind.LINE]
    spoken = [said for said in after if not _NOISE.match(said)]
    if not spoken:
        return last.said
    if last.kind is _Kind.EXCEPTION and not last.caught and _goes_on(last.said, after):
        more = [said.strip() for said in spoken if not _WHERE.match(said)]
        more = more or [said.strip() for said in spoken]
        return " ".join((last.said, *more[:_MORE_LINES]))
    return _fatal(told[at + 1 :]) or _last_line(told[at + 1 :])


def _goes_on(named: str, after: Sequence[str]) -> bool:
    """Whether what follows the line that names an exception is the rest of its message."""
    return named.endswith(":") or not after[0] or after[0][0].isspace() or _many(named)


def _many(named: str) -> bool:
    """Whether a message announces a list, as pydantic's do."""
    return re.search(r"\d+ validation errors? for ", named) is not None


def _fatal(told: Sequence[_Told]) -> str | None:
    """Return what a runtime said of an end that it could not prevent, with the line below."""
    for number in reversed(range(len(told))):
        said = told[number].said
        if told[number].kind is _Kind.LINE and _FATAL.match(said):
            below = told[number + 1].said if number + 1 < len(told) else ""
            goes_on = said.endswith(":") or below.strip().startswith("what():")
            return f"{said} {below.strip()}" if goes_on and below else said
    return None


def _last_line(told: Sequence[_Told]) -> str | None:
    """Return the last line that says something; one that is set in, with what it belongs to."""
    lines = [t.said for t in told if t.kind is _Kind.LINE and not _NOISE.match(t.said)]
    if not lines:
        return None
    head = next((n for n in reversed(range(len(lines))) if not lines[n][0].isspace()), None)
    if head is None:
        return lines[-1].strip()
    if head < len(lines) - 1:
        return f"{lines[head]} {lines[-1].strip()}" if lines[head].endswith(":") else lines[head]
    announced = head > 0 and lines[head - 1].endswith(":")
    return f"{lines[head - 1].strip()} {lines[head]}" if announced else lines[head]
