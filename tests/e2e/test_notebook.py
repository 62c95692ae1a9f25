"""The tutorial as a notebook: executed in a short form, against the cluster."""

import uuid
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from mlflow import MlflowClient

from tests.support.cluster import KUBECONFIG, STATE, Cluster, namespace
from tests.support.notebook import SHORT, Executed, execute, shares

KEPT = STATE / "notebook"
"""Where the executed notebook is kept for people, as a page too."""


class Ran(NamedTuple):
    """The notebook after its last cell, and the namespace that it has worked in."""

    notebook: Executed
    cluster: Cluster


@pytest.fixture(scope="module")
def ran() -> Iterator[Ran]:
    # A name of its own each time: MLflow keeps the runs of an earlier one.
    with namespace(f"e2e-notebook-{uuid.uuid4().hex[:8]}") as cluster:
        given = {"KUBECONFIG": str(KUBECONFIG), "NAMESPACE": cluster.namespace}
        notebook = execute({**SHORT, **given})
        notebook.keep(KEPT)
        yield Ran(notebook, cluster)


def test_no_cell_fails(ran: Ran) -> None:
    assert ran.notebook.errors() == []


def test_the_jobs_are_seen_as_they_fare(ran: Ran) -> None:
    (table,) = ran.notebook.shown("wait_all", "text/html")
    assert table.count("Finished") == 8
    assert "nb-infer-le-net-on-shallow-net" in table


def test_the_matrix_is_what_the_runs_have_measured(ran: Ran, tracking: MlflowClient) -> None:
    experiment = tracking.get_experiment_by_name(f"{ran.cluster.namespace}/mnist-notebook")
    assert experiment is not None
    runs = {run.info.run_name: run.data for run in tracking.search_runs([experiment.experiment_id])}
    networks = ("shallow-net", "le-net")
    measured = [
        runs[f"nb-infer-{shown}-on-{attacked}"].metrics["accuracy"]
        for attacked in networks
        for shown in networks
    ]
    (matrix,) = ran.notebook.shown("matrix.style", "text/html")
    assert shares(matrix) == pytest.approx(measured, abs=0.0006)
    for network in networks:
        clean = runs[f"nb-train-{network}"].metrics["accuracy"]
        assert runs[f"nb-infer-{network}-on-{network}"].metrics["accuracy"] < clean - 0.2


def test_its_pictures_are_there_and_not_empty(ran: Ran) -> None:
    pictures = ran.notebook.pictures()
    # The digits, the training, the heat map, and the answers.
    assert len(pictures) == 4
    assert all(len(set(picture.convert("L").tobytes())) > 50 for picture in pictures)


def test_it_cleans_up(ran: Ran) -> None:
    for kind in ("jobs.alidade.dev", "experiments.alidade.dev", "queues.alidade.dev"):
        assert ran.cluster.list(kind) == []
