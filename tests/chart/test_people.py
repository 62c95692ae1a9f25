"""What people may do on a real API server, by the roles that they are bound to."""

import json
import re
import uuid
from dataclasses import dataclass
from itertools import product

import pytest

from tests.chart.cluster import Installation
from tests.support.control_plane import ControlPlane
from tests.support.manifests import Body, experiment, job, queue
from tests.support.polling import eventually
from tests.support.sources import REPOSITORY

READ = {"get", "list", "watch"}
WRITE = {"create", "update", "patch", "delete", "deletecollection"}
RESOURCES = ("experiments", "jobs", "queues")
SUBMITTED_BY = "alidade.dev/submitted-by"
RAISED = '{"spec":{"maxRunning":100}}'


@dataclass(frozen=True)
class Person:
    """Somebody with one role in one namespace.

    Attributes:
        plane: The cluster.
        role: The ClusterRole.
        namespace: Where it is bound.
    """

    plane: ControlPlane
    role: str
    namespace: str

    @property
    def name(self) -> str:
        """The user name."""
        return f"{self.role}-of-team"

    def bind(self) -> None:
        """Give the role, and wait for it: a controller gathers the cluster's own."""
        whom = (f"--clusterrole={self.role}", f"--user={self.name}")
        self.plane.kubectl("-n", self.namespace, "create", "rolebinding", self.role, *whom)
        eventually(lambda: {("jobs", "list"), ("*", "*")} & self.rights())

    def rights(self) -> set[tuple[str, str]]:
        """Ask the API server for all rights to resources of Alidade: resources and verbs."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": self.namespace},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
        told = json.loads(self("create", "--raw", path, "-f", "-", stdin=json.dumps(review)))
        return {
            right
            for rule in told["status"]["resourceRules"]
            if set(rule["apiGroups"]) & {"alidade.dev", "*"}
            for right in product(rule["resources"], rule["verbs"])
        }

    def find(self, body: Body) -> None:
        """Have somebody else create an object in the namespace."""
        create = ("-n", self.namespace, "create", "-f", "-")
        self.plane.kubectl(*create, stdin=json.dumps(body))

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as this person; return what it printed, errors included."""
        who = ("-n", self.namespace, f"--as={self.name}")
        return self.plane.kubectl(*who, *arguments, stdin=stdin, check=False)


@pytest.fixture
def person(installed: Installation, role: str) -> Person:
    namespace = f"people-{uuid.uuid4().hex[:8]}"
    installed.plane.kubectl("create", "namespace", namespace)
    found = Person(installed.plane, role, namespace)
    found.bind()
    return found


@pytest.mark.parametrize(
    ("role", "written"),
    [
        ("view", set()),
        ("edit", {"experiments", "jobs"}),
        ("admin", {"experiments", "jobs", "queues"}),
        ("alidade-view", set()),
        ("alidade-submit", {"experiments", "jobs"}),
        ("alidade-edit", {"experiments", "jobs"}),
        ("alidade-queue-owner", {"queues"}),
    ],
)
def test_each_role_writes_what_is_its_own_and_no_status(person: Person, written: set[str]) -> None:
    readable = [*RESOURCES, *(f"{resource}/status" for resource in RESOURCES)]
    assert person.rights() == {*product(readable, READ), *product(written, WRITE)}


@pytest.mark.parametrize("role", ["alidade-submit"])
def test_who_submits_has_jobs_run_and_cannot_raise_the_limit_of_the_queue(person: Person) -> None:
    person.find(queue(maxRunning=1))
    for each in (experiment(tracking="None"), job("by-the-book")):
        assert "created" in person("apply", "-f", "-", stdin=json.dumps(each))
    said = person("patch", "queues.alidade.dev", "cpu", "--type=merge", "--patch", RAISED)
    assert 'cannot patch resource "queues"' in said
    assert "deleted" in person("delete", "jobs.alidade.dev", "by-the-book", "--wait=false")


