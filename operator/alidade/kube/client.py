"""The gateway over the official client, kubernetes.aio."""

import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final, cast

from aiohttp import ClientError
from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException

from alidade.kube.gateway import (
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

_APPLY = "application/apply-patch+yaml; charset=utf-8"
_MERGE = "application/merge-patch+json"
_ERRORS: Final[dict[int, type[ApiError]]] = {
    400: InvalidError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: UnavailableError,
    422: InvalidError,
    429: UnavailableError,
}
_SERVER_ERROR = 500


class KubernetesGateway:
    """A Gateway over one ApiClient.

    The client of custom objects is used for batch/v1 and events too: it gives objects as they
    are, where the typed ones build models that would only be taken apart again. It knows groups
    only; of the core's objects, which have none, pods are listed and Services read and created.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api
        self._objects = client.CustomObjectsApi(api)
        self._core = client.CoreV1Api(api)

    async def list_all(
        self, kind: Kind, namespace: str | None, selector: str | None = None
    ) -> AsyncIterator[Body]:
        """Yield the objects of a kind, page by page."""
        token: str | None = None
        while True:
            page = await self._page(kind, namespace, selector, token)
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
                _request_timeout=TIMEOUT_SECONDS,
            )
            return await _told(_read(response))
        return await _told(
            self._objects.create_namespaced_custom_object(
                *_path(kind, namespace),
                body,
                field_manager=FIELD_MANAGER,
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

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Delete the object of this UID, and in the background what it owns."""
        await _told(
            self._objects.delete_namespaced_custom_object(
                *_path(kind, namespace),
                name,
                body=client.V1DeleteOptions(
                    propagation_policy="Background",
                    preconditions=client.V1Preconditions(uid=uid),
                ),
                _request_timeout=TIMEOUT_SECONDS,
            )
        )

    async def record_event(self, namespace: str, event: Body) -> None:
        """Create an event."""
        await self.create(Kind("events.k8s.io", "v1", "events"), namespace, event)

    async def _page(
        self, kind: Kind, namespace: str | None, selector: str | None, token: str | None
    ) -> Body:
        options: dict[str, Any] = {
            "limit": PAGE,
            "_continue": token,
            "label_selector": selector,
            "_request_timeout": TIMEOUT_SECONDS,
        }
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
    body: Body = json.loads(await answer.read())
    if answer.status >= 400:  # noqa: PLR2004 the first of HTTP's errors
        raise _ERRORS.get(answer.status, UnavailableError)(body.get("message", ""))
    return body


async def _told(request: Awaitable[Any]) -> Body:
    """Await a request and raise its failure as one of the gateway's errors."""
    try:
        answer: Body = await request
    except ApiException as error:
        kind = _ERRORS.get(error.status, ApiError)
        if error.status is None or error.status >= _SERVER_ERROR:
            kind = UnavailableError
        raise kind(_message(error)) from error
    except (TimeoutError, ClientError, OSError) as error:
        raise UnavailableError(f"API server: {error or type(error).__name__}") from error
    return answer


def _message(error: ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, TypeError, KeyError):
        return f"{error.status} {error.reason}"
