"""The gateway over the official client, kubernetes.aio.

The client knows where the API server is and who asks, and has the connections; what is asked and
answered goes past its models, which would only be taken apart again, which know fewer errors than
there are, and which cost more than the request itself.
"""

import asyncio
import math
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import ClientError, ClientTimeout
from kubernetes.aio import client
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.client.rest import RESTResponse

from alidade_core.words import clean, words_of
from alidade_operator.kube.answers import CLIENT_ERROR, body_of, error_of, is_no_log
from alidade_operator.kube.fence import TIMEOUT_SECONDS, Fence
from alidade_operator.kube.gateway import (
    EVENTS,
    NAMESPACES,
    PODS,
    ApiError,
    Body,
    InvalidError,
    Kind,
    NotFoundError,
    Page,
    UnavailableError,
)

FIELD_MANAGER: Final = "alidade-operator"
PAGE = 500
# No pod takes longer to be stopped, but for those that are given longer to end than this.
LOG_TIMEOUT_SECONDS = 600.0
# How long a request waits for a container to say something.
FIRST_LINE_SECONDS = 5.0
# RFC 3339 with nanoseconds and an offset, and a space behind it.
_STAMP_BYTES = 64
_STAMP = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)")
MAX_LOG_BYTES = 4 * 2**20

_MERGE = "application/merge-patch+json"
_JSON = "application/json"
_HEADERS = {"Accept": _JSON, "User-Agent": FIELD_MANAGER}
_Query = list[tuple[str, str]]


