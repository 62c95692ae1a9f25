"""`SecuringAIClient`, as the testbed's tutorials have it in their utils.py."""

from pathlib import Path
from typing import TypeVar

from alidade.client import Client
from alidade.errors import AlreadyExistsError, ForbiddenError, NotFoundError
from alidade.jobs.submission import valid_name
from alidade.testbed.answers import (
    Answer,
    experiment_answer,
    job_answer,
    not_found,
    parameters,
    queue_answer,
    seconds,
)
from alidade_core.api.base import Metadata, Resource
from alidade_core.api.experiment import Experiment, ExperimentSpec
from alidade_core.api.job import Job
from alidade_core.api.queue import Queue

R = TypeVar("R", bound=Resource)


class SecuringAIClient:
    """The testbed's client. Names become valid as they did there: tensorflow_cpu, tensorflow-cpu.

    Args:
        address: Where the testbed's service was, which there is none of here: a kubeconfig says
            where the cluster is.
        client: The client that it stands on; default: one of the context's namespace.
    """

    def __init__(self, address: str | None = None, *, client: Client | None = None) -> None:
        del address
        self._client = client or Client()

    def close(self) -> None:
        """Close the way to MLflow, which is open as long as this is used."""
        self._client.close()

    def get_experiment_by_name(self, name: str) -> Answer:
        """Return an experiment, or a message that there is none."""
        found = self._find(Experiment, valid_name(name))
        return experiment_answer(found) if found else not_found("experiment")

    def register_experiment(self, name: str) -> Answer:
        """Create an experiment, and wait until MLflow has it."""
        wanted = Experiment(metadata=Metadata(name=valid_name(name)), spec=ExperimentSpec())
        refusal = self._create(wanted, "experiment")
        return refusal or experiment_answer(self._client.registered(wanted.metadata.name))

    def get_queue_by_name(self, name: str) -> Answer:
        """Return a queue, or a message that there is none."""
        found = self._find(Queue, valid_name(name))
        return queue_answer(found) if found else not_found("queue")

    def register_queue(self, name: str = "tensorflow_cpu") -> Answer:
        """Create a queue; who may not do so is told whom to ask."""
        wanted = Queue(metadata=Metadata(name=valid_name(name)))
        return self._create(wanted, "queue") or self.get_queue_by_name(name)

    def submit_job(
        self,
        workflows_file: str | Path,
        experiment_name: str,
        entry_point: str,
        entry_point_kwargs: str | None = None,
        depends_on: str | None = None,
        queue: str = "tensorflow_cpu",
        timeout: str = "24h",
    ) -> Answer:
        """Run an entry point of an archive.

        Args:
            workflows_file: The archive.
            experiment_name: Name of the experiment.
            entry_point: The entry point.
            entry_point_kwargs: Its parameters, as `-P a=b -P c=d`.
            depends_on: ID of the job that has to end well before.
            queue: Name of the queue.
            timeout: How long it may run, as `24h`.

        Raises:
            ValueError: Parameters or time are written otherwise.
        """
        given, deadline = parameters(entry_point_kwargs), seconds(timeout)
        experiment, named = valid_name(experiment_name), valid_name(queue)
        if self._find(Experiment, experiment) is None:
            return not_found("experiment")
        if self._find(Queue, named) is None:
            return not_found("queue")
        # Here it would wait for a job of that name for ever.
        if depends_on is not None and self._find(Job, depends_on) is None:
            return not_found("job")
        job = self._client.submit(
            workflows_file,
            entry_point,
            experiment=experiment,
            parameters=given,
            after=[depends_on] if depends_on else [],
            queue=named,
            activeDeadlineSeconds=deadline,
        )
        return job_answer(job, self._find(Experiment, experiment))

    def get_job_by_id(self, id: str) -> Answer:  # noqa: A002 (the testbed's name)
        """Return a job, or a message that there is none."""
        job = self._find(Job, id)
        if job is None:
            return not_found("job")
        return job_answer(job, self._find(Experiment, job.spec.experiment))

    def _find(self, kind: type[R], name: str) -> R | None:
        try:
            return self._client.get(kind, name)
        except NotFoundError:
            return None

    def _create(self, wanted: Experiment | Queue, what: str) -> Answer | None:
        """Create it; return the refusal, None if there is none."""
        try:
            self._client.create_resource(wanted)
        except AlreadyExistsError:
            return {
                "message": f"Bad Request - The {what} name on the registration form already "
                "exists. Please select another and resubmit."
            }
        except ForbiddenError as error:
            return {"message": f"Forbidden - {error}"}
        return None
