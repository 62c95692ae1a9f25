"""Commands on jobs that are there: `wait`, `cancel`, `rerun`, `logs`."""

from typing import Annotated

import typer

from alidade.cli import lines, show
from alidade.cli.connect import connect
from alidade.cli.options import Context, JobName, Namespace, OutputOption, jobs_completed

JobNames = Annotated[
    list[str],
    typer.Argument(metavar="JOB...", help="Names of jobs.", autocompletion=jobs_completed),
]


def wait(
    jobs: JobNames,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="How long to wait at most.")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    output: OutputOption = None,
) -> None:
    """Wait until jobs have ended, and exit as the worst of them did."""
    from alidade.progress import shown

    with connect(namespace, context) as client:
        ended = client.wait_all(jobs, timeout=timeout, progress=shown())
        for job in ended:
            show.resources([job], output, str(job.status.state))
        show.end(ended)


def cancel(
    jobs: JobNames,
    namespace: Namespace = None,
    context: Context = None,
    output: OutputOption = None,
) -> None:
    """Cancel jobs; those that have ended stay as they are."""
    with connect(namespace, context) as client:
        cancelled = [client.cancel(job) for job in jobs]
        show.resources(cancelled, output, "cancelled")


def rerun(
    job: JobName,
    dependents: Annotated[
        bool, typer.Option("--dependents", help="Run again too what comes after it.")
    ] = False,
    namespace: Namespace = None,
    context: Context = None,
    output: OutputOption = None,
) -> None:
    """Run a job again, as NAME-r2, NAME-r3 and so on."""
    with connect(namespace, context) as client:
        show.resources(client.rerun(job, dependents=dependents), output, "created")


def logs(
    job: JobName,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until the job ends.")] = False,
    prefix: Annotated[
        bool, typer.Option("--prefix", help="Name the pod before each line.")
    ] = False,
    namespace: Namespace = None,
    context: Context = None,
) -> None:
    """Show a job's logs, of all attempts and replicas; of pods that are gone from MLflow."""
    with connect(namespace, context) as client:
        lines.tell(client, job, follow=follow, prefix=prefix)
