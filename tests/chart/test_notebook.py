"""JupyterLab as the chart brings it: only if asked for, with a token, and the rights to submit."""

import base64

from tests.chart.helm import NAMESPACE, NOTEBOOK, Body, Rendered, refusal

ENABLED = {"notebook": {"enabled": True}}


def _token(rendered: Rendered) -> str:
    secret = rendered.get("Secret", "alidade-notebook-token")
    return base64.b64decode(secret["data"]["token"]).decode()


def _bindings(rendered: Rendered) -> dict[str, Body]:
    found = [
        body
        for body in rendered.all("RoleBinding")
        if body["metadata"]["name"] == "alidade-notebook"
    ]
    return {body["metadata"]["namespace"]: body for body in found}


def _volume(rendered: Rendered, name: str) -> Body:
    (found,) = (v for v in rendered.pod("notebook")["spec"]["volumes"] if v["name"] == name)
    return dict(found)


def test_there_is_none_unless_it_is_asked_for() -> None:
    assert not [name for name in Rendered({}).names() if "notebook" in name]


def test_nobody_gets_in_without_the_token_that_is_made_for_it() -> None:
    tokens = {_token(Rendered(ENABLED)) for _ in range(2)}
    assert len(tokens) == 2
    assert all(len(token) == 48 for token in tokens)
    source = Rendered(ENABLED).environment("notebook")["JUPYTER_TOKEN"]["secretKeyRef"]
    assert source == {"name": "alidade-notebook-token", "key": "token"}


def test_a_token_of_ones_own_takes_its_place() -> None:
    rendered = Rendered({"notebook": {"enabled": True, "tokenSecret": "ours"}})
    assert rendered.environment("notebook")["JUPYTER_TOKEN"]["secretKeyRef"]["name"] == "ours"
    assert "Secret/alidade-notebook-token" not in rendered.names()


def test_it_may_submit_jobs_where_it_is_to_and_nowhere_else() -> None:
    rendered = Rendered(NOTEBOOK)
    bindings = _bindings(rendered)
    assert set(bindings) == {"team-a", "team-b"}
    for binding in bindings.values():
        assert binding["roleRef"]["name"] == "alidade-submit"
        (subject,) = binding["subjects"]
        assert (subject["name"], subject["namespace"]) == ("alidade-notebook", NAMESPACE)
    given = {
        subject["name"]
        for body in rendered.all("ClusterRoleBinding")
        for subject in body["subjects"]
    }
    assert "alidade-notebook" not in given


def test_its_client_means_the_first_of_these_namespaces() -> None:
    rendered = Rendered(NOTEBOOK)
    account = _volume(rendered, "account")["projected"]["sources"]
    maps = {each["configMap"]["name"]: each["configMap"]["items"] for each in account[1:]}
    assert maps["alidade-notebook"] == [{"key": "namespace", "path": "namespace"}]
    assert rendered.get("ConfigMap", "alidade-notebook")["data"]["namespace"] == "team-a"
    mounts = rendered.container("notebook")["volumeMounts"]
    (mount,) = (each for each in mounts if each["name"] == "account")
    assert mount["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"


def test_namespaces_that_no_operator_serves_are_refused() -> None:
    said = refusal({**ENABLED, "namespaces": ["team-a"]})
    assert "notebook.namespaces names default" in said


def test_its_pod_has_annotations_of_its_own() -> None:
    def annotations(component: str) -> Body:
        values = {
            "podAnnotations": {"of": "all"},
            "notebook": {"enabled": True, "podAnnotations": {"own": "x"}},
        }
        return dict(Rendered(values).pod(component)["metadata"]["annotations"])

    assert annotations("notebook") == {"of": "all", "own": "x"}
    assert annotations("operator") == {"of": "all"}


def test_it_finds_the_tracking_server() -> None:
    uri = Rendered(ENABLED).environment("notebook")["MLFLOW_TRACKING_URI"]
    assert uri == "http://alidade-mlflow.alidade.svc:5000"


def test_work_is_kept_on_a_claim_where_there_is_one() -> None:
    def work(**values: str) -> Body:
        return _volume(Rendered({"notebook": {"enabled": True, **values}}), "work")

    assert work() == {"name": "work", "emptyDir": {}}
    assert work(existingClaim="mine")["persistentVolumeClaim"] == {"claimName": "mine"}


def test_it_needs_the_role_that_it_submits_with() -> None:
    said = refusal({"notebook": {"enabled": True}, "rbac": {"userRoles": False}})
    assert "notebook.enabled needs rbac.userRoles" in said


def test_a_password_in_its_variables_is_refused() -> None:
    variable = {"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}
    said = refusal({"notebook": {"enabled": True, "extraEnv": [variable]}})
    assert "notebook.extraEnv has a secret in AWS_SECRET_ACCESS_KEY" in said
