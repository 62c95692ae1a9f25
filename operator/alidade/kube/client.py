"""The gateway over the official client, kubernetes.aio."""

import json
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from aiohttp import ClientError
from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException

from alidade.kube.gateway import (
    EVENTS,
    NAMESPACES,
    SERVICES,
    ApiError,
    Body,
    ConflictError,
    ForbiddenError,
    InvalidError,
    Kind,
    NotFoundError,
    UnavailableError,
)

FIELD_MANAGER: Final = "alidade-operator"
PAGE = 500
TIMEOUT_SECONDS = 30
# No pod takes longer to be stopped, but for those that are given longer to end than this.
LOG_TIMEOUT_SECONDS = 600
MAX_LOG_BYTES = 4 * 2**20

_APPLY = "application/apply-patch+yaml; charset=utf-8"
_MERGE = "application/merge-patch+json"
# Unknown fields are refused, not dropped without a word (KEP-2885).
_STRICT = "Strict"
_ERRORS: Final[dict[int | None, type[ApiError]]] = {
    400: InvalidError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: UnavailableError,
    422: InvalidError,
    429: UnavailableError,
}
_CLIENT_ERROR = 400
_SERVER_ERROR = 500


class KubernetesGateway:
    """A Gateway over one ApiClient.

    The client of custom objects is used for batch/v1 and events too: it gives objects as they
    are, where the typed ones build models that would only be taken apart again. It knows groups
    only; of the core's objects, which have none, pods are listed, a Namespace is read, and Services
    are read and created.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api
        self._objects = client.CustomObjectsApi(api)
        self._core = client.CoreV1Api(api)

    async def list_all(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
    ) -> AsyncIterator[Body]:
        """Yield the objects of a kind, page by page."""
        chosen = {"label_selector": selector, "field_selector": fields}
        token: str | None = None
        while True:
            page = await self._page(kind, namespace, {**chosen, "_continue": token})
            for item in page["items"]:
                yield item
            token = page["metadata"].get("continue")
            if not token:
                return

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        """Read one object."""
        if kind == SERVICES:
            response = self._core.read_namespaced_service_without_preload_content(
                name, namespace, _request_timeout=TIMEOUT_SECONDS
            )
            return await _told(_read(response))
        if kind == NAMESPACES:
            response = self._core.read_namespace_without_preload_content(
                name, _request_timeout=TIMEOUT_SECONDS
            )
            return await _told(_read(response))
        return await _told(
            self._objects.get_namespaced_custom_object(
                *_path(kind, namespace), name, _request_timeout=TIMEOUT_SECONDS
            )
        )

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        """Create an object."""
        if kind == SERVICES:
            # It takes an object as it is, whatever its types say.
            response = self._core.create_namespaced_service_without_preload_content(
                namespace,
                cast("client.V1Service", body),
                field_manager=FIELD_MANAGER,
                field_validation=_STRICT,
                _request_timeout=TIMEOUT_SECONDS,
            )
            return await _told(_read(response))
        return await _told(
            self._objects.create_namespaced_custom_object(
                *_path(kind, namespace),
                body,
                field_manager=FIELD_MANAGER,
                field_validation=_STRICT,
                _request_timeout=TIMEOUT_SECONDS,
            )
        )

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        """Merge a patch into an object."""
        return await _told(
            self._objects.patch_namespaced_custom_object(
                *_path(kind, namespace),
                name,
                patch,
                field_manager=FIELD_MANAGER,
                _content_type=_MERGE,
                _request_timeout=TIMEOUT_SECONDS,
            )
        )

    async def apply_status(self, kind: Kind, namespace: str, name: str, body: Body) -> Body:
        """Make the status of an object what the body says."""
        # The client's own method writes ASCII, where a character beyond the first plane of Unicode,
        # such as a log's emoji, is a pair of escapes; the API server reads YAML, which has none.
        request = await self._api.param_serialize(
            "PATCH",
            f"/apis/{kind.group}/{kind.version}/namespaces/{namespace}/{kind.plural}/{name}/status",
            query_params=[("fieldManager", FIELD_MANAGER), ("force", "true")],
            header_params={"Accept": "application/json", "Content-Type": _APPLY},
            body=json.dumps(body, ensure_ascii=False),
            auth_settings=["BearerToken"],
        )
        return await _told(_read(self._api.call_api(*request, _request_timeout=TIMEOUT_SECONDS)))

    async def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        uid: str,
        *,
        foreground: bool = False,
        version: str | None = None,
    ) -> Body | None:
        """Delete the object of this UID; what it owns goes after it, or before (foreground).

        Returns:
            The object as it is while it is going, None where it is gone.
        """
        answer = await _told(
            self._objects.delete_namespaced_custom_object(
                *_path(kind, namespace),
                name,
                body=client.V1DeleteOptions(
                    propagation_policy="Foreground" if foreground else "Background",
                    preconditions=client.V1Preconditions(uid=uid, resource_version=version),
                ),
                _request_timeout=TIMEOUT_SECONDS,
            )
        )
        return None if answer["kind"] == "Status" else answer

    async def read_log(self, namespace: str, pod: str, container: str, *, tail_lines: int) -> bytes:
        """Follow a container's log to its end; return at most the last MAX_LOG_BYTES of it."""
        response = self._core.read_namespaced_pod_log_without_preload_content(
            pod,
            namespace,
            container=container,
            follow=True,
            tail_lines=tail_lines,
            _request_timeout=LOG_TIMEOUT_SECONDS,
        )
        with _own_errors():
            return await _read_tail(response)

    async def record_event(self, namespace: str, event: Body) -> None:
        """Create an event."""
        await self.create(EVENTS, namespace, event)

    async def _page(self, kind: Kind, namespace: str | None, chosen: dict[str, Any]) -> Body:
        options = {"limit": PAGE, "_request_timeout": TIMEOUT_SECONDS, **chosen}
        if kind.group:
            if namespace is None:
                return await _told(
                    self._objects.list_cluster_custom_object(
                        kind.group, kind.version, kind.plural, **options
                    )
                )
            return await _told(
                self._objects.list_namespaced_custom_object(*_path(kind, namespace), **options)
            )
        if namespace is None:
            response = self._core.list_pod_for_all_namespaces_without_preload_content(**options)
        else:
            response = self._core.list_namespaced_pod_without_preload_content(namespace, **options)
        return await _told(_read(response))


