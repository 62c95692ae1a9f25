"""The Go programs, on a machine whose module cache is empty."""

from pathlib import Path

from tests.unit.hack.conftest import Tree

# As the go command does: it knows the folder of a module once it has downloaded it.
GO = """
download() {
  [ -z "$NO_PROXY_ANSWERS" ] || { echo 'proxy: 502' >&2; exit 1; }
  mkdir -p "$TREE/modules/charts/kueue"
  touch "$TREE/modules/charts/kueue/Chart.yaml"
}
case "$*" in
  *'mod download '*) download ;;
  *'list -m '*) [ ! -d "$TREE/modules" ] || echo "$TREE/modules" ;;
  *' build '*) download && touch "$TREE/cache/bin/.partial-kueue/kueue" ;;
  'env '*) echo go1.26 linux amd64 ;;
esac
"""


def test_kueue_and_its_chart_are_built_from_a_module_that_is_not_there_yet(tree: Tree) -> None:
    tree.program("go", GO)
    done = tree.run("hack/cluster/binaries", "kueue", NO_PROXY_ANSWERS="")
    assert not done.returncode, done.stderr
    folder = Path(done.stdout.strip())
    assert (folder / "chart/Chart.yaml").exists()


def test_the_nodes_files_come_from_a_module_that_is_not_there_yet(tree: Tree) -> None:
    tree.program("go", GO)
    source = "source hack/cluster/lib/common.sh; module_folder kubernetes sigs.k8s.io/kind"
    done = tree.run("bash", "-c", source, NO_PROXY_ANSWERS="")
    assert done.stdout == f"{tree.root}/modules\n", done.stderr


def test_a_module_that_cannot_be_downloaded_ends_the_build_and_is_asked_for_again(
    tree: Tree,
) -> None:
    tree.program("go", GO)
    failed = tree.run("hack/cluster/binaries", "kueue", NO_PROXY_ANSWERS="yes")
    assert failed.returncode
    assert "proxy: 502" in failed.stderr
    assert "could not compile the kueue programs" in failed.stderr
    assert not tree.run("hack/cluster/binaries", "kueue", NO_PROXY_ANSWERS="").returncode
