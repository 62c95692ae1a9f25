"""What the API server says of workflow sources and datasets, in the words that a user reads."""

from typing import Any

import pytest

from tests.integration.scene import EXPERIMENT, JOB, Scene
from tests.support.control_plane import ControlPlane
from tests.support.manifests import Body, experiment, job
from tests.support.workflow_sources import (
    ARCHIVE,
    ARTIFACT,
    CHECKED_CLAIM,
    CLAIM,
    COMMIT,
    CONFIG_MAP,
    ELSEWHERE,
    GIT,
    PATH,
    SHA256,
)


def archive(**changed: Any) -> Body:
    return {"archive": {**ARCHIVE["archive"], **changed}}


def git(**changed: Any) -> Body:
    return {"git": {**GIT["git"], **changed}}


def config_map(**changed: Any) -> Body:
    return {"configMap": {**CONFIG_MAP["configMap"], **changed}}


WHERE = "spec.workflow.source"
URI = "must be a URI that begins with runs:/, models:/, mlflow-artifacts:/, s3://, http:// or"
DIGEST = "sha256 must be 64 digits of 0-9 and a-f"
FULL_COMMIT = "commit must be a full ID, 40 or 64 digits of 0-9 and a-f"
REPOSITORY = "repository must be an http:// or https:// URL, without user, password, query"
ONE_SOURCE = "source must have exactly one of archive, git and configMap"
ONE_PLACE = "a dataset must have exactly one of claim, artifact and path"
INSIDE = f'{WHERE.removesuffix(".source")}.path: Invalid value: "object": path must be inside the'

REFUSED_SOURCES: dict[str, tuple[Body, str]] = {
    "no source in it": ({}, f'{WHERE}: Invalid value: "object": {ONE_SOURCE}'),
    "two of them": (ARCHIVE | GIT, f'{WHERE}: Invalid value: "object": {ONE_SOURCE}'),
    "all of them": (ARCHIVE | GIT | CONFIG_MAP, ONE_SOURCE),
    "of an unknown kind": ({"oci": {}}, f'unknown field "{WHERE}.oci"'),
    "an archive without a digest": (
        {"archive": {"uri": "https://example.org/a.zip"}},
        f"{WHERE}.archive.sha256: Required value",
    ),
    "a digest of another kind": (archive(sha256=40 * "a"), f"{WHERE}.archive.sha256: Invalid"),
    "a digest in capitals": (archive(sha256=SHA256.upper()), DIGEST),
    "a digest that is too long": (
        archive(sha256=SHA256 + "0"),
        f"{WHERE}.archive.sha256: Too long",
    ),
    "a file of the node": (archive(uri="file:///etc/passwd"), f"{WHERE}.archive.uri: Invalid"),
    "a path": (archive(uri="workflow.tgz"), URI),
    "a URI with a space": (archive(uri="s3://bucket/my workflow.tgz"), URI),
    "a URI with a password": (
        archive(uri="https://me:secret@example.org/a.zip"),
        "uri must have no user or password: whoever may read this object would read them",
    ),
    "a URI without an end": (archive(uri="s3://" + 1024 * "a"), f"{WHERE}.archive.uri: Too long"),
    "a branch": (git(commit="main"), f"{WHERE}.git.commit: Invalid"),
    "a short commit": (git(commit=COMMIT[:7]), FULL_COMMIT),
    "a commit of 41 digits": (git(commit=COMMIT + "0"), FULL_COMMIT),
    "a repository by ssh": (git(repository="git@git.example.org:team/a.git"), REPOSITORY),
    "a repository of the node": (git(repository="file:///srv/git/a"), REPOSITORY),
    "a repository with a login": (git(repository="https://me:pw@git.example.org/a"), REPOSITORY),
    "a server and no repository": (git(repository="https://git.example.org"), REPOSITORY),
    "a Secret that cannot be a name": (
        git(secretName="Git_Login"),
        f"{WHERE}.git.secretName in body should match",
    ),
    "a ConfigMap that cannot be a name": (
        config_map(name="My Code"),
        f"{WHERE}.configMap.name in body should match",
    ),
    "a key that leads elsewhere": (
        config_map(key="..", sha256=SHA256),
        f"{WHERE}.configMap.key in body should match",
    ),
    "a ConfigMap without a digest": (
        {"configMap": {"name": "code", "key": "a.zip"}},
        f"{WHERE}.configMap.sha256: Required value",
    ),
}
REFUSED_PATHS = ["/workflow", "..", "../other", "a/../../b", "a/.."]
REFUSED_DATASETS: dict[str, tuple[list[Body], str]] = {
    "nowhere": ([{"name": "mnist"}], f'spec.datasets[0]: Invalid value: "object": {ONE_PLACE}'),
    "at two places": ([CLAIM | {"path": "/data"}], ONE_PLACE),
    "an artifact without a digest": (
        [{"name": "mnist", "artifact": "s3://data/mnist.npz"}],
        "spec.datasets[0].sha256: Invalid value: "
        '"object": sha256 is required with artifact: what lies at a URI may be replaced',
    ),
    "an artifact on the node": ([ARTIFACT | {"artifact": "file:///data"}], URI),
    "a digest that is none": ([CHECKED_CLAIM | {"sha256": "latest"}], DIGEST),
    "a name with a slash": (
        [CLAIM | {"name": "a/b"}],
        "spec.datasets[0].name in body should match",
    ),
    "a relative path": ([PATH | {"path": "data"}], "spec.datasets[0].path in body should match"),
    "the same name twice": ([CLAIM, PATH | {"name": "imagenet"}], "spec.datasets[1]: Duplicate"),
    "a claim that cannot be a name": (
        [CLAIM | {"claim": "ImageNet"}],
        "spec.datasets[0].claim in body should match",
    ),
    "too many": (
        [{"name": f"d{n}", "path": "/d"} for n in range(33)],
        "spec.datasets: Too many: 33: must have at most 32 items",
    ),
}