@pytest.mark.parametrize("role", ["alidade-queue-owner"])
def test_who_owns_queues_raises_limits_and_submits_nothing(person: Person) -> None:
    person.find(queue(maxRunning=1))
    assert "patched" in person(
        "patch", "queues.alidade.dev", "cpu", "--type=merge", "--patch", RAISED
    )
    said = person("create", "-f", "-", stdin=json.dumps(job("unwanted")))
    assert 'cannot create resource "jobs"' in said


@pytest.mark.parametrize("role", ["alidade-submit"])
def test_a_job_tells_who_submitted_it_and_nobody_else(person: Person) -> None:
    plane, where = person.plane, ("-n", person.namespace)

    def submitter(name: str) -> str:
        path = r"jsonpath={.metadata.annotations.alidade\.dev/submitted-by}"
        return plane.kubectl(*where, "get", "ajob", name, "-o", path)

    def submit(name: str, **annotations: str) -> str:
        body = job(name)
        body["metadata"]["annotations"] = {"team": "a", **annotations}
        return person("create", "-f", "-", stdin=json.dumps(body))

    assert "created" in submit("silent")
    assert submitter("silent") == person.name
    assert "created" in submit("honest", **{SUBMITTED_BY: person.name})
    said = submit("lying", **{SUBMITTED_BY: "somebody"})
    assert f"{SUBMITTED_BY} is somebody, but {person.name} sends this" in said

    annotate = ("annotate", "--overwrite", "ajob", "silent")
    said = person(*annotate, f"{SUBMITTED_BY}=somebody")
    assert f"{SUBMITTED_BY} cannot be changed from {person.name} to somebody" in said
    assert "cannot be changed" in person(*annotate, f"{SUBMITTED_BY}-")
    assert "annotated" in person(*annotate, "team=b")
    assert submitter("silent") == person.name


@pytest.mark.parametrize("role", ["cluster-admin"])
def test_who_restores_a_backup_may_tell_who_submitted_what_is_in_it(person: Person) -> None:
    body = job("restored")
    body["metadata"]["annotations"] = {SUBMITTED_BY: "somebody"}
    assert "created" in person("create", "-f", "-", stdin=json.dumps(body))


@pytest.mark.parametrize("role", ["alidade-submit"])
def test_the_documented_policy_sees_who_submits_and_what_the_pod_asks_for(person: Person) -> None:
    policy = documented_policy()
    person.plane.kubectl("apply", "-f", "-", stdin=policy)
    gpu = {"name": "worker", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    plain = {"name": "worker", "command": ["true"]}
    submissions = {
        "plain": job("plain"),
        "command": job("command", podTemplate={"spec": {"containers": [plain]}}),
        "gpu": job("gpu", podTemplate={"spec": {"containers": [gpu]}}),
        "early": job("early", podTemplate={"spec": {"initContainers": [gpu]}}),
    }

    def taken(*options: str) -> set[str]:
        create = ("create", "--dry-run=server", *options, "-f", "-")
        said = {name: person(*create, stdin=json.dumps(j)) for name, j in submissions.items()}
        refused = {name for name, words in said.items() if "GPUs are for members of" in words}
        created = {name for name, words in said.items() if "created" in words}
        assert created | refused == set(said), said
        return created

    try:
        # The API server takes note of a policy in its own time.
        eventually(lambda: taken() == {"plain", "command"})
        assert taken("--as-group=gpu-users", "--as-group=system:authenticated") == set(submissions)
    finally:
        person.plane.kubectl("delete", "-f", "-", stdin=policy)


def documented_policy() -> str:
    """Return the policy that the installation page gives as an example."""
    page = (REPOSITORY / "docs/installation.md").read_text()
    (found,) = (
        block
        for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
        if "kind: ValidatingAdmissionPolicy" in block
    )
    return str(found)
