"""What the pages say about the chart and about resources, on an API server with the chart on it.

The pages take it away, and with it the definitions: the cluster is this module's own.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from alidade_worker.project import load_entry_point
from tests.chart.cluster import SERVED, Installation
from tests.chart.helm import NAMESPACE, RELEASE, Rendered
from tests.support.control_plane import ControlPlane, binaries
from tests.support.docs import programs
from tests.support.docs.pages import COMMANDS, Block, World, blocks, run_in
from tests.support.docs.session import Sessions
from tests.support.docs.snippets import Form, Snippet, snippets
from tests.support.sources import REPOSITORY

LAST = "docs/installation.md"
"""It ends with taking everything away."""
# Nothing runs the release's pods, so that nobody would ever be ready; and a page shows one way to
# install after the other.
HELM = """
helm() {
  local arguments=() each
  for each in "$@"; do
    case $each in
      install) arguments+=(upgrade --install) ;;
      --wait) ;;
      *) arguments+=("$each") ;;
    esac
  done
  command helm "${arguments[@]}"
}
"""
YAML = [block for block in blocks() if block.language == "yaml" and not block.why_not]
RUN = sorted(run_in(World.CHART, *COMMANDS), key=lambda block: block.page == LAST)


@pytest.fixture(scope="module")
def own_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        for namespace in (NAMESPACE, *SERVED):
            plane.kubectl("create", "namespace", namespace)
        Installation(plane, RELEASE, NAMESPACE).install()
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all")
        yield plane


@pytest.fixture(scope="module")
def sessions(
    own_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sessions]:
    folder = tmp_path_factory.mktemp("docs")
    environment = programs.environment(folder / "venv", binaries())
    environment["KUBECONFIG"] = str(own_plane.kubeconfig)
    prelude = programs.PRELUDE + HELM
    with Sessions(folder, environment, prelude) as sessions:
        yield sessions


@pytest.mark.parametrize("block", YAML, ids=lambda block: block.place)
def test_what_is_shown_is_taken(block: Block, own_plane: ControlPlane, tmp_path: Path) -> None:
    for snippet in snippets(block.source):
        _take(snippet, own_plane, tmp_path)


@pytest.mark.parametrize("block", RUN, ids=lambda block: block.place)
def test_it_does_what_the_page_says(block: Block, sessions: Sessions) -> None:
    sessions.run(block)


def _take(snippet: Snippet, plane: ControlPlane, folder: Path) -> None:
    match snippet.form:
        case Form.RESOURCE:
            asked = ("apply", "--dry-run=server", "--validate=strict", "--filename=-")
            said = plane.kubectl(*asked, stdin=json.dumps(snippet.body))
            assert "(server dry run)" in said
            assert "Warning" not in said, said
        case Form.VALUES:
            assert Rendered(snippet.body).objects
        case Form.PROJECT:
            (folder / "MLproject").write_text(yaml.safe_dump(snippet.body))
            for name in snippet.body["entry_points"]:
                assert load_entry_point(folder, name).parameters
        case Form.KUSTOMIZATION:
            _kustomize(snippet, plane, folder)


def _kustomize(snippet: Snippet, plane: ControlPlane, folder: Path) -> None:
    """Build a kustomization whose resources are the tutorial's, beside a copy of the component."""
    here, manifests = folder / "here", REPOSITORY / "examples/mnist/manifests"
    here.mkdir()
    shutil.copytree(REPOSITORY / "kustomize", folder / "alidade/kustomize")
    (here / "kustomization.yaml").write_text(yaml.safe_dump(snippet.body))
    whole = "---\n".join(file.read_text() for file in sorted(manifests.glob("*.yaml")))
    for name in snippet.body["resources"]:
        (here / name).write_text(whole)
    built = list(yaml.safe_load_all(plane.kubectl("kustomize", str(here))))
    names = {body["metadata"]["name"] for body in built}
    assert len(names) == len(built)
    assert all(name.startswith(snippet.body["namePrefix"]) for name in names)
