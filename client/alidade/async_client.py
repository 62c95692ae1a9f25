"""The client, asynchronous."""

import asyncio
import builtins
import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from alidade import logs, packing
from alidade.doctor import look
from alidade.doctor.facts import Facts
from alidade.errors import (
    AlidadeError,
    AlreadyExistsError,
    NotFoundError,
    RefusedError,
    WaitTimeoutError,
)
from alidade.jobs import rerun, tree, why
from alidade.jobs.submission import Submission, Value, job_body, name_of
from alidade.k8s.connection import Kube
from alidade.k8s.kinds import Kind, kind_of
from alidade.logs import LogLine
from alidade.manifests import Body, Manifest, from_body, from_yaml, to_body
from alidade.mlflow import way, workflows
from alidade.mlflow.rest import Mlflow
from alidade.progress import Progress, Quiet
from alidade.results import Result, results
from alidade_core.api.base import Resource
from alidade_core.api.dataset import Dataset
from alidade_core.api.experiment import Experiment, Tracking
from alidade_core.api.job import Dependency, Job
from alidade_core.api.queue import Queue

R = TypeVar("R", bound=Resource)

_JOBS = kind_of(Job)
_REGISTERING_SECONDS = 60.0
_ATTEMPTS_AT_A_NAME = 5


