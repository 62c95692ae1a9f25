"""A connection to an API server, as a kubeconfig describes it."""

import asyncio
import atexit
import builtins
import json
import os
import ssl
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
import kr8s
from kr8s.asyncio import api as connect

from alidade.errors import AlidadeError, UnreachableError
from alidade.k8s.answers import Asked, error_of, is_error
from alidade.k8s.kinds import PODS, Kind
from alidade.k8s.patience import patiently

Body = dict[str, Any]

FIELD_MANAGER: Final = "alidade"
TIMEOUT_SECONDS: Final = 30.0
_WATCH_SECONDS: Final = 240
_PAUSE_SECONDS: Final = 1.0
_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_JSON: Final = "application/json"
_MERGE: Final = "application/merge-patch+json"
_APPLY: Final = "application/apply-patch+yaml"


class Kube:
    """What the client asks of an API server; every method raises AlidadeError.

    Args:
        kubeconfig: Its file; default: KUBECONFIG, or ~/.kube/config, or the pod's own account.
        context: Context in it; default: the current one.
        namespace: Namespace; default: the context's.
    """

    def __init__(
        self, kubeconfig: str | Path | None, context: str | None, namespace: str | None
    ) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._namespace = namespace
        self._api: Any = None
        self._connecting = asyncio.Lock()

    async def namespace(self) -> str:
        """Return the namespace that is meant where none is named."""
        api = await self.api()
        return self._namespace or namespace_of(api.auth)

    async def api(self) -> Any:
        """Return kr8s' own connection, for what this class has no method for."""
        async with self._connecting:
            if self._api is None:
                self._api = await self._connect()
        return self._api

    async def _connect(self) -> Any:
        given = self._kubeconfig or os.environ.get("KUBECONFIG") or None
        try:
            with warnings.catch_warnings():
                # It warns of versions of Kubernetes that it was not tested with.
                warnings.simplefilter("ignore", UserWarning)
                api = await connect(
                    kubeconfig=str(given) if given else None,
                    context=self._context,
                    namespace=self._namespace,
                )
        except (ValueError, KeyError, OSError, ssl.SSLError) as error:
            raise UnreachableError(f"{_no_kubeconfig(given)}: {error}") from error
        except (httpx.HTTPError, kr8s.APITimeoutError, kr8s.ServerError) as error:
            raise _away(error) from error
        api.timeout = TIMEOUT_SECONDS
        atexit.register(_forget, api.auth)
        return api

    async def get(
        self, kind: Kind, name: str, namespace: str | None = None, *, installation: bool = False
    ) -> Body:
        """Read an object."""
        asked = await self._asked("get", kind, namespace, name)
        return await self._json("GET", asked._replace(installation=installation))

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        installation: bool = False,
        **parameters: str,
    ) -> builtins.list[Body]:
        """Read all objects, or those that a labelSelector or fieldSelector names."""
        asked = await self._asked("list", kind, namespace)
        asked = asked._replace(installation=installation)
        found: builtins.list[Body] = (await self._json("GET", asked, params=parameters))["items"]
        return found

    async def create(self, kind: Kind, body: Body, *, dry_run: bool = False) -> Body:
        """Create an object, of which no field may be unknown."""
        namespace = body["metadata"].get("namespace")
        asked = await self._asked("create", kind, namespace, body["metadata"].get("name", ""))
        parameters = {"fieldValidation": "Strict", "fieldManager": FIELD_MANAGER}
        return await self._json(
            "POST", asked, body, params=parameters | ({"dryRun": "All"} if dry_run else {})
        )

    async def apply(self, kind: Kind, body: Body) -> Body:
        """Create an object, or make one that is there have these fields (KEP-555)."""
        metadata = body["metadata"]
        asked = await self._asked("patch", kind, metadata.get("namespace"), metadata["name"])
        parameters = {
            "fieldManager": FIELD_MANAGER,
            "fieldValidation": "Strict",
            # A user who applies a manifest means it, whoever had the field before.
            "force": "true",
        }
        return await self._json("PATCH", asked, body, _APPLY, params=parameters)

    async def patch(self, kind: Kind, name: str, body: Body, namespace: str | None = None) -> Body:
        """Change fields of an object."""
        asked = await self._asked("patch", kind, namespace, name)
        return await self._json("PATCH", asked, body, _MERGE)

    async def delete(self, kind: Kind, name: str, namespace: str | None = None) -> None:
        """Delete an object; what it owns goes after it."""
        await self._json("DELETE", await self._asked("delete", kind, namespace, name))

    async def versions(self) -> Body:
        """Return the API server's version."""
        kind = Kind("", "version", namespaced=False)
        async with self._answer("GET", Asked("get", kind, None), path="/version") as answer:
            found: Body = json.loads(answer.text)
        return found

    async def follow(
        self, kind: Kind, namespace: str | None = None
    ) -> AsyncGenerator[builtins.list[Body], None]:
        """Yield all objects as they are, and again after each change, for ever."""
        asked = await self._asked("list", kind, namespace)
        answer = await self._json("GET", asked)
        while True:
            known = {item["metadata"]["name"]: item for item in answer["items"]}
            yield [*known.values()]
            since = answer["metadata"]["resourceVersion"]
            async with aclosing(self._watch(asked._replace(verb="watch"), since)) as events:
                async for event in events:
                    name = event["object"]["metadata"]["name"]
                    known[name] = event["object"]
                    if event["type"] == "DELETED":
                        del known[name]
                    yield [*known.values()]
            await asyncio.sleep(_PAUSE_SECONDS)
            answer = await patiently(partial(self._json, "GET", asked))

    async def _watch(self, asked: Asked, since: str) -> AsyncGenerator[Body, None]:
        """Yield changes until the API server has no more of them to tell."""
        parameters = {"watch": "true", "resourceVersion": since, "timeoutSeconds": _WATCH_SECONDS}
        try:
            async with self._answer("GET", asked, stream=True, params=parameters) as answer:
                async for line in answer.aiter_lines():
                    event: Body = json.loads(line)
                    if event["type"] not in ("ADDED", "MODIFIED", "DELETED"):
                        return
                    yield event
        except UnreachableError:
            # Cut off: what happened meanwhile is in the next list, or that tells what is wrong.
            return

    async def log(
        self, pod: str, container: str, namespace: str | None = None, *, follow: bool = False
    ) -> AsyncIterator[str]:
        """Yield the lines of a container's log."""
        asked = (await self._asked("get", PODS, namespace, pod))._replace(subresource="log")
        parameters = {"container": container, "follow": str(follow).lower()}
        async with self._answer("GET", asked, stream=True, params=parameters) as answer:
            async for line in answer.aiter_lines():
                yield line

    async def _asked(
        self, verb: str, kind: Kind, namespace: str | None = None, name: str = ""
    ) -> Asked:
        where = (namespace or await self.namespace()) if kind.namespaced else None
        return Asked(verb, kind, where, name)

    async def _json(
        self,
        method: str,
        asked: Asked,
        body: Body | None = None,
        content_type: str = _JSON,
        params: Mapping[str, Any] | None = None,
    ) -> Body:
        options: Body = {"params": dict(params or {}), "headers": {"Content-Type": content_type}}
        if body is not None:
            options["content"] = json.dumps(body)
        async with self._answer(method, asked, **options) as answer:
            found: Body = answer.json()
        return found

    @asynccontextmanager
    async def _answer(
        self, method: str, asked: Asked, *, path: str = "", stream: bool = False, **options: Any
    ) -> AsyncIterator[httpx.Response]:
        api = await self.api()
        named = method != "POST" and asked.name
        parts = (asked.kind.plural, asked.name if named else "", asked.subresource if named else "")
        where = {
            "version": asked.kind.version,
            "namespace": asked.namespace,
            "url": "/".join(part for part in parts if part),
        }
        if path:
            where = {"version": "", "base": path, "url": ""}
        if stream:
            # Between two lines may be any time; an API server that is gone closes the connection.
            options["timeout"] = httpx.Timeout(TIMEOUT_SECONDS, read=None)
        asking = {"method": method, "stream": stream, **where, **options}
        try:
            async with api.call_api(raise_for_status=False, **asking) as answer:
                if answer.status_code != HTTPStatus.UNAUTHORIZED:
                    yield await _checked(answer, asked)
                    return
            # Credentials may have run out; asked like this, kr8s gets new ones and tries again.
            async with api.call_api(raise_for_status=True, **asking) as answer:
                yield await _checked(answer, asked)
        except kr8s.ServerError as error:
            if error.response is None:
                raise _away(error) from error
            raise error_of(asked, error.response.status_code, error.response.text) from error
        except (httpx.TransportError, kr8s.APITimeoutError, OSError) as error:
            raise _away(error) from error


