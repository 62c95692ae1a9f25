import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_core.last_words import MAX_LAST_LINES, MAX_SENTENCE, cause, last_lines

TRACEBACK = 'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n    f()\n'
INSIDE = 'Traceback (most recent call last):\n  File "data.py", line 9, in load\n    open(p)\n'
NO_CACHE = f"{INSIDE}FileNotFoundError: [Errno 2] No such file or directory: '/cache'\n"
IGNORED = """\
Exception ignored in: <function Pool.__del__ at 0x7f1>
Traceback (most recent call last):
  File "/usr/lib/python3.11/multiprocessing/pool.py", line 271, in __del__
    self._change_notifier.put(None)
TypeError: 'NoneType' object is not callable
"""
GRAPH = """\
tensorflow.python.framework.errors_impl.ResourceExhaustedError: Graph execution error:

Detected at node conv2d/Conv2D defined at (most recent call last):
  File "train.py", line 3, in <module>

OOM when allocating tensor with shape[512,64,224,224] and type float on /job:localhost
\t [[{{node conv2d/Conv2D}}]]
Hint: If you want to see a list of allocated tensors when OOM happens, add ...
"""
GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 4, in <module>
  |     raise ExceptionGroup("both failed", [ValueError("no luck"), OSError("gone")])
  | ExceptionGroup: both failed (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "a.py", line 9, in left
    |     raise ValueError("no luck")
    | ValueError: no luck
    +---------------- 2 ----------------
    | OSError: gone
    +------------------------------------
"""
PYDANTIC = """\
pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings
eps
  Input should be a valid number [type=float_parsing, input_value='x', input_type=str]
    For further information visit https://errors.pydantic.dev/2.11/v/float_parsing
"""
KERAS = """\
ValueError: Exception encountered when calling Sequential.call().

\x1b[1mInput 0 of layer "dense" is incompatible with the layer: expected axis -1 of 784\x1b[0m

Arguments received by Sequential.call():
  \u2022 inputs=tf.Tensor(shape=(None, 10), dtype=float32)
"""
START_UP = """\
2026-03-01 12:00:00.123456: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
E0000 00:00:1772366400.1 17 cuda_dnn.cc:8579] Unable to register cuDNN factory
"""
BAR = "  0%|          | 0/10 [00:00<?, ?it/s]\r 50%|█████     | 5/10 [00:01<00:01,  4.9it/s]"
THREAD = f"Exception in thread Thread-1 (work):\n{INSIDE}ValueError: of a thread\n"
LEAKED = (
    "/usr/lib/python3.11/multiprocessing/resource_tracker.py:254: UserWarning: resource_tracker: "
    "There appear to be 1 leaked semaphore objects to clean up at shutdown\n  warnings.warn('x'\n"
)

TABLE: dict[str, tuple[str, int | None, str | None]] = {
    "one line": ("no such file", 1, "no such file"),
    "the last line of several": ("loading\nno such file\n", 2, "no such file"),
    "on stdout, below what it did": (
        "step 1 of 2: looks for the data set\nthe data set is not there: fetch it first\n",
        3,
        "the data set is not there: fetch it first",
    ),
    "an exception": (f"loading\n{TRACEBACK}ValueError: no luck\n", 1, "ValueError: no luck"),
    "an exception without a message": (f"{TRACEBACK}KeyboardInterrupt\n", 1, "KeyboardInterrupt"),
    "an exception after lines of a log": (
        f"INFO:root:loading\n{TRACEBACK}ValueError: no luck\n",
        1,
        "ValueError: no luck",
    ),
    # Dealt with.
    "one that was logged": (
        f"ERROR:root:no cache\n{NO_CACHE}goes on without\n{TRACEBACK}KeyError: 'eps'\n",
        1,
        "KeyError: 'eps'",
    ),
    "one that was logged, then a sentence": (
        f"WARNING:root:no cache\n{NO_CACHE}goes on without\nno data: give up\n",
        1,
        "no data: give up",
    ),
    "one that was printed, then a sentence": (
        f"{NO_CACHE}goes on without\nno data: give up\n",
        1,
        "no data: give up",
    ),
    "one that was printed by the main program, then a sentence": (
        f"{TRACEBACK}OSError: no cache\ngoes on\nno data: give up\n",
        1,
        "no data: give up",
    ),
    "one that was logged with a message of two lines": (
        f"ERROR app: no cache\n{TRACEBACK}OSError: tried:\n  /a\n  /b\nno data: give up\n",
        1,
        "no data: give up",
    ),
    "a thread's, then the program's": (
        f"{THREAD}{TRACEBACK}RuntimeError: the thread is gone\n",
        1,
        "RuntimeError: the thread is gone",
    ),
    "a thread's after the program's": (
        f"{TRACEBACK}RuntimeError: no luck\n{THREAD}",
        1,
        "RuntimeError: no luck",
    ),
    "a thread's alone": (f"works\n{THREAD}", 1, "ValueError: of a thread"),
    "a thread's, and what the program said of it": (
        f"{THREAD}a worker died: give up\n",
        1,
        "a worker died: give up",
    ),
    "a child's": (
        f"Process SpawnProcess-1:\n{INSIDE}ValueError: of a child\nloader ended with 1\n",
        1,
        "loader ended with 1",
    ),
    "a task's": (
        "Task exception was never retrieved\nfuture: <Task finished name='Task-2'>\n"
        f"{INSIDE}ValueError: of a task\ngive up\n",
        1,
        "give up",
    ),
    "a logger's own": (
        f"--- Logging error ---\n{INSIDE}TypeError: not all arguments converted\nCall stack:\n"
        "  File \"a.py\", line 1, in <module>\nMessage: 'x'\nArguments: (1,)\nno data: give up\n",
        1,
        "no data: give up",
    ),
    # As the interpreter shuts down.
    "ignored in a destructor": (
        f"{TRACEBACK}ValueError: no luck\n{IGNORED}",
        1,
        "ValueError: no luck",
    ),
    "ignored in a destructor after a sentence": (
        f"no data: give up\n{IGNORED}",
        1,
        "no data: give up",
    ),
    "ignored, without a traceback": (
        f"{TRACEBACK}ValueError: no luck\nException ignored in: <_io.TextIOWrapper>\n"
        "BrokenPipeError: [Errno 32] Broken pipe\n",
        1,
        "ValueError: no luck",
    ),
    "in atexit": (
        f"{TRACEBACK}ValueError: no luck\nError in atexit._run_exitfuncs:\n{INSIDE}OSError: x\n",
        1,
        "ValueError: no luck",
    ),
    "in the excepthook": (
        f"Error in sys.excepthook:\n{INSIDE}TypeError: hook\n\nOriginal exception was:\n"
        f"{TRACEBACK}ValueError: no luck\n",
        1,
        "ValueError: no luck",
    ),
    "the resource tracker": (
        f"{TRACEBACK}ValueError: no luck\n{LEAKED}",
        1,
        "ValueError: no luck",
    ),
    "who keeps records": (
        f"{TRACEBACK}ValueError: no luck\n🏃 View run x at: http://mlflow\nwandb: Find logs\n",
        1,
        "ValueError: no luck",
    ),
    # Of several parts.
    "chained": (
        f"{INSIDE}KeyError: 'a'\n\nDuring handling of the above exception, another exception "
        f"occurred:\n\n{TRACEBACK}RuntimeError: no such column\n",
        1,
        "RuntimeError: no such column",
    ),
    "raised from another": (
        f"{INSIDE}KeyError: 'a'\n\nThe above exception was the direct cause of the following "
        f"exception:\n\n{TRACEBACK}RuntimeError: no such column\n",
        1,
        "RuntimeError: no such column",
    ),
    "a group": (GROUP, 1, "ExceptionGroup: both failed (2 sub-exceptions): ValueError: no luck"),
    "below its first line": (
        f"{TRACEBACK}RuntimeError: Graph execution error:\n\nDetected at node conv2d/Conv2D\n"
        "OOM when allocating tensor with shape[512,64,224,224]\n",
        1,
        "RuntimeError: Graph execution error: OOM when allocating tensor with "
        "shape[512,64,224,224]",
    ),
    "TensorFlow's": (
        TRACEBACK + GRAPH,
        1,
        "tensorflow.python.framework.errors_impl.ResourceExhaustedError: Graph execution error: "
        "OOM when allocating tensor with shape[512,64,224,224] and type float on /job:localhost",
    ),
    "Keras'": (
        TRACEBACK + KERAS,
        1,
        "ValueError: Exception encountered when calling Sequential.call(). Input 0 of layer "
        '"dense" is incompatible with the layer: expected axis -1 of 784',
    ),
    "pydantic's": (
        TRACEBACK + PYDANTIC,
        1,
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings eps",
    ),
    # Not Python's.
    "a shell's": (
        "train.sh: line 3: foo: command not found\n",
        127,
        "train.sh: line 3: foo: command not found",
    ),
    "C++": (
        "loading\nterminate called after throwing an instance of 'std::runtime_error'\n"
        "  what():  no luck\n",
        134,
        "terminate called after throwing an instance of 'std::runtime_error' what():  no luck",
    ),
    "a crash of the interpreter": (
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x0 (most recent call first):\n"
        '  File "a.py", line 3 in f\n',
        139,
        "Fatal Python error: Segmentation fault",
    ),
    "a check that failed": (
        "F0000 00:00:1772366400.12 17 tensor.cc:733] Check failed: 1 == NumElements() (1 vs. 4)\n"
        "*** Check failure stack trace: ***\n    @     0x7f8f1c0e  (unknown)\nAborted\n",
        134,
        "F0000 00:00:1772366400.12 17 tensor.cc:733] Check failed: 1 == NumElements() (1 vs. 4)",
    ),
    "Java": (
        'Exception in thread "main" java.lang.Error: no luck\n\tat A.main(A.java:1)\n',
        1,
        'Exception in thread "main" java.lang.Error: no luck',
    ),
    "Go": (
        "panic: no luck\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:4 +0x1d\nexit status 2\n",
        2,
        "panic: no luck",
    ),
    "Rust": (
        "thread 'main' panicked at src/main.rs:2:5:\nno luck\nnote: run with `RUST_BACKTRACE=1`\n",
        101,
        "thread 'main' panicked at src/main.rs:2:5: no luck",
    ),
    "options": (
        "usage: train.py [-h] --eps EPS\ntrain.py: error: argument --eps: invalid float value\n",
        2,
        "train.py: error: argument --eps: invalid float value",
    ),
    # As terminals have it.
    "colours": ("\x1b[31mno \x1b[1mluck\x1b[0m\n", 1, "no luck"),
    "a progress bar before": (f"{BAR}\n{TRACEBACK}ValueError: no luck\n", 1, "ValueError: no luck"),
    "a progress bar after": (f"no luck\n{BAR}", 1, "no luck"),
    "overwritten": ("loading 1 %\rloading 9 %\rno luck\r\n", 1, "no luck"),
    "Keras' progress": (
        "no luck\n10/10 ━━━━━━━━━━ 1s 5ms/step - loss: 0.1\n",
        1,
        "no luck",
    ),
    "TensorFlow's start": (f"{START_UP}no luck\n{START_UP}", 1, "no luck"),
    "any tongue": (
        f"{TRACEBACK}ValueError: 没有运气 \u2028 \x85 ű\n",
        1,
        "ValueError: 没有运气 \u2028 \x85 ű",
    ),
    "what no store takes": ("no\0 luck \ud800\n", 1, "no� luck �"),
    # Nothing to tell.
    "nothing": ("", 1, None),
    "blanks": (" \n\t\n", 1, None),
    "killed from outside": (f"epoch 3\n{NO_CACHE}", 137, None),
    "stopped from outside": ("epoch 3\n", 143, None),
    "noise alone": ("Segmentation fault (core dumped)\n", 139, "Segmentation fault (core dumped)"),
    "a traceback that is cut": (
        'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n',
        1,
        'Traceback (most recent call last): File "a.py", line 1, in <module>',
    ),
    "the end of a traceback": ("    f()\nValueError: no luck\n", 1, "ValueError: no luck"),
    "an exit code that is not known": (
        f"{TRACEBACK}ValueError: no luck\n",
        None,
        "ValueError: no luck",
    ),
}


@pytest.mark.parametrize(("log", "code", "told"), TABLE.values(), ids=TABLE.keys())
def test_the_cause_is_what_ended_the_process(log: str, code: int | None, told: str | None) -> None:
    assert cause(log, code) == told


def test_the_worker_said_it_before() -> None:
    said = "alidade-worker: exit code 1: Entry point main failed.\n"
    assert cause(f"{TRACEBACK}ValueError: no luck\n{said}", 1) == "ValueError: no luck"


def test_a_sentence_has_a_limit() -> None:
    told = cause("x" * 100_000, 1)
    assert told is not None
    assert len(told) == MAX_SENTENCE


@pytest.mark.parametrize("log", ["", "one line", "one line\n", "\n\n one line \n\n"])
def test_of_one_line_there_is_no_more_to_tell(log: str) -> None:
    assert last_lines(log) is None


def test_of_many_lines_the_end_is_kept_as_it_is() -> None:
    log = f"\x1b[1mfirst\x1b[0m\n{BAR}\n  last"
    assert last_lines(f"{log}\n") == log
    kept = last_lines("first\n" + "ű" * MAX_LAST_LINES + "\nlast")
    assert kept is not None
    assert kept.endswith("ű\nlast")
    assert MAX_LAST_LINES - 2 <= len(kept.encode()) <= MAX_LAST_LINES


PIECES = st.sampled_from([log for log, _, _ in TABLE.values()]) | st.text()


@given(st.lists(PIECES, max_size=6).map("".join), st.none() | st.integers())
def test_of_any_log_there_is_a_sentence_or_none(log: str, code: int | None) -> None:
    told = cause(log, code)
    assert told is None or (told and len(told) <= MAX_SENTENCE and told.encode())
    kept = last_lines(log)
    assert kept is None or len(kept.encode()) <= MAX_LAST_LINES
