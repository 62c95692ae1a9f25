import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_core.retry_after import MAX_SECONDS
from alidade_operator.kube.answers import (
    MAX_DEPTH,
    body_of,
    decode,
    error_of,
    error_of_event,
)
from alidade_operator.kube.gateway import (
    TOO_DEEP,
    ApiError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)

STATUS = {"kind": "Status", "message": "no", "reason": "Invalid", "details": {"causes": [1]}}


def deep(levels: int, inner: str = "1") -> str:
    return '{"a":' * levels + inner + "}" * levels


# Objects.


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_json_is_read_as_it_is(value: Any) -> None:
    assert decode(json.dumps(value).encode()) == value


@pytest.mark.parametrize("levels", [1_000, 10_000])
def test_of_an_object_that_is_nested_too_deep_the_rest_is_read_and_it_says_where(
    levels: int,
) -> None:
    name = 'x"}]{[\\"'
    spec = f'{{"podTemplate":{deep(levels)},"n":2}}'
    found = decode(f'{{"metadata":{{"name":{json.dumps(name)}}},"spec":{spec}}}'.encode())
    assert found["metadata"] == {"name": name}
    assert found["spec"]["n"] == 2
    assert found[TOO_DEEP] == "spec.podTemplate"


def test_of_a_list_only_the_objects_that_are_too_deep_say_so() -> None:
    content = f'{{"items":[{{"n":1}},{{"spec":{deep(5_000)}}},{{"n":3}}],"metadata":{{}}}}'
    first, second, third = decode(content.encode())["items"]
    assert (first, third) == ({"n": 1}, {"n": 3})
    assert second[TOO_DEEP] == "spec.a"


def test_of_a_change_its_object_says_so() -> None:
    found = decode(f'{{"type":"ADDED","object":{{"spec":{deep(5_000)}}}}}'.encode())
    assert found["type"] == "ADDED"
    assert TOO_DEEP in found["object"]


def test_what_is_not_too_deep_is_left_whole() -> None:
    text = deep(MAX_DEPTH)
    assert decode(text.encode()) == json.loads(text)


@pytest.mark.parametrize(("escaped", "text"), [(r"\ud800", "\ufffd"), (r"\ud83d\ude00", "😀")])
def test_halves_of_pairs_are_replaced(escaped: str, text: str) -> None:
    assert decode(f'{{"a": "x{escaped}y"}}'.encode()) == {"a": f"x{text}y"}


@given(st.binary() | st.text().map(str.encode))
def test_whatever_else_is_answered_is_one_error(content: bytes) -> None:
    with suppress(UnavailableError):
        assert isinstance(body_of(content), dict)


# Refusals.


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, InvalidError),
        (401, ApiError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, ExpiredError),
        (422, InvalidError),
        (429, UnavailableError),
        (500, UnavailableError),
        (502, UnavailableError),
        (504, UnavailableError),
        (418, ApiError),
    ],
)
def test_a_refusal_keeps_what_the_server_said(code: int, kind: type[ApiError]) -> None:
    error = error_of(code, "why", {}, json.dumps(STATUS).encode())
    assert type(error) is kind
    assert (str(error), error.code, error.status) == ("no", code, STATUS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"Too many requests, please try again later.\n",
            "Too many requests, please try again later.",
        ),
        (
            b"<html><head><style>a {}</style></head><body><h1>502 Bad Gateway</h1></body>",
            "502 Bad Gateway",
        ),
        (b'{"kind": "Status", "mess', '{"kind": "Status", "mess'),
        (b"[1]", "[1]"),
        (b'{"message": 3}', '{"message": 3}'),
        (b"", "HTTP 429 Too Many Requests"),
        (b"\xff\0", "\ufffd\ufffd"),
    ],
)
def test_a_refusal_in_other_words_has_them_as_its_message(content: bytes, message: str) -> None:
    assert str(error_of(429, "Too Many Requests", {}, content)) == message


@given(st.integers(400, 599), st.binary() | st.text().map(str.encode), st.text(max_size=20))
def test_any_refusal_is_one_of_the_gateways_errors(code: int, content: bytes, after: str) -> None:
    error = error_of(code, None, {"Retry-After": after}, content)
    assert error.code == code
    assert str(error)
    assert error.retry_after is None or 0 <= error.retry_after <= MAX_SECONDS


DATES = {
    "Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT",
    "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
}


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "7"}, {}, 7.0),
        ({"Retry-After": "7"}, {"retryAfterSeconds": 9}, 7.0),
        (DATES, {}, 30.0),
        ({}, {"retryAfterSeconds": 9}, 9.0),
        ({}, {"retryAfterSeconds": -9}, 0.0),
        ({}, {"retryAfterSeconds": 10**9}, MAX_SECONDS),
        ({}, {"retryAfterSeconds": 10**400}, MAX_SECONDS),
        ({}, {"retryAfterSeconds": "x"}, None),
        ({}, {}, None),
    ],
)
def test_how_long_to_leave_the_server_alone_is_read(
    headers: dict[str, str], details: dict[str, Any], seconds: float | None
) -> None:
    content = json.dumps({"kind": "Status", "details": details}).encode()
    assert error_of(429, None, headers, content).retry_after == seconds


@pytest.mark.parametrize("body", [None, 3, [], {}, {"code": "x", "message": None}])
def test_a_watch_that_ends_with_anything_is_an_error(body: Any) -> None:
    assert isinstance(error_of_event(body), UnavailableError)


def test_a_watch_that_ends_as_its_version_is_too_old_says_so() -> None:
    assert isinstance(error_of_event({"code": 410, "message": "too old"}), ExpiredError)
