"""What the API server's answers mean to a user."""

import json

import pytest

from alidade.errors import (
    AlidadeError,
    AlreadyExistsError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from alidade.k8s.answers import Asked, error_of
from alidade.k8s.kinds import CONFIG_MAPS, DEPLOYMENTS, LEASES, NODES, PODS, kind_of
from alidade_core.api.job import Job
from alidade_core.api.queue import Queue

JOBS = kind_of(Job)


def denied(asked: Asked) -> str:
    words = f'User "ada" cannot {asked.verb} resource "{asked.kind.plural}" in API group ""'
    status = {"kind": "Status", "reason": "Forbidden", "message": f"forbidden: {words}"}
    error = error_of(asked, 403, json.dumps(status))
    assert isinstance(error, ForbiddenError)
    return str(error)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            Asked("create", JOBS, "lab"),
            "you may not create jobs.alidade.dev in namespace lab: ask for the role alidade-submit",
        ),
        (
            Asked("list", JOBS, "lab"),
            "you may not list jobs.alidade.dev in namespace lab: ask for the role alidade-view",
        ),
        (
            Asked("patch", kind_of(Queue), "lab", "cpu"),
            "you may not patch queues.alidade.dev in namespace lab: ask for the role "
            "alidade-queue-owner",
        ),
        (
            Asked("get", PODS, "lab", "train-x", "log"),
            "you may not get pods/log in namespace lab: ask for the role view",
        ),
        (
            Asked("get", CONFIG_MAPS, "alidade", "alidade-client", installation=True),
            "you may not get configmaps in namespace alidade: ask for the Role "
            "alidade-mlflow-user there",
        ),
        (
            Asked("list", DEPLOYMENTS, "alidade", installation=True),
            "you may not list deployments.apps in namespace alidade: ask for the role view",
        ),
        (
            Asked("get", LEASES, "alidade", "alidade-operator"),
            "you may not get leases.coordination.k8s.io in namespace alidade: ask for the role "
            "edit",
        ),
        (
            Asked("list", NODES, None),
            "you may not list nodes: ask for a role with that right, which the cluster's "
            "administrator has",
        ),
    ],
)
def test_a_right_that_lacks_is_named_with_who_has_it(asked: Asked, said: str) -> None:
    assert denied(asked) == said


@pytest.mark.parametrize(
    ("code", "text", "kind", "said"),
    [
        (403, {"message": "exceeded quota: jobs"}, RefusedError, "exceeded quota: jobs"),
        (422, {"message": "spec.queue: wrong"}, RefusedError, "'train': spec.queue: wrong"),
        (409, {"reason": "AlreadyExists"}, AlreadyExistsError, "'train' is there already"),
        (401, {}, ForbiddenError, "does not know who you are"),
        (503, {"message": "overloaded"}, UnreachableError, "answers 503: overloaded"),
        (429, "slow down", UnreachableError, "answers 429: slow down"),
        (404, {"details": {"name": "train"}}, NotFoundError, "no job 'train' in namespace lab"),
        (404, "404 page not found", NotFoundError, "the cluster has no jobs.alidade.dev"),
    ],
)
def test_other_refusals_keep_their_words(
    code: int, text: object, kind: type[AlidadeError], said: str
) -> None:
    told = text if isinstance(text, str) else json.dumps(text)
    error = error_of(Asked("create", JOBS, "lab", "train"), code, told)
    assert type(error) is kind
    assert said in str(error)
