"""The account that the chart gives the operator, with its rights and no others."""

from pathlib import Path

from tests.chart.helm import NAMESPACE, RELEASE, Rendered
from tests.support.control_plane import ControlPlane

ACCOUNT = f"{RELEASE}-operator"
USER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
"""By which the API server knows it."""
_RIGHTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def grant(plane: ControlPlane) -> Path:
    """Make the account and its namespace; return a kubeconfig of it."""
    rights = [body for body in Rendered().objects if body["kind"] in _RIGHTS]
    plane.kubectl("create", "namespace", NAMESPACE)
    plane.apply(*(body for body in rights if body["metadata"]["name"].startswith(ACCOUNT)))
    return plane.kubeconfig_of(NAMESPACE, ACCOUNT)
