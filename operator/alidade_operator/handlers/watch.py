"""kopf as the source of events: its watch-streams, its login, and nothing else of it.

What kopf does with an event for handlers with diffs and retries is not needed where a plan asks
what is and not what happened. The streams alone are in modules that kopf keeps to itself; its
version is locked, and the tests of this module hold what is relied on.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final, Self

import kopf
from kopf._cogs.clients.auth import vault_var
from kopf._cogs.clients.errors import APIError
from kopf._cogs.clients.watching import watch_objs
from kopf._cogs.structs.credentials import Vault
from kopf._cogs.structs.references import NamespaceName, Resource

from alidade_core.words import words_of
from alidade_operator.kube.answers import error_of, error_of_event
from alidade_operator.kube.gateway import ApiError, Change, ExpiredError, Kind, UnavailableError

# A server ends a watch after half an hour or so by itself; a proxy may keep one open that is dead.
SERVER_SECONDS: Final = 300
CONNECT_SECONDS: Final = 30
LOGIN_AGAIN_SECONDS: Final = 5

_log = logging.getLogger(__name__)


class KopfWatches:
    """Watches on the cluster that this process is in, or that its kubeconfig names.

    Use as a context: it logs in there, and again whenever the API server no longer takes the
    credentials, as those of a pod are replaced every hour.

    Args:
        login: Where credentials come from, one of kopf's.
    """

    def __init__(self, login: Callable[..., Any] = kopf.login_via_client) -> None:
        self._login = login
        self._vault = Vault()

    async def __aenter__(self) -> Self:
        vault_var.set(self._vault)
        self._keeping = asyncio.create_task(self._keep_logged_in())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeping.cancel()
        await self._vault.close()

    async def watch(
        self, kind: Kind, namespace: str | None, selector: str | None, version: str
    ) -> AsyncGenerator[Change]:
        """Yield what happens to the objects of a kind, until the server ends it after some minutes.

        Args:
            kind: Their kind.
            namespace: Where they are, None for everywhere.
            selector: A selector of labels.
            version: The resourceVersion after which to begin.

        Raises:
            ExpiredError: What happened since then has to be found out by a list.
            ApiError: Any other refusal.
        """
        stream: Any = watch_objs(
            settings=_settings(kind, selector),
            resource=Resource(*kind, namespaced=True),
            namespace=None if namespace is None else NamespaceName(namespace),
            since=version,
            operator_pause_waiter=asyncio.get_running_loop().create_future(),
        )
        try:
            # One that is left open cancels, after a minute of silence, the task that has read it.
            async with aclosing(stream):
                async for told in stream:
                    yield _change(told)
        except APIError as error:
            text = error.message or str(error)
            raise error_of(error.status, None, error.headers, text.encode()) from error
        except RecursionError as error:
            raise ExpiredError("an object changed that is nested too deep to be read") from error
        except ApiError:
            raise
        except Exception as error:
            # kopf takes it for granted that the API server answers, and not something before it.
            raise UnavailableError(f"API server: {words_of(error)}") from error

    async def _keep_logged_in(self) -> None:
        while True:
            await self._vault.wait_for_emptiness()
            try:
                credentials = await asyncio.to_thread(
                    self._login, logger=_log, settings=_settings()
                )
            except Exception as error:
                # Whatever it is, without credentials nothing would be watched ever again.
                _log.warning("no credentials for watches: %s", error)
                await asyncio.sleep(LOGIN_AGAIN_SECONDS)
                continue
            await self._vault.populate({"client": credentials})


def _settings(kind: Kind | None = None, selector: str | None = None) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.watching.server_timeout = SERVER_SECONDS
    settings.watching.connect_timeout = CONNECT_SECONDS
    # Who follows a watch tries again, and says so meanwhile.
    settings.networking.error_backoffs = ()
    if kind and selector:
        settings.watching.label_selectors[kind.group, kind.version, kind.plural] = selector
    return settings


def _change(told: Any) -> Change:
    told = told if isinstance(told, dict) else {}
    kind, body = told.get("type"), told.get("object")
    if kind == "ERROR":
        raise error_of_event(body)
    if not isinstance(kind, str) or not isinstance(body, dict):
        raise UnavailableError("API server: a watch tells what is no change of an object")
    return Change(kind, body)
