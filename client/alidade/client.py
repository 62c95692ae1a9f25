"""The client, plain: each method is that of AsyncClient, waited for."""

import builtins
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from alidade.async_client import AsyncClient
from alidade.doctor.facts import Facts
from alidade.jobs.submission import Submission, Value
from alidade.jobs.tree import Node
from alidade.jobs.why import Cause
from alidade.logs import LogLine
from alidade.loop import Loop
from alidade.manifests import Manifest
from alidade.packing import Packed
from alidade.progress import Progress
from alidade.results import Result
from alidade_core.api.base import Resource
from alidade_core.api.dataset import Dataset
from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Dependency, Job

R = TypeVar("R", bound=Resource)


class Client:
    """Experiments, queues and jobs of a namespace, with only a kubeconfig.

    Every method raises an AlidadeError, whose message tells a user what is wrong. What they do is
    told by AsyncClient's methods of the same names.

    Args:
        namespace: The namespace; default: that of the context.
        kubeconfig: Its file; default: KUBECONFIG, or ~/.kube/config, or the pod's own account.
        context: Context in it; default: the current one.
    """

    def __init__(
        self,
        namespace: str | None = None,
        *,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
    ) -> None:
        self._loop = Loop()
        self._client = AsyncClient(namespace, kubeconfig=kubeconfig, context=context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the way to MLflow, and end the client's thread."""
        self._loop.run(self._client.close())
        self._loop.close()

    def get(self, kind: type[R], name: str) -> R:
        """Read an Experiment, a Queue or a Job."""
        return self._loop.run(self._client.get(kind, name))

    def list(self, kind: type[R], *, experiment: str | None = None) -> builtins.list[R]:
        """Read all of a kind; of jobs, those of an experiment if one is named."""
        return self._loop.run(self._client.list(kind, experiment=experiment))

    def apply(self, *wanted: Manifest | str | Path) -> builtins.list[Manifest]:
        """Create resources, or change those that are there: themselves, YAML, or files of it."""
        return self._loop.run(self._client.apply(*wanted))

    def create_resource(self, wanted: R) -> R:
        """Create a resource of which there is none of that name yet."""
        return self._loop.run(self._client.create_resource(wanted))

    def delete(self, kind: type[Resource], name: str) -> None:
        """Delete a resource, and wait until it is gone; one that is not there is gone already."""
        self._loop.run(self._client.delete(kind, name))

    def registered(self, experiment: str) -> Experiment:
        """Wait until MLflow has an experiment; return it."""
        return self._loop.run(self._client.registered(experiment))

    def submit(
        self,
        workflow: str | Path | None = None,
        entry_point: str = "main",
        *,
        experiment: str,
        parameters: Mapping[str, Value] | None = None,
        after: Iterable[str | Job | Dependency] = (),
        name: str | None = None,
        queue: str | None = None,
        image: str | None = None,
        path: str | None = None,
        datasets: Iterable[Dataset | str] = (),
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> Job:
        """Create a job that runs an entry point of a workflow: a folder, an archive, or None."""
        return self._loop.run(
            self._client.submit(
                workflow,
                entry_point,
                experiment=experiment,
                parameters=parameters,
                after=after,
                name=name,
                queue=queue,
                image=image,
                path=path,
                datasets=datasets,
                labels=labels,
                annotations=annotations,
                **spec,
            )
        )

    def packed(self, workflow: str | Path | None) -> Packed | None:
        """Pack a workflow, as it would be submitted; it tells what is left out."""
        return self._loop.run(self._client.packed(workflow))

    def create(self, wanted: Submission, packed: Packed | None = None) -> Job:
        """Create the job that a submission describes, with a workflow that was packed."""
        return self._loop.run(self._client.create(wanted, packed))

    def wait(
        self, job: str | Job, *, timeout: float | None = None, progress: Progress | None = None
    ) -> Job:
        """Wait until a job has come to its end; return it as it is then."""
        return self._loop.run(self._client.wait(job, timeout=timeout, progress=progress))

    def wait_all(
        self,
        jobs: Iterable[str | Job],
        *,
        timeout: float | None = None,
        progress: Progress | None = None,
    ) -> builtins.list[Job]:
        """Wait until each job has come to its end; return them as they are then."""
        return self._loop.run(self._client.wait_all(jobs, timeout=timeout, progress=progress))

    def watch(self, *, experiment: str | None = None) -> Iterator[builtins.list[Job]]:
        """Yield all jobs, or those of an experiment, and again after each change, for ever."""
        return self._loop.iterate(self._client.watch(experiment=experiment))

    def logs(self, job: str | Job, *, follow: bool = False) -> Iterator[LogLine]:
        """Yield the lines of a job's logs, of all attempts and replicas."""
        return self._loop.iterate(self._client.logs(job, follow=follow))

    def cancel(self, job: str | Job) -> Job:
        """Cancel a job; one that has ended stays as it is."""
        return self._loop.run(self._client.cancel(job))

    def rerun(self, job: str | Job, *, dependents: bool = False) -> builtins.list[Job]:
        """Run a job again, as NAME-r2, NAME-r3 and so on; return what was created, it first."""
        return self._loop.run(self._client.rerun(job, dependents=dependents))

    def tree(self, *, experiment: str | None = None) -> builtins.list[Node]:
        """Return the graph of the jobs, or of those of an experiment."""
        return self._loop.run(self._client.tree(experiment=experiment))

    def why(self, job: str | Job) -> builtins.list[Cause]:
        """Return why a job is as it is: the job first, the root of it last."""
        return self._loop.run(self._client.why(job))

    def facts(self) -> Facts:
        """Return what is known of the installation, for `alidade.doctor.judgement`."""
        return self._loop.run(self._client.facts())

    def results(self, experiment: str) -> builtins.list[Result]:
        """Return what the runs of an experiment's jobs have measured, by the jobs' names."""
        return self._loop.run(self._client.results(experiment))

    def open_mlflow(self, port: int | None = None) -> str:
        """Return the address of MLflow, by a way that stays open as long as the client."""
        return self._loop.run(self._client.open_mlflow(port))

    def check_mlflow(self) -> None:
        """See that MLflow can be reached, and answers."""
        self._loop.run(self._client.check_mlflow())

    def mlflow(self) -> Any:
        """Return an MlflowClient (extra `mlflow`), by a way that is open as long as this client."""
        return self._loop.run(self._client.mlflow())
