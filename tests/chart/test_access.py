"""Rights: those of the operator, which are the least that it works with, and those for people."""

from itertools import product

import pytest

from tests.chart.helm import EXTERNAL, MANY, Body, Rendered, Values

Right = tuple[str, str, str]
"""API group, resource (`resource:name` where only that one is meant) and verb."""

WORK: set[Right] = {
    *product(["alidade.dev"], ["experiments", "queues"], ["list", "watch"]),
    *product(["alidade.dev"], ["jobs"], ["get", "list", "watch", "delete"]),
    *product(["alidade.dev"], ["experiments/status", "queues/status", "jobs/status"], ["patch"]),
    ("alidade.dev", "jobs/finalizers", "update"),
    *product(["batch"], ["jobs"], ["get", "list", "watch", "create", "patch", "delete"]),
    *product([""], ["pods"], ["list", "watch"]),
    ("", "pods/log", "get"),
    ("", "namespaces", "get"),
    *product([""], ["services"], ["get", "create"]),
    *product(["events.k8s.io"], ["events"], ["create", "list"]),
    ("kueue.x-k8s.io", "workloads", "list"),
}
HOME: set[Right] = {
    ("", "namespaces:alidade", "get"),
    ("coordination.k8s.io", "leases", "create"),
    *product(["coordination.k8s.io"], ["leases:alidade-operator"], ["get", "update", "delete"]),
}
OPERATOR = [{"kind": "ServiceAccount", "name": "alidade-operator", "namespace": "alidade"}]
OWN = ["experiments", "queues", "jobs"]
ROLES = {"alidade-submit", "alidade-edit", "alidade-queue-owner", "alidade-view"}


def _rights(role: Body) -> set[Right]:
    rights: set[Right] = set()
    for rule in role["rules"]:
        assert set(rule) <= {"apiGroups", "resources", "resourceNames", "verbs"}
        names = [f":{name}" for name in rule.get("resourceNames", ())] or [""]
        resources = [f"{r}{n}" for r, n in product(rule["resources"], names)]
        rights.update(product(rule["apiGroups"], resources, rule["verbs"]))
    return rights


def _granted(rendered: Rendered) -> dict[str, set[Right]]:
    """Return what the operator is bound to, by namespace; everywhere is `*`."""
    granted: dict[str, set[Right]] = {}
    for binding in rendered.all("ClusterRoleBinding") + rendered.all("RoleBinding"):
        assert binding["subjects"] == OPERATOR
        namespace = binding["metadata"].get("namespace")
        reference = binding["roleRef"]
        role = rendered.get(reference["kind"], reference["name"], namespace)
        granted.setdefault(namespace or "*", set()).update(_rights(role))
    return granted


@pytest.mark.parametrize("values", [{}, EXTERNAL, MANY])
def test_the_operator_may_do_what_it_does_everywhere_and_elect_a_leader_at_home(
    values: Values,
) -> None:
    assert _granted(Rendered(values)) == {"*": WORK, "alidade": HOME}


def test_with_namespaces_the_operator_has_no_right_outside_them() -> None:
    rendered = Rendered({"namespaces": ["team-a", "team-b"]})
    assert _granted(rendered) == {"team-a": WORK, "team-b": WORK, "alidade": HOME}
    assert not rendered.all("ClusterRoleBinding")
    roles = {body["metadata"]["name"] for body in rendered.all("ClusterRole")}
    assert roles == ROLES


def test_without_an_archive_of_logs_the_operator_may_not_read_them() -> None:
    rendered = Rendered({"operator": {"logTailLines": 0}})
    assert _granted(rendered)["*"] == WORK - {("", "pods/log", "get")}


def test_the_operator_may_serve_the_namespace_that_it_runs_in() -> None:
    assert _granted(Rendered({"namespaces": ["alidade"]})) == {"alidade": WORK | HOME}


def test_without_roles_for_people_a_namespaced_release_has_nothing_of_the_cluster() -> None:
    rendered = Rendered({"namespaces": ["team-a"], "rbac": {"userRoles": False}})
    assert all("namespace" in body["metadata"] for body in rendered.objects), rendered.names()


def test_the_rights_go_to_the_account_that_the_values_name() -> None:
    account = {"create": False, "name": "robot"}
    rendered = Rendered({"operator": {"serviceAccount": account}})
    bindings = rendered.all("ClusterRoleBinding") + rendered.all("RoleBinding")
    assert len(bindings) == 2
    assert all(binding["subjects"][0]["name"] == "robot" for binding in bindings)


def test_the_lease_is_the_one_that_the_operator_is_told_of() -> None:
    rendered = Rendered(release="lab")
    (names,) = (
        set(rule["resourceNames"])
        for role in rendered.all("Role")
        for rule in role["rules"]
        if rule["resources"] == ["leases"] and "resourceNames" in rule
    )
    (container,) = (
        body["spec"]["template"]["spec"]["containers"][0]
        for body in rendered.all("Deployment")
        if body["metadata"]["name"] == "lab-alidade-operator"
    )
    assert {e["value"] for e in container["env"] if e["name"] == "ALIDADE_LEASE_NAME"} == names


@pytest.mark.parametrize(
    ("role", "written"),
    [
        ("submit", ["experiments", "jobs"]),
        ("edit", ["experiments", "jobs"]),
        ("queue-owner", ["queues"]),
        ("view", []),
    ],
)
def test_people_may_read_everything_and_write_what_is_theirs(role: str, written: list[str]) -> None:
    readable = [*OWN, *(f"{resource}/status" for resource in OWN)]
    verbs = ["create", "update", "patch", "delete", "deletecollection"]
    assert _rights(Rendered().get("ClusterRole", f"alidade-{role}")) == {
        *product(["alidade.dev"], readable, ["get", "list", "watch"]),
        *product(["alidade.dev"], written, verbs),
    }


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (
            True,
            {
                "alidade-submit": {"admin", "edit"},
                "alidade-queue-owner": {"admin"},
                "alidade-view": {"view"},
            },
        ),
        (False, {}),
    ],
)
def test_the_clusters_own_roles_take_them_in_unless_told_otherwise(
    aggregate: bool, expected: dict[str, set[str]]
) -> None:
    rendered = Rendered({"rbac": {"aggregate": aggregate}})
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    for name in ROLES:
        labels = rendered.get("ClusterRole", name)["metadata"]["labels"]
        taken_in = {label.removeprefix(prefix) for label in labels if label.startswith(prefix)}
        assert taken_in == expected.get(name, set()), name


@pytest.mark.parametrize("rbac", [{"userRoles": False}, {"submitterPolicies": False}])
def test_the_policies_on_who_submitted_can_be_left_out(rbac: dict[str, bool]) -> None:
    policy = "ValidatingAdmissionPolicy/alidade-submitter"
    assert policy in Rendered().names()
    assert policy not in Rendered({"rbac": rbac}).names()