def _path(kind: Kind, namespace: str) -> tuple[str, str, str, str]:
    return kind.group, kind.version, namespace, kind.plural


async def _read(response: Awaitable[Any]) -> Body:
    answer = await response
    content = await answer.read()
    _check(answer.status, content)
    body: Body = json.loads(content)
    return body


async def _read_tail(response: Awaitable[Any]) -> bytes:
    answer = await response
    _check(answer.status, b"" if answer.status < _CLIENT_ERROR else await answer.read())
    kept = bytearray()
    async for chunk in answer.content.iter_any():
        kept += chunk
        del kept[:-MAX_LOG_BYTES]
    return bytes(kept)


def _check(code: int, body: bytes) -> None:
    if code >= _CLIENT_ERROR:
        raise _refusal(code, body)


async def _told(request: Awaitable[Any]) -> Body:
    """Await a request and raise its failure as one of the gateway's errors."""
    with _own_errors():
        answer: Body = await request
    return answer


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except ApiException as error:
        raise _refusal(error.status, error.body) from error
    except (TimeoutError, ClientError, OSError) as error:
        raise UnavailableError(f"API server: {error or type(error).__name__}") from error


def _refusal(code: int | None, body: str | bytes | None) -> ApiError:
    """Make an error of a refusal, be it the API server's own or that of a proxy before it."""
    kind = _ERRORS.get(code, ApiError)
    if code is None or code >= _SERVER_ERROR:
        kind = UnavailableError
    status = _status(body)
    said = status.get("message") or (
        body.decode(errors="replace") if isinstance(body, bytes) else body
    )
    return kind(str(said or f"HTTP {code}"), status)


def _status(body: str | bytes | None) -> dict[str, Any]:
    try:
        status = json.loads(body or "{}")
    except (ValueError, RecursionError):
        return {}
    return status if isinstance(status, dict) else {}
