from typing import Any

import pytest

from alidade_operator.decide import refusal

FIELD = {"reason": "FieldValueInvalid", "field": "spec.template", "message": "Invalid value"}
TYPO = (
    'Job in version "v1" cannot be handled as a Job: strict decoding error: unknown field "spec.x"'
)
DENIED = 'admission webhook "w" denied the request'
POLICY = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"


def status(code: int, message: str = "", *causes: Any) -> dict[str, Any]:
    return {"code": code, "message": message, "details": {"causes": list(causes)}}


@pytest.mark.parametrize(
    ("given", "final"),
    [
        (status(422, "Job is invalid", FIELD), True),
        (status(400, TYPO), True),
        (status(422, POLICY, {"message": POLICY}), False),
        (status(400, DENIED), False),
        (status(422, f"{DENIED}: {TYPO}", FIELD), False),
        (status(400, "the server rejected the request"), False),
        (status(403, "exceeded quota: q", FIELD), False),
        ({}, False),
        ({"code": 422, "details": None}, False),
        ({"code": 422, "details": {"causes": "text"}}, False),
        ({"code": 422, "details": {"causes": ["text", 3, None]}}, False),
        ({"code": 400, "message": ["text"]}, False),
    ],
)
def test_final_is_only_what_the_api_server_itself_finds_wrong(
    given: dict[str, Any], final: bool
) -> None:
    assert refusal.is_final(given) is final


@pytest.mark.parametrize(
    ("given", "unnamed"),
    [
        (status(400, "Job cannot be handled as a Job: quantities must match"), True),
        (status(400, "json: cannot unmarshal bool into Go value of type int32"), True),
        (status(400, "json: cannot unmarshal bool into Go struct field Job.spec of type x"), False),
        (status(400, TYPO), False),
        (status(422, "Job is invalid", FIELD), False),
    ],
)
def test_a_refusal_may_leave_open_which_field_is_wrong(
    given: dict[str, Any], unnamed: bool
) -> None:
    assert refusal.names_no_field(given) is unnamed


@pytest.mark.parametrize(
    ("message", "short"),
    [
        ("exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=1", True),
        ("exceeded quota: q, requested: count/services=1, used: count/services=1", False),
        ("failed quota: q: must specify count/jobs.batch=", False),
        ("count/jobs.batch=1 and then exceeded quota: q", False),
        ("", False),
    ],
)
def test_room_for_batch_jobs_is_what_a_quota_on_them_lacks(message: str, short: bool) -> None:
    assert refusal.is_for_want_of_jobs({"message": message}) is short


def test_pauses_grow_to_a_few_minutes() -> None:
    assert [refusal.pause(tries) for tries in (0, 1, 2, 3, 4, 5, 6, 10_000)] == [
        15, 15, 30, 60, 120, 240, 240, 240,
    ]  # fmt: skip
