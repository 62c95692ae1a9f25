"""MLflow's REST API, without MLflow's client: what is needed here are a few requests."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import httpx

from alidade.errors import AlidadeError, ForbiddenError, RefusedError, UnreachableError
from alidade_core.words import beginning

Body = dict[str, Any]

LOGIN_SECRET: Final = "mlflow-login"  # noqa: S105 (its name)
"""Secret of the user's namespace with MLFLOW_TRACKING_TOKEN, or with MLFLOW_TRACKING_USERNAME and
MLFLOW_TRACKING_PASSWORD."""

_API: Final = "/api/2.0/mlflow"
_ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"
_TIMEOUT: Final = httpx.Timeout(30.0, read=300.0, write=300.0)
# Behind a forwarded port a connection that was idle may have been closed at its other end, which is
# seen no sooner than a request has been lost on it.
_LIMITS: Final = httpx.Limits(max_keepalive_connections=0)
_PAGE: Final = 200
_MAX_WORDS: Final = 300
_ERRORS: Final = 400
_SERVER_ERRORS: Final = 500


class Mlflow:
    """A tracking server; every method raises AlidadeError.

    Args:
        uri: Where it is.
        login: MLflow's own variables with credentials, as far as there are any.
    """

    def __init__(self, uri: str, login: Mapping[str, str]) -> None:
        self.uri = uri.rstrip("/")
        token = login.get("MLFLOW_TRACKING_TOKEN")
        user, password = (login.get(f"MLFLOW_TRACKING_{n}", "") for n in ("USERNAME", "PASSWORD"))
        self._session = httpx.AsyncClient(
            base_url=self.uri,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            auth=(user, password) if user and not token else None,
            timeout=_TIMEOUT,
            limits=_LIMITS,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._session.aclose()

    async def check(self) -> None:
        """See that it answers as MLflow does."""
        await self._send("POST", f"{_API}/experiments/search", json={"max_results": 1})

    async def experiment(self, experiment_id: str) -> Body:
        """Read an experiment."""
        answer = await self._json(
            "GET", f"{_API}/experiments/get", params={"experiment_id": experiment_id}
        )
        found: Body = answer["experiment"]
        return found

    async def run(self, run_id: str) -> Body:
        """Read a run."""
        answer = await self._json("GET", f"{_API}/runs/get", params={"run_id": run_id})
        found: Body = answer["run"]
        return found

    async def runs(self, experiment_id: str, wanted: str = "") -> AsyncIterator[Body]:
        """Yield the runs of an experiment that a filter of MLflow's wants."""
        token = ""
        while True:
            answer = await self._json(
                "POST",
                f"{_API}/runs/search",
                json={
                    "experiment_ids": [experiment_id],
                    "filter": wanted,
                    "max_results": _PAGE,
                    **({"page_token": token} if token else {}),
                },
            )
            for run in answer.get("runs", ()):
                yield run
            token = answer.get("next_page_token", "")
            if not token:
                return

    async def create_run(
        self, experiment_id: str, name: str, tags: Mapping[str, str], start_time: int
    ) -> Body:
        """Create a run; its start is in milliseconds since 1970."""
        answer = await self._json(
            "POST",
            f"{_API}/runs/create",
            json={
                "experiment_id": experiment_id,
                "run_name": name,
                "start_time": start_time,
                "tags": [{"key": key, "value": value} for key, value in tags.items()],
            },
        )
        found: Body = answer["run"]
        return found

    async def end_run(self, run_id: str, end_time: int) -> None:
        """End a run well; its end is in milliseconds since 1970."""
        await self._json(
            "POST",
            f"{_API}/runs/update",
            json={"run_id": run_id, "status": "FINISHED", "end_time": end_time},
        )

    async def put_artifact(self, folder: str, name: str, content: bytes) -> None:
        """Store an artifact by the server's proxy; the folder is below its root."""
        await self._send("PUT", f"{_ARTIFACTS}/{folder}/{name}", content=content)

    async def artifacts(self, run_id: str, folder: str = "") -> list[Body]:
        """List what is in a folder of a run's artifacts."""
        parameters = {"run_id": run_id, "path": folder}
        answer = await self._json("GET", f"{_API}/artifacts/list", params=parameters)
        found: list[Body] = answer.get("files", [])
        return found

    async def text(self, run_id: str, path: str) -> str:
        """Read an artifact that is text, wherever the server keeps it."""
        parameters = {"run_id": run_id, "path": path}
        answer = await self._send("GET", "/get-artifact", params=parameters)
        return answer.content.decode(errors="replace")

    async def _json(self, method: str, path: str, **options: Any) -> Body:
        answer = await self._send(method, path, **options)
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UnreachableError(f"{self.uri} does not answer as MLflow does: {_words(answer)}")
        return found

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = await self._session.request(method, path, **options)
        except httpx.HTTPError as error:
            words = str(error) or type(error).__name__
            raise UnreachableError(f"MLflow at {self.uri} cannot be reached: {words}") from error
        if answer.status_code >= _ERRORS:
            raise self._error(answer)
        return answer

    def _error(self, answer: httpx.Response) -> AlidadeError:
        code, words = answer.status_code, _words(answer)
        if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ForbiddenError(
                f"MLflow at {self.uri} lets you not in ({code}: {words}): put a login into the "
                f"Secret {LOGIN_SECRET} of your namespace, as MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD or as MLFLOW_TRACKING_TOKEN, or set these variables"
            )
        if code >= _SERVER_ERRORS or code == HTTPStatus.TOO_MANY_REQUESTS:
            return UnreachableError(f"MLflow at {self.uri} answers {code}: {words}")
        return RefusedError(f"MLflow answers {code}: {words}")


def _words(answer: httpx.Response) -> str:
    try:
        told = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        told = answer.text
    return beginning(str(told) or answer.reason_phrase, _MAX_WORDS)
