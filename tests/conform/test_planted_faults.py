"""What would be wrong in the simulation does not stay hidden: ten faults, each of one line."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from alidade_operator.kube.gateway import Body, Kind
from tests.conform.comparison import Recording, replay, simulated_server
from tests.support.simulation import api_server
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.rules import builtin, metadata, objects, schema

Plant = Callable[[pytest.MonkeyPatch], None]


def any_uid_may_be_deleted(patch: pytest.MonkeyPatch) -> None:
    delete = ApiServer.delete
    patch.setattr(ApiServer, "delete", lambda *of, uid=None, **more: delete(*of, **more, uid=None))


def any_version_may_be_patched(patch: pytest.MonkeyPatch) -> None:
    merge = ApiServer.patch

    def patched(
        server: ApiServer, kind: Kind, name: str, new: Body, *where: Any, **more: Any
    ) -> Body:
        kept = {k: v for k, v in new.get("metadata", {}).items() if k != "resourceVersion"}
        return merge(server, kind, name, {**new, "metadata": kept}, *where, **more)

    patch.setattr(ApiServer, "patch", patched)


def a_name_may_be_taken_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ApiServer, "find", lambda *_: None)


def a_status_patch_changes_the_rest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(api_server, "_part", lambda _kind, _old, new, status: new)


def a_started_job_may_have_another_template(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(builtin, "_fixed", lambda template, waits: {})


def annotations_are_as_long_as_they_like(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(metadata, "MAX_ANNOTATIONS", 2**30)


def any_word_is_a_state(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(schema, "_string_faults", lambda *_: ())


def an_ending_namespace_takes_more(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ApiServer, "_check_open", lambda *_: None)


def a_foreground_deletion_is_done_at_once(patch: pytest.MonkeyPatch) -> None:
    delete = ApiServer.delete
    patch.setattr(
        ApiServer,
        "delete",
        lambda *of, foreground=None, **more: delete(*of, **more, foreground=False),
    )


def odd_characters_become_question_marks(patch: pytest.MonkeyPatch) -> None:
    def received(value: Any) -> Any:
        return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))

    patch.setattr(api_server, "received", received)


def fields_that_nobody_knows_are_let_by(patch: pytest.MonkeyPatch) -> None:
    understood = objects.understood
    patch.setattr(objects, "understood", lambda kind, body, strict=False: understood(kind, body))


def an_object_is_as_large_as_it_likes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(api_server, "MAX_STORED", 2**30)


FAULTS: tuple[Plant, ...] = (
    any_uid_may_be_deleted,
    any_version_may_be_patched,
    a_name_may_be_taken_twice,
    a_status_patch_changes_the_rest,
    a_started_job_may_have_another_template,
    annotations_are_as_long_as_they_like,
    any_word_is_a_state,
    an_ending_namespace_takes_more,
    a_foreground_deletion_is_done_at_once,
    odd_characters_become_question_marks,
    fields_that_nobody_knows_are_let_by,
    an_object_is_as_large_as_it_likes,
)


async def first_seed_that_differs(recordings: list[Recording]) -> int | None:
    for recording in recordings:
        if await replay(recording, simulated_server):
            return recording.seed
    return None


@pytest.mark.parametrize("plant", FAULTS)
def test_a_planted_fault_is_found(
    plant: Plant, recordings: list[Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert asyncio.run(first_seed_that_differs(recordings)) is not None
