"""Which cluster `up` takes KUBECONFIG to mean."""

from pathlib import Path

import pytest

from tests.unit.hack.conftest import Tree

UP = "hack/cluster/up"


def _cluster(tree: Tree) -> str:
    return (tree.root / ".cluster/cluster").read_text().strip()


def _asked(tree: Tree) -> list[str]:
    """Return what KUBECONFIG was each time that a given cluster was asked whether it is there."""
    asked = tree.root / "asked"
    return asked.read_text().splitlines() if asked.exists() else []


def _spellings(tree: Tree) -> dict[str, str]:
    link = tree.root.parent / "mine"
    link.symlink_to(tree.own)
    checkout = tree.root.parent / "linked"
    checkout.symlink_to(tree.root)
    return {
        "absolute": str(tree.own),
        "relative": ".cluster/kubeconfig",
        "dotted": f"{tree.root}/hack/../.cluster/./kubeconfig",
        "link": str(link),
        "through a link": f"{checkout}/.cluster/kubeconfig",
        "twice": f"{tree.own}:{link}",
        "with colons": f":{tree.own}:",
    }


SPELLINGS = [
    "absolute",
    "relative",
    "dotted",
    "link",
    "through a link",
    "twice",
    "with colons",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("earlier", ["up", "torn down", "half made"])
def test_what_an_earlier_run_wrote_is_not_a_given_cluster(
    tree: Tree, spelling: str, earlier: str
) -> None:
    if earlier != "torn down":
        assert not tree.run(UP).returncode
    if earlier == "half made":
        (tree.root / ".cluster/cluster").unlink()
    done = tree.run(UP, KUBECONFIG=_spellings(tree)[spelling])
    assert not done.returncode, done.stderr
    assert _cluster(tree) == "kind"
    assert not _asked(tree)


def test_the_checkout_may_itself_be_reached_by_a_link(tree: Tree) -> None:
    link = tree.root.parent / "linked"
    link.symlink_to(tree.root)
    done = tree.run(str(link / UP), KUBECONFIG=str(tree.own))
    assert not done.returncode, done.stderr
    assert _cluster(tree) == "kind"


def _other(tree: Tree) -> Path:
    path = tree.root.parent / "other"
    path.touch()
    return path


def test_the_cluster_that_kubeconfig_names_is_used(tree: Tree) -> None:
    other = _other(tree)
    done = tree.run(UP, KUBECONFIG=str(other))
    assert not done.returncode, done.stderr
    assert _cluster(tree) == "given"
    assert _asked(tree) == [str(other)]
    assert tree.own.read_text() == "server: https://given.example.org\n"


def test_a_given_cluster_goes_on_being_used_by_the_copy_of_its_kubeconfig(tree: Tree) -> None:
    tree.run(UP, KUBECONFIG=str(_other(tree)))
    done = tree.run(UP, KUBECONFIG=str(tree.own))
    assert not done.returncode, done.stderr
    assert _cluster(tree) == "given"


@pytest.mark.parametrize("earlier", ["up", "torn down"])
def test_of_several_files_the_first_that_is_there_says_which_cluster_is_meant(
    tree: Tree, earlier: str
) -> None:
    if earlier == "up":
        tree.run(UP)
    other = _other(tree)
    assert not tree.run(UP, KUBECONFIG=f"{tree.own}:{other}").returncode
    assert _cluster(tree) == "kind"
    assert not tree.run(UP, KUBECONFIG=f"{other}.missing:{tree.own}:{other}").returncode
    assert _cluster(tree) == "kind"
    assert not _asked(tree)
    assert not tree.run(UP, KUBECONFIG=f"{other}:{tree.own}").returncode
    assert _cluster(tree) == "given"
    assert _asked(tree) == [str(other)]


def test_a_file_that_is_not_there_is_told_and_nothing_is_made_in_its_place(tree: Tree) -> None:
    tree.program("kubectl", 'case "$*" in *readyz) echo refused >&2; exit 1 ;; esac\n')
    done = tree.run(UP, KUBECONFIG="nowhere")
    assert done.returncode
    assert "the cluster that KUBECONFIG names (nowhere) does not answer: refused" in done.stderr