def _forget(auth: Any) -> None:
    """Delete the keys and certificates that kr8s has copied out of a kubeconfig into files."""
    copies = (
        (auth.client_key_file, auth._user, "client-key-data"),
        (auth.client_cert_file, auth._user, "client-certificate-data"),
        (auth.server_ca_file, auth._cluster, "certificate-authority-data"),
    )
    for file, entry, field in copies:
        if file and field in entry:
            Path(file).unlink(missing_ok=True)


def namespace_of(auth: Any, account: Path = _ACCOUNT) -> str:
    """Return the namespace of kr8s' credentials: the context's, or that of the pod's account.

    Of the latter kr8s itself does not ask for it, and says `default`.
    """
    if not auth.active_context and account.is_file():
        return account.read_text().strip()
    return str(auth.namespace)


async def _checked(answer: httpx.Response, asked: Asked) -> httpx.Response:
    if is_error(answer.status_code):
        await answer.aread()
        raise error_of(asked, answer.status_code, answer.text)
    return answer


def _no_kubeconfig(given: str | Path | None) -> str:
    if given:
        return f"the kubeconfig {given} cannot be used"
    return "there is no kubeconfig: set KUBECONFIG, or make ~/.kube/config"


def _away(error: Exception) -> AlidadeError:
    words = str(error) or type(error).__name__
    return UnreachableError(f"the API server cannot be reached: {words}")
