"""Where benchmarks happen: a control plane, pods on paper, and an operator when there is to be one.

API server, etcd, controllers and scheduler are the real ones, plain processes on this machine, as
for the integration tests; the operator is a process of its own, on the libraries that its image
has and with the rights that the chart gives it.
"""

import functools
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import uuid4

from benchmarks.paper import KWOK, PaperKubelet
from benchmarks.user import User, connected
from tests.support.audit import AuditLog, Request
from tests.support.control_plane import ControlPlane, node
from tests.support.kubelet_logs import LogServer
from tests.support.operator import Operator
from tests.support.rights import USER, grant
from tests.support.sources import REPOSITORY

NOWHERE = "http://127.0.0.1:1"
"""Where MLflow is not: of jobs whose experiments do not track."""
# Who acts is to be bound by the processors, and not by how much it lets itself ask for.
_UNBOUND = ("--kube-api-qps=1000", "--kube-api-burst=2000")


@functools.cache
def operators_python() -> str:
    """Return an interpreter with the libraries of the operator's image, and no others."""
    command = [str(REPOSITORY / "hack/venv"), "operator"]
    venv = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return f"{venv}/bin/python"


@dataclass(frozen=True)
class Spent:
    """Seconds of the processors by process, between two looks."""

    before: dict[str, float]
    after: dict[str, float]

    def of(self, name: str) -> float:
        """Return those of one process."""
        return self.after.get(name, 0.0) - self.before.get(name, 0.0)


class World:
    """One control plane for all that is measured.

    Attributes:
        folder: Where its state and logs are.
        plane: The control plane.
        audit: What was asked of its API server.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.audit = AuditLog(folder / "audit")
        self.plane = ControlPlane(
            folder / "plane",
            REPOSITORY / "crds",
            options=self.audit.options,
            controller_options=_UNBOUND,
            scheduler_options=_UNBOUND,
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.plane)
            logs = stack.enter_context(LogServer(self.plane.folder))
            self.plane.apply(node("paper", "cpu", {"pods": "1000000"}, log_port=logs.port))
            self._kubelet = PaperKubelet(self.folder, self.plane.kubeconfig)
            self._kubelet.start()
            stack.callback(self._kubelet.kill)
            self._account = grant(self.plane)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def operator(self, tracking_uri: str = NOWHERE, **settings: str) -> Iterator[Operator]:
        """Run an operator, from when it is ready until the context is left."""
        log = self.folder / f"operator-{uuid4().hex[:6]}.log"
        operator = Operator(log, self._account, tracking_uri, python=operators_python(), **settings)
        with operator:
            yield operator
            if not operator.runs:
                raise RuntimeError(f"the operator has ended: {operator.log_tail()}")

    def processor_seconds(self, operator: Operator | None = None) -> dict[str, float]:
        """Return what each process has had of the processors by now."""
        own = {"operator": operator.processor_seconds} if operator else {}
        kubelet = {KWOK: self._kubelet.processor_seconds}
        return self.plane.processor_seconds() | kubelet | own

    @asynccontextmanager
    async def user(self) -> AsyncIterator[User]:
        """Connect somebody who submits jobs."""
        async with connected(self.plane.kubeconfig) as user:
            yield user


def of_operator(namespace: str) -> Callable[[Request], bool]:
    """Return what tells the operator's requests about a namespace from others."""
    return lambda request: request.user == USER and request.namespace == namespace
