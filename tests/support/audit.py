"""What was asked of an API server, and by whom: its audit log, without any content."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Key = tuple[str, str]
"""A verb, and a resource with its group and subresource: `patch`, `jobs.batch/status`."""


class Request(NamedTuple):
    """A request that was answered.

    Attributes:
        user: Who asked, by the name that the API server knows.
        agent: The program, as it calls itself.
        verb: What was asked for: get, list, create, update, patch, delete, watch.
        resource: Of what, with its group and subresource.
        namespace: Where, empty for the whole cluster.
        name: The object's, empty for several, and where the server chose it.
        code: The HTTP status of the answer.
        ended: When the answer was given, in seconds of the API server's clock.
    """

    user: str
    agent: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    ended: float

    @property
    def key(self) -> Key:
        """What it is counted under."""
        return self.verb, self.resource


class AuditLog:
    """The audit log of an API server that is started with `options`.

    Args:
        folder: Where the policy and the log are; made if need be.
        users: Whose requests are logged; none: everybody's.
    """

    def __init__(self, folder: Path, users: Iterable[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "audit.log"
        self._file.touch()
        policy = folder / "audit-policy.yaml"
        policy.write_text(yaml.safe_dump(_policy(tuple(users))))
        self.options = (
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self._file}",
            # Megabytes: it is read from where it was, and must not begin anew.
            "--audit-log-maxsize=1000000",
        )

    def mark(self) -> int:
        """Return where the log ends now."""
        return self._file.stat().st_size

    def since(self, mark: int) -> Iterator[Request]:
        """Yield what was asked since a mark; the last ones may not be there yet."""
        with self._file.open("rb") as lines:
            lines.seek(mark)
            for line in lines:
                if line.endswith(b"\n"):
                    yield _request(json.loads(line))


def counted(
    requests: Iterable[Request], wanted: Callable[[Request], bool] = lambda _: True
) -> Counter[Key]:
    """Count requests by verb and resource, watches left out: they go on."""
    return Counter(r.key for r in requests if r.verb != "watch" and wanted(r))


def _policy(users: tuple[str, ...]) -> dict[str, Any]:
    rule: dict[str, Any] = {"level": "Metadata"}
    rules = [rule | {"users": list(users)}, {"level": "None"}] if users else [rule]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": rules,
    }


def _request(line: dict[str, Any]) -> Request:
    about = line.get("objectRef", {})
    words = about.get("resource", line["requestURI"]), about.get("apiGroup", "")
    resource = ".".join(word for word in words if word)
    more = about.get("subresource", "")
    return Request(
        user=line["user"].get("username", ""),
        agent=line.get("userAgent", ""),
        verb=line["verb"],
        resource=f"{resource}/{more}" if more else resource,
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        code=line.get("responseStatus", {}).get("code", 0),
        ended=datetime.fromisoformat(line["stageTimestamp"]).timestamp(),
    )
