"""Policies and webhooks of a cluster's owner, who refuses what is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.integration.scene import Scene
from tests.support.control_plane import ControlPlane
from tests.support.manifests import Body
from tests.support.polling import eventually

ADMISSION = "admissionregistration.k8s.io/v1"
PROBES = {
    "CREATE": ("create", "job", "probe", "--image=localhost/probe"),
    "UPDATE": ("label", "job", "probe", "--overwrite", "probed=again"),
    "DELETE": ("delete", "job", "probe"),
}


@contextmanager
def policy(
    scene: Scene,
    plane: ControlPlane,
    *,
    operation: str = "CREATE",
    **validation: str,
) -> Iterator[None]:
    """Have a policy for the Jobs of the namespace, from the moment on when it takes effect.

    Args:
        scene: The namespace.
        plane: The cluster.
        operation: What is asked of it: CREATE, UPDATE or DELETE.
        validation: What holds of what is let through, and of none that is called `probe`.
    """
    name = scene.namespace
    rule = {"apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["jobs"]}
    found: list[Body] = [
        {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [{**rule, "operations": [operation]}]},
                "validations": [validation],
            },
        },
        {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {
                "policyName": name,
                "validationActions": ["Deny"],
                "matchResources": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}
                },
            },
        },
    ]
    if operation != "CREATE":
        scene.kubectl(*PROBES["CREATE"])
    plane.apply(*found)
    probe = (*PROBES[operation], "--dry-run=server")
    eventually(lambda: "denied request" in scene.kubectl(*probe, check=False))
    try:
        yield
    finally:
        plane.kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", name)


@contextmanager
def webhook(
    scene: Scene, plane: ControlPlane, client_config: dict[str, Any], says: str
) -> Iterator[str]:
    """Have a webhook for the Jobs of the namespace, from the moment on when it says so."""
    name = f"{scene.namespace}.example.org"
    rule = {"apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["jobs"]}
    asked = {
        "name": name,
        "clientConfig": client_config,
        "rules": [{**rule, "operations": ["CREATE"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    kind = {"apiVersion": ADMISSION, "kind": "ValidatingWebhookConfiguration"}
    plane.apply({**kind, "metadata": {"name": name}, "webhooks": [asked]})
    probe = ("create", "job", "probe", "--image=localhost/probe", "--dry-run=server")
    try:
        eventually(lambda: says in scene.kubectl(*probe, check=False))
        yield name
    finally:
        plane.kubectl("delete", "validatingwebhookconfiguration", name)