class KubernetesGateway:
    """A Gateway over one ApiClient.

    Args:
        api: The client.
        left: Returns for how many seconds this instance is sure to lead. No change is asked for
            that would not be given up by then.
        page: How many objects of a list are asked for at a time.
    """

    def __init__(
        self,
        api: client.ApiClient,
        left: Callable[[], float] = lambda: math.inf,
        page: int = PAGE,
    ) -> None:
        self._api = api
        self._fence = Fence(left)
        self._page = page

    async def list_pages(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
        size: int | None = None,
    ) -> AsyncIterator[Page]:
        """Yield the objects of a kind, page by page."""
        limit = str(size or self._page)
        chosen = _given(labelSelector=selector, fieldSelector=fields, limit=limit)
        token = ""
        while True:
            here = chosen + _given(**{"continue": token})
            body = await self._ask("GET", _path(kind, namespace), here)
            yield _page(body)
            token = _text(_mapping(body.get("metadata")).get("continue"))
            if not token:
                return

    async def list_all(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
    ) -> AsyncIterator[Body]:
        """Yield the objects of a kind."""
        async for page in self.list_pages(kind, namespace, selector, fields=fields):
            for body in page.items:
                yield body

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        """Read one object."""
        return await self._ask("GET", _path(kind, namespace, name))

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        """Create an object."""
        # Unknown fields are refused, not dropped without a word (KEP-2885).
        return await self._change("POST", _path(kind, namespace), body, fieldValidation="Strict")

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        """Merge a patch into an object."""
        return await self._change("PATCH", _path(kind, namespace, name), patch)

    async def patch_status(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        """Merge a patch into the status of an object."""
        return await self._change("PATCH", _path(kind, namespace, name, "status"), patch)

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
        options = {
            "propagationPolicy": "Foreground" if foreground else "Background",
            "preconditions": {"uid": uid, **({"resourceVersion": version} if version else {})},
        }
        answer = await self._change("DELETE", _path(kind, namespace, name), options)
        return None if answer.get("kind") == "Status" else answer

    async def read_log(self, namespace: str, pod: str, container: str, *, tail_lines: int) -> bytes:
        """Follow a container's log to its end; return at most the last MAX_LOG_BYTES of it."""
        query = _given(container=container, follow="true", tailLines=str(tail_lines))
        limits = ClientTimeout(total=LOG_TIMEOUT_SECONDS)
        with _own_errors():
            path = _path(PODS, namespace, pod, "log")
            answer = await self._send("GET", path, query, limits=limits)
            kept = bytearray()
            async for chunk in answer.response.content.iter_any():
                kept += chunk
                del kept[:-MAX_LOG_BYTES]
            if is_no_log(kept):
                raise NotFoundError(clean(kept.decode(errors="replace")))
            return bytes(kept)

    async def log_begins(self, namespace: str, pod: str, container: str) -> str | None:
        """Wait a little for the first line of what there is of a container's log."""
        query = _given(
            container=container, follow="true", timestamps="true", limitBytes=str(_STAMP_BYTES)
        )
        limits = ClientTimeout(total=TIMEOUT_SECONDS)
        with _own_errors():
            path = _path(PODS, namespace, pod, "log")
            try:
                async with asyncio.timeout(FIRST_LINE_SECONDS):
                    answer = await self._send("GET", path, query, limits=limits)
                    stamp, _, _ = (await answer.read()).partition(b" ")
            except TimeoutError:
                # A kubelet sends not even the head of its answer before there is a line.
                return None
            return stamp.decode() if _STAMP.fullmatch(stamp) else ""

    async def record_event(self, namespace: str, event: Body) -> None:
        """Create an event."""
        await self._change("POST", _path(EVENTS, namespace), event)

    async def _change(self, method: str, path: str, body: Body, **query: str) -> Body:
        seconds = self._fence.seconds()
        chosen = [("fieldManager", FIELD_MANAGER)] if method != "DELETE" else []
        return await self._ask(method, path, chosen + _given(**query), body, seconds)

    async def _ask(
        self,
        method: str,
        path: str,
        query: _Query | None = None,
        body: Body | None = None,
        seconds: float = TIMEOUT_SECONDS,
    ) -> Body:
        with _own_errors():
            limits = ClientTimeout(total=seconds)
            answer = await self._send(method, path, query, body, limits=limits)
            return body_of(await answer.read())

    async def _send(
        self,
        method: str,
        path: str,
        query: _Query | None = None,
        body: Body | None = None,
        *,
        limits: ClientTimeout,
    ) -> RESTResponse:
        """Send a request and return its answer, of which only the head has been read."""
        kind = _MERGE if method == "PATCH" else _JSON
        url = f"{self._api.configuration.host}{path}"
        if query:
            url = f"{url}?{urlencode(query, quote_via=quote)}"
        # Its JSON is ASCII, so that no text is one that the server cannot read.
        answer: RESTResponse = await self._api.rest_client.request(
            method,
            url,
            headers={**_HEADERS, "Content-Type": kind, **await self._credentials()},
            body=body,
            _request_timeout=limits,
        )
        if answer.status >= CLIENT_ERROR:
            raise error_of(answer.status, answer.reason, answer.headers, await answer.read())
        return answer

    async def _credentials(self) -> dict[str, str]:
        """Return the headers that say who asks: a pod's account has another token every hour."""
        settings = (await self._api.configuration.auth_settings()).values()
        return {str(setting["key"]): str(setting["value"]) for setting in settings}


def _path(kind: Kind, namespace: str | None, *more: str) -> str:
    root = ("apis", kind.group) if kind.group else ("api",)
    where = ("namespaces", namespace) if namespace and kind != NAMESPACES else ()
    return "/" + "/".join((*root, kind.version, *where, kind.plural, *more))


def _given(**query: str | None) -> _Query:
    return [(name, value) for name, value in query.items() if value]


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""


def _page(body: Body) -> Page:
    items, version = body.get("items"), _mapping(body.get("metadata")).get("resourceVersion")
    if not isinstance(items, list | None) or not isinstance(version, str):
        raise UnavailableError("API server: its answer is no list")
    return Page(tuple(item for item in items or () if isinstance(item, dict)), version)


@contextmanager
def _own_errors() -> Iterator[None]:
    """Raise whatever fails on the way to the API server and back as one of the gateway's errors."""
    try:
        yield
    except ApiError:
        raise
    except RecursionError as error:
        raise InvalidError("nested too deep to be sent") from error
    except (TimeoutError, ClientError, OSError, ValueError, ApiException) as error:
        raise UnavailableError(f"API server: {words_of(error)}") from error
