"""How an image of the engine gets into the nodes, on a machine that only looks like one."""

import subprocess

import pytest

from tests.unit.hack.conftest import DOCKER, Tree

DOCKER_WITH_IMAGES = f"""
echo "$*" >>"$TREE/asked-docker"
case "$*" in
  'image inspect --format '*) echo "sha256:1f2e $((3 << 30))" ;;
  'image inspect '*) ;;
  'info --format '*) echo "$TREE" ;;
  *' crictl inspecti '*) [[ $2 = "$HAS" ]] && echo 'id: sha256:1f2e' ;;
  *' images rm '*) ;;
  'builder prune '*) touch "$TREE/pruned" ;;
  save*) [ "$FAILS" = save ] && echo half && exit 1; echo all of it ;;
  *' images import '*) [ "$FAILS" = "$3" ] && exit 1; cat >"$TREE/given-to-$3" ;;
  *) {DOCKER.strip()} ;;
esac
"""
KUBECTL = """
case "$*" in
  *pool=cpu*) echo alidade-worker ;;
  *) echo alidade-worker alidade-worker2 ;;
esac
"""


@pytest.fixture
def loading(tree: Tree) -> Tree:
    (tree.root / ".cluster").mkdir()
    (tree.root / ".cluster/cluster").write_text("kind")
    tree.program("docker", DOCKER_WITH_IMAGES)
    tree.program("kubectl", KUBECTL)
    _disk(tree, gigabytes=100)
    return tree


def _disk(tree: Tree, *, gigabytes: int, pruned: int | None = None) -> None:
    there = f"$(({gigabytes} << 20))"
    then = f"$(({gigabytes if pruned is None else pruned} << 20))"
    look = f"there={there}; [ ! -e $TREE/pruned ] || there={then}"
    tree.program("df", f"{look}; echo - - - Available; echo - - - $there")


def _load(tree: Tree, name: str, **own: str) -> subprocess.CompletedProcess[str]:
    return tree.run("hack/cluster/load-images", name, **{"HAS": "", "FAILS": ""} | own)


def _given(tree: Tree) -> dict[str, str]:
    found = tree.root.glob("given-to-*")
    return {file.name.removeprefix("given-to-"): file.read_text() for file in found}


def _exports(tree: Tree) -> int:
    return (tree.root / "asked-docker").read_text().count("save ")


def test_one_export_is_enough_for_all_nodes(loading: Tree) -> None:
    done = _load(loading, "worker")
    assert not done.returncode, done.stderr
    assert _given(loading) == dict.fromkeys(("alidade-worker", "alidade-worker2"), "all of it\n")
    assert _exports(loading) == 1


def test_only_the_nodes_of_the_pool_get_it(loading: Tree) -> None:
    assert not _load(loading, "operator@cpu").returncode
    assert _given(loading).keys() == {"alidade-worker"}


def test_a_node_that_has_it_is_left_alone(loading: Tree) -> None:
    assert not _load(loading, "worker", HAS="alidade-worker").returncode
    assert _given(loading).keys() == {"alidade-worker2"}


def test_nothing_is_exported_where_all_nodes_have_it(loading: Tree) -> None:
    assert not _load(loading, "operator@cpu", HAS="alidade-worker").returncode
    assert not _exports(loading)


def test_what_does_not_fit_on_the_disk_is_not_begun(loading: Tree) -> None:
    _disk(loading, gigabytes=14)
    done = _load(loading, "worker")
    assert done.returncode
    # The export, and in each of two nodes the image and its files.
    assert f"takes {15 << 10} MB of the disk of {loading.root}, where {14 << 10} MB are free" in (
        done.stderr
    )
    assert not _exports(loading)


def test_what_builds_keep_makes_room(loading: Tree) -> None:
    _disk(loading, gigabytes=14, pruned=15)
    done = _load(loading, "worker")
    assert not done.returncode, done.stderr
    assert _given(loading).keys() == {"alidade-worker", "alidade-worker2"}


def test_what_builds_keep_stays_where_there_is_room(loading: Tree) -> None:
    assert not _load(loading, "worker").returncode
    assert not (loading.root / "pruned").exists()


@pytest.mark.parametrize("what", ["save", "alidade-worker2"])
def test_an_image_that_arrived_in_part_ends_it_in_one_line(loading: Tree, what: str) -> None:
    done = _load(loading, "worker", FAILS=what)
    assert done.returncode
    assert done.stderr.splitlines()[-1].startswith("hack/cluster: could not ")
