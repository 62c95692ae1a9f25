"""One control plane for all tests, with the chart installed on it by Helm."""

from collections.abc import Iterator

import pytest

from tests.chart.cluster import NAMESPACED, SERVED, Installation
from tests.chart.helm import NAMESPACE, RELEASE
from tests.support.control_plane import ControlPlane, node


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    # Of this version of Kubernetes they are off by default.
    mutating = (
        "--feature-gates=MutatingAdmissionPolicy=true",
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
    )
    with ControlPlane(tmp_path_factory.mktemp("control-plane"), options=mutating) as plane:
        plane.apply(node("cpu-0", "cpu"))
        yield plane


@pytest.fixture(scope="session")
def installed(plane: ControlPlane) -> Installation:
    """The chart as it is."""
    _create_namespace(plane, NAMESPACE)
    installation = Installation(plane, RELEASE, NAMESPACE)
    installation.install()
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all")
    return installation


@pytest.fixture(scope="session")
def namespaced(plane: ControlPlane, installed: Installation) -> Installation:
    """A second release, with an operator for two namespaces alone."""
    for name in (NAMESPACED, *SERVED):
        _create_namespace(plane, name)
    installation = Installation(plane, NAMESPACED, NAMESPACED)
    installation.install({"namespaces": list(SERVED)})
    return installation


def _create_namespace(plane: ControlPlane, name: str) -> None:
    """Make a namespace that takes only pods that are restricted."""
    plane.kubectl("create", "namespace", name)
    plane.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
