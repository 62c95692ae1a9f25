import pytest

from alidade_operator.decide.make.metadata import metadata_for, passed_on
from alidade_operator.objects import well_known
from tests.support.builders import job


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        ("cost-centre", True),
        ("example.org/cost-centre", True),
        ("notalidade.dev/x", True),
        ("x-k8s.io/x", True),
        ("alidade.dev/job", False),
        ("sub.alidade.dev/job", False),
        ("ALIDADE.dev/job", False),
        ("kubernetes.io/x", False),
        ("batch.kubernetes.io/x", False),
        ("kubectl.kubernetes.io/last-applied-configuration", False),
        ("node.k8s.io/x", False),
        ("kueue.x-k8s.io/queue-name", False),
        ("argocd.argoproj.io/sync-wave", False),
        ("kustomize.toolkit.fluxcd.io/name", False),
        ("tool.example.com/x", False),
        ("deep.tool.example.com/x", False),
        ("example.com/x", True),
    ],
)
def test_what_systems_know_their_own_objects_by_stays_on_the_job(key: str, kept: bool) -> None:
    assert passed_on({key: "a"}, ("tool.example.com",)) == ({key: "a"} if kept else {})


def test_no_label_of_a_user_takes_the_place_of_one_of_ours() -> None:
    meta = {"labels": {well_known.JOB_LABEL: "other", "team": "a"}, "annotations": {"note": "b"}}
    found = metadata_for(job(meta=meta))
    assert found["labels"] == {
        "team": "a",
        well_known.JOB_LABEL: "train",
        well_known.JOB_UID_LABEL: "uid-train",
        well_known.EXPERIMENT_LABEL: "mnist",
        "app.kubernetes.io/managed-by": "alidade",
    }
    assert found["annotations"] == {"note": "b"}


def test_kubectls_copy_of_a_job_is_not_even_read() -> None:
    copy = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "b"}
    assert job(meta={"annotations": copy, "labels": None}).metadata.annotations == {"note": "b"}