class AsyncClient:
    """Experiments, queues and jobs of a namespace, with only a kubeconfig.

    Every method raises an AlidadeError, whose message tells a user what is wrong: ForbiddenError
    names the right that is lacking, UnreachableError says who does not answer.

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
        self.kube = Kube(kubeconfig, context, namespace)
        self._opened = AsyncExitStack()
        self._mlflow: Mlflow | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the way to MLflow, if one was opened."""
        self._mlflow = None
        await self._opened.aclose()

    # Resources.

    async def get(self, kind: type[R], name: str) -> R:
        """Read an Experiment, a Queue or a Job."""
        return kind.model_validate(await self.kube.get(kind_of(kind), name))

    async def list(self, kind: type[R], *, experiment: str | None = None) -> builtins.list[R]:
        """Read all of a kind; of jobs, those of an experiment if one is named."""
        found = [kind.model_validate(body) for body in await self.kube.list(kind_of(kind))]
        if experiment is None:
            return found
        return [
            each for each in found if isinstance(each, Job) and each.spec.experiment == experiment
        ]

    async def apply(self, *wanted: Manifest | str | Path) -> builtins.list[Manifest]:
        """Create resources, or change those that are there.

        Args:
            wanted: Resources, YAML, or files with YAML.
        """
        manifests: builtins.list[Manifest] = []
        for each in wanted:
            if isinstance(each, Path):
                manifests += from_yaml(each.read_text())
            else:
                manifests += from_yaml(each) if isinstance(each, str) else [each]
        bodies = [(kind_of(type(each)), to_body(each)) for each in manifests]
        return [from_body(await self.kube.apply(kind, body)) for kind, body in bodies]

    async def create_resource(self, wanted: R) -> R:
        """Create a resource of which there is none of that name yet."""
        kind = type(wanted)
        return kind.model_validate(await self._create(kind_of(kind), to_body(wanted)))

    async def delete(self, kind: type[Resource], name: str) -> None:
        """Delete a resource, and wait until it is gone; one that is not there is gone already."""
        with suppress(NotFoundError):
            uid = (await self.get(kind, name)).metadata.uid
            await self.kube.delete(kind_of(kind), name)
            while True:
                if (await self.get(kind, name)).metadata.uid != uid:
                    # Another of that name was created since.
                    return
                await asyncio.sleep(1)

    async def registered(self, experiment: str) -> Experiment:
        """Wait until MLflow has an experiment; return it."""
        said = "no operator has seen it yet"
        try:
            async with asyncio.timeout(_REGISTERING_SECONDS):
                while True:
                    found = await self.get(Experiment, experiment)
                    if found.spec.tracking is Tracking.NONE:
                        raise RefusedError(
                            f"experiment '{experiment}' has tracking: None, so that MLflow has "
                            "nothing of it: name its workflow's source yourself"
                        )
                    if found.status.mlflow_experiment_id:
                        return found
                    if ready := found.status.condition("Ready"):
                        said = f"{ready.reason}: {ready.message}"
                    await asyncio.sleep(1)
        except TimeoutError as error:
            raise WaitTimeoutError(
                f"experiment '{experiment}' is not registered in MLflow: {said}"
            ) from error

    # Jobs.

    async def submit(
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
        """Create a job that runs an entry point of a workflow.

        Args:
            workflow: A folder with an MLproject, or an archive of one, which is stored in MLflow
                once; None: the experiment's own workflow.
            entry_point: The entry point.
            experiment: The experiment that the job is part of.
            parameters: Parameters of the entry point; `run_of(job)` and `output_of(job, name)`
                are values of other jobs, which the job then comes after.
            after: Jobs that have to end well before, or Dependency for another condition.
            name: The job's name; made of the entry point if none is given.
            queue: The queue; default: the experiment's.
            image: The image; default: the experiment's.
            path: Directory of MLproject in the workflow.
            datasets: What it finds in /data, as Dataset or written as `NAME=claim:CLAIM`,
                `NAME=artifact:URI#sha256=DIGEST` or `NAME=path:/DIRECTORY`.
            labels: Labels of the job.
            annotations: Annotations of the job.
            spec: Other fields of the job's spec, by the API's names, as `backoffLimit=2`.
        """
        wanted = Submission(
            experiment=experiment,
            entry_point=entry_point,
            parameters=parameters or {},
            after=tuple(after),
            name=name,
            queue=queue,
            image=image,
            path=path,
            datasets=tuple(datasets),
            labels=labels or {},
            annotations=annotations or {},
            spec=spec,
        )
        return await self.create(wanted, await self.packed(workflow))

    async def packed(self, workflow: str | Path | None) -> packing.Packed | None:
        """Pack a workflow, as it would be submitted; it tells what is left out."""
        return None if workflow is None else await asyncio.to_thread(packing.pack, Path(workflow))

    async def create(self, wanted: Submission, packed: packing.Packed | None = None) -> Job:
        """Create the job that a submission describes, with a workflow that was packed."""
        source = None
        if packed is not None:
            registered = (await self.registered(wanted.experiment)).status.mlflow_experiment_id
            source = await workflows.stored(await self.mlflow_rest(), str(registered), packed)
        attempts = 1 if wanted.name else _ATTEMPTS_AT_A_NAME
        while True:
            attempts -= 1
            try:
                body = await self._create(_JOBS, job_body(wanted, source))
            except AlreadyExistsError:
                if not attempts:
                    raise
            else:
                return Job.model_validate(body)

    async def _create(self, kind: Kind, body: Body) -> Body:
        body["metadata"].setdefault("namespace", await self.kube.namespace())
        return await self.kube.create(kind, body)

    async def wait(
        self, job: str | Job, *, timeout: float | None = None, progress: Progress | None = None
    ) -> Job:
        """Wait until a job has come to its end; return it as it is then, as `wait_all` does."""
        (ended,) = await self.wait_all([job], timeout=timeout, progress=progress)
        return ended

    async def wait_all(
        self,
        jobs: Iterable[str | Job],
        *,
        timeout: float | None = None,
        progress: Progress | None = None,
    ) -> builtins.list[Job]:
        """Wait until each job has come to its end; return them as they are then.

        Args:
            jobs: The jobs.
            timeout: Seconds to wait at most; None: as long as it takes.
            progress: What shows how they fare: `alidade.shown()` for what suits the place; None:
                nothing.

        Raises:
            WaitTimeoutError: Some have not ended in time.
            NotFoundError: One is not there, or was deleted meanwhile.
        """
        names = [name_of(each) for each in jobs]
        try:
            with progress or Quiet() as shown:
                async with asyncio.timeout(timeout):
                    return await self._ended(names, shown)
        except TimeoutError as error:
            raise WaitTimeoutError(
                f"{', '.join(names)}: not ended within {timeout:g} s; the cluster goes on with it"
            ) from error

    async def _ended(self, names: builtins.list[str], shown: Progress) -> builtins.list[Job]:
        async with aclosing(self.watch()) as versions:
            async for jobs in versions:
                known = {each.metadata.name: each for each in jobs}
                for name in names:
                    if name not in known:
                        raise NotFoundError(f"there is no job '{name}', or it was deleted")
                found = [known[name] for name in names]
                shown.show(found)
                if all(each.status.ended for each in found):
                    return found
        raise AssertionError("a watch has no end")

    async def watch(
        self, *, experiment: str | None = None
    ) -> AsyncGenerator[builtins.list[Job], None]:
        """Yield all jobs, or those of an experiment, and again after each change, for ever."""
        async with aclosing(self.kube.follow(_JOBS)) as versions:
            async for bodies in versions:
                jobs = [Job.model_validate(body) for body in bodies]
                yield [j for j in jobs if experiment in (None, j.spec.experiment)]

    async def logs(self, job: str | Job, *, follow: bool = False) -> AsyncGenerator[LogLine, None]:
        """Yield the lines of a job's logs, of all attempts and replicas.

        What is of pods that are gone comes from MLflow.

        Args:
            job: The job.
            follow: Whether to go on until it has ended.
        """
        name = name_of(job)
        sources = logs.Sources(self.kube, lambda: self.get(Job, name), self.mlflow_rest)
        async with aclosing(logs.lines(sources, follow=follow)) as found:
            async for line in found:
                yield line

    async def cancel(self, job: str | Job) -> Job:
        """Cancel a job; one that has ended stays as it is."""
        body = await self.kube.patch(_JOBS, name_of(job), {"spec": {"cancel": True}})
        return Job.model_validate(body)

    async def rerun(self, job: str | Job, *, dependents: bool = False) -> builtins.list[Job]:
        """Run a job again, as NAME-r2, NAME-r3 and so on; return what was created, it first.

        Args:
            job: The job.
            dependents: Whether to run again too what comes after it, on the new results.
        """
        bodies = {body["metadata"]["name"]: body for body in await self.kube.list(_JOBS)}
        first = name_of(job)
        if first not in bodies:
            raise NotFoundError(f"there is no job '{first}'")
        jobs = [Job.model_validate(body) for body in bodies.values()]
        behind = rerun.dependents(first, jobs) if dependents else []
        names = [first, *(each.metadata.name for each in behind)]
        made = rerun.copies([bodies[name] for name in names], bodies.keys())
        return [Job.model_validate(await self._create(_JOBS, body)) for body in made]

    async def tree(self, *, experiment: str | None = None) -> builtins.list[tree.Node]:
        """Return the graph of the jobs, or of those of an experiment."""
        return tree.forest(await self.list(Job, experiment=experiment))

    async def why(self, job: str | Job) -> builtins.list[why.Cause]:
        """Return why a job is as it is: the job first, the root of it last."""
        asked = await self.get(Job, name_of(job))
        experiment = await self._if_there(Experiment, asked.spec.experiment)
        queue = asked.spec.queue or (experiment.spec.queue if experiment else None)
        jobs = await self.list(Job)
        return why.why(asked, jobs, experiment, await self._if_there(Queue, queue))

    async def _if_there(self, kind: type[R], name: str | None) -> R | None:
        if name is None:
            return None
        try:
            return await self.get(kind, name)
        except NotFoundError:
            return None

    async def facts(self) -> Facts:
        """Return what is known of the installation, for `alidade.doctor.judgement`."""
        return await look.facts(self)

    # MLflow.

    async def results(self, experiment: str) -> builtins.list[Result]:
        """Return what the runs of an experiment's jobs have measured, by the jobs' names."""
        registered = (await self.registered(experiment)).status.mlflow_experiment_id
        runs = (await self.mlflow_rest()).runs(str(registered))
        return await results(runs, await self.kube.namespace())

    async def open_mlflow(self, port: int | None = None) -> str:
        """Return the address of MLflow, by a way that stays open as long as the client.

        Args:
            port: Port of localhost to forward from, if it is forwarded; None: any that is free.
        """
        return (await self.mlflow_rest(port)).uri

    async def check_mlflow(self) -> None:
        """See that MLflow can be reached, and answers."""
        await (await self.mlflow_rest()).check()

    async def mlflow_rest(self, port: int | None = None) -> Mlflow:
        """Return MLflow's REST API, by a way that stays open as long as the client."""
        async with self._opening:
            if self._mlflow is None:
                self._mlflow = await way.open_way(self.kube, self._opened, port)
        return self._mlflow

    async def mlflow(self) -> Any:
        """Return an MlflowClient (extra `mlflow`), by a way that is open as long as this client."""
        try:
            from mlflow import MlflowClient  # noqa: PLC0415 (an extra, and seconds to import)
        except ImportError as error:
            raise AlidadeError("install alidade[mlflow] to have MLflow's own client") from error
        for name, value in (await way.login(self.kube)).items():
            os.environ.setdefault(name, value)
        return MlflowClient((await self.mlflow_rest()).uri)
