"""`make notebook` on a machine that only looks like one: what it says, and that it ends whole."""

import signal
import socket
import subprocess

import pytest

from tests.support.polling import eventually
from tests.support.process import free_port
from tests.unit.hack.conftest import Tree

KUBECTL = """
case "$*" in
  *' get secret '*) printf secret | base64 ;;
  *' port-forward '*) ports=${!#}; exec python3 -m http.server "${ports%%:*}" --bind 127.0.0.1 ;;
esac
"""


@pytest.fixture
def given(tree: Tree) -> Tree:
    """A machine with the kubeconfig of a cluster that has the image."""
    (tree.root / ".cluster").mkdir()
    (tree.root / ".cluster/cluster").write_text("given\n")
    tree.program("kubectl", KUBECTL)
    return tree


def _refusal(tree: Tree, **variables: str) -> str:
    done = tree.run("hack/notebook", **variables)
    assert done.returncode == 1
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    return line


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_without_a_cluster_it_names_the_command_that_makes_one(tree: Tree) -> None:
    assert _refusal(tree) == "hack/cluster: no cluster: run make deploy first"


def test_without_alidade_in_the_cluster_it_says_so(given: Tree) -> None:
    given.program("helm", "exit 1")
    assert "Alidade does not run in namespace alidade" in _refusal(given)


@pytest.mark.parametrize("name", ["EPOCHS", "IMAGES", "PORT"])
def test_a_number_that_is_none_is_refused_by_its_name(given: Tree, name: str) -> None:
    assert f'{name} is "two"' in _refusal(given, **{name: "two"})


def test_a_port_that_is_taken_is_named(given: Tree) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} of localhost is taken" in _refusal(given, PORT=str(port))


def test_it_prints_the_address_and_nothing_of_it_is_left_after_ctrl_c(given: Tree) -> None:
    port = free_port()
    with subprocess.Popen(
        # What is started in the background may have been told to ignore it.
        ["env", "--default-signal=INT", "hack/notebook"],
        cwd=given.root,
        env=given.environment(PORT=str(port)),
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        assert address == f"http://localhost:{port}/lab/tree/mnist/demo.ipynb?token=secret"
        assert _listens(port)
        running.send_signal(signal.SIGINT)
        assert running.wait() == 0
    eventually(lambda: not _listens(port))