def refuses(plane: ControlPlane, manifest: Body, words: str) -> bool:
    answer = plane.apply(manifest, check=False)
    assert words in answer
    return "created" not in answer


@pytest.mark.parametrize(("source", "words"), REFUSED_SOURCES.values(), ids=list(REFUSED_SOURCES))
def test_a_source_that_is_none_is_refused_of_an_experiment_and_of_a_job(
    plane: ControlPlane, source: Body, words: str
) -> None:
    assert refuses(plane, experiment(workflow={"source": source}), words)
    assert refuses(plane, job("a", workflow={"source": source}), words)


@pytest.mark.parametrize("path", REFUSED_PATHS)
def test_a_path_that_leads_out_of_the_source_is_refused(plane: ControlPlane, path: str) -> None:
    workflow = {"source": ELSEWHERE, "path": path}
    assert refuses(plane, experiment(workflow=workflow), INSIDE)
    assert refuses(plane, job("a", workflow=workflow), INSIDE)


@pytest.mark.parametrize(
    ("datasets", "words"), REFUSED_DATASETS.values(), ids=list(REFUSED_DATASETS)
)
def test_a_dataset_that_is_none_is_refused_of_an_experiment_and_of_a_job(
    plane: ControlPlane, datasets: list[Body], words: str
) -> None:
    assert refuses(plane, experiment(datasets=datasets), words)
    assert refuses(plane, job("a", datasets=datasets), words)


@pytest.mark.parametrize(
    ("uri", "field"),
    [
        ("runs:/f00/a.tgz", "workflow.source.archive.uri"),
        ("models:/attack/3", "workflow.source.archive.uri"),
        ("mlflow-artifacts:/0/f00/artifacts/a.tgz", "workflow.source.archive.uri"),
        ("runs:/f00/a.npz", "datasets"),
    ],
)
def test_an_experiment_without_tracking_has_nothing_from_mlflow(
    plane: ControlPlane, uri: str, field: str
) -> None:
    wanted: dict[str, Body] = {
        "workflow.source.archive.uri": {"workflow": {"source": archive(uri=uri)}},
        "datasets": {"datasets": [ARTIFACT | {"artifact": uri}]},
    }
    words = (
        f'spec.{field}: Invalid value: "object": {field} must not be among MLflow\'s artifacts '
        "where tracking is None"
    )
    assert refuses(plane, experiment(tracking="None", **wanted[field]), words)


@pytest.mark.parametrize("source", [ARCHIVE, ELSEWHERE, GIT, CONFIG_MAP])
@pytest.mark.parametrize("path", [None, "attacks/fgm", "..hidden/a..b"])
def test_every_source_is_taken_with_a_path_inside_it(
    empty_scene: Scene, source: Body, path: str | None
) -> None:
    workflow = {"source": source, **({"path": path} if path else {})}
    datasets = [CLAIM, CHECKED_CLAIM, ARTIFACT, PATH]
    empty_scene.apply(
        experiment(workflow=workflow, datasets=datasets),
        job("a", workflow=workflow, datasets=datasets),
    )
    for kind, name in ((EXPERIMENT, "bench"), (JOB, "a")):
        spec = empty_scene.get(kind, name)["spec"]
        assert (spec["workflow"], spec["datasets"]) == (workflow, datasets)


def test_an_experiment_without_tracking_may_have_sources_from_elsewhere(
    empty_scene: Scene,
) -> None:
    for source in (ELSEWHERE, GIT, CONFIG_MAP):
        empty_scene.apply(experiment(tracking="None", workflow={"source": source}))


def test_as_many_datasets_as_are_allowed_are_taken(empty_scene: Scene) -> None:
    uri = "s3://" + 1019 * "a"
    datasets = [{"name": f"d{n}", "artifact": uri, "sha256": SHA256} for n in range(32)]
    empty_scene.apply(experiment(datasets=datasets), job("a", datasets=datasets))


def test_a_jobs_workflow_and_datasets_are_fixed(empty_scene: Scene) -> None:
    empty_scene.apply(job("a", workflow={"source": GIT}, datasets=[CLAIM]))
    for changed in (
        job("a", workflow={"source": ARCHIVE}, datasets=[CLAIM]),
        job("a", workflow={"source": git(commit=40 * "0")}, datasets=[CLAIM]),
        job("a", datasets=[CLAIM]),
    ):
        assert "workflow cannot be changed" in empty_scene.apply(changed, check=False)
    other = job("a", workflow={"source": GIT}, datasets=[PATH])
    assert "datasets cannot be changed" in empty_scene.apply(other, check=False)
