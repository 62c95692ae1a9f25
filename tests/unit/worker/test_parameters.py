import pytest

from alidade_worker.errors import UsageError
from alidade_worker.parameters import Declaration, effective_parameters

DECLARED = {
    "run_id": Declaration("string", None),
    "epochs": Declaration("int", "30"),
    "eps": Declaration("float", "0.3"),
    "name": Declaration("string", ""),
}


def test_what_the_job_leaves_out_has_its_default() -> None:
    assert effective_parameters("infer", DECLARED, {"run_id": "r", "eps": "1e-2"}) == {
        "run_id": "r",
        "epochs": "30",
        "eps": "1e-2",
        "name": "",
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"run_id": "r", "epoch": "3"},
            "Entry point infer has no parameter epoch; did you mean epochs? "
            "Entry point infer takes epochs, eps, name, run_id.",
        ),
        (
            {"run_id": "r", "zz": "3"},
            "Entry point infer has no parameter zz. "
            "Entry point infer takes epochs, eps, name, run_id.",
        ),
        ({}, "Parameter run_id of entry point infer has no default and is missing."),
        (
            {"run_id": "r", "epochs": "ten"},
            'Parameter epochs of entry point infer is "ten", '
            "but has to be a whole number such as 32 (int).",
        ),
        (
            {"run_id": "r", "eps": "0,3"},
            'Parameter eps of entry point infer is "0,3", '
            "but has to be a number such as 0.3 (float).",
        ),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        effective_parameters("infer", DECLARED, given)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", ["1.5", "", "1_000", " 1", "1e3", "٣"])
def test_an_int_is_digits_and_a_sign(value: str) -> None:
    with pytest.raises(UsageError, match="whole number"):
        effective_parameters("e", {"n": Declaration("int", None)}, {"n": value})


@pytest.mark.parametrize("value", ["-1", "+3", "0", "1234567890123"])
def test_ints_that_are_ints(value: str) -> None:
    assert effective_parameters("e", {"n": Declaration("int", None)}, {"n": value}) == {"n": value}


def test_a_wrong_default_is_found_as_well() -> None:
    with pytest.raises(UsageError, match='Parameter n of entry point e is "many"'):
        effective_parameters("e", {"n": Declaration("int", "many")}, {})


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        effective_parameters("infer", DECLARED, {"epoch": "3", "eps": "x"})
    assert all(word in str(caught.value) for word in ("epoch;", "run_id", '"x"'))
