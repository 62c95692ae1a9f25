"""The values: what is taken, what is refused with which words, and what is written about them."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.generate import chart_docs
from tests.chart.helm import (
    CHART,
    EXTERNAL,
    MANY,
    OLDEST_KUBERNETES,
    REMOTE_STORES,
    Rendered,
    Values,
    refusal,
    run,
)


@pytest.mark.parametrize("values", [{}, EXTERNAL, REMOTE_STORES, MANY, {"namespaces": ["a"]}])
def test_lint_finds_nothing(values: Values) -> None:
    done = run("lint", "--strict", str(CHART), "--kube-version", OLDEST_KUBERNETES, values=values)
    assert "0 chart(s) failed" in done.stdout, done.stdout


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nameOverride", "Alidade"),
        ("fullnameOverride", "a" * 49),
        ("namespaces", "default"),
        ("namespaces/0", "Default"),
        ("namespaces/0", "a.b"),
        ("clusterDomain", ""),
        ("podAnnotations/images", 7),
        ("podLabels/team", True),
        ("podSecurityContext", []),
        ("securityContext", "none"),
        ("images/registry", ""),
        ("images/registry", "registry.example.org/"),
        ("images/tag", "1.0 beta"),
        ("images/pullPolicy", "Sometimes"),
        ("images/pullSecrets/0", "my-registry"),
        ("images/worker", "localhost/worker: 1"),
        ("tracking/uri", "mlflow.example.org"),
        ("tracking/jobUri", "sqlite:///mlflow.db"),
        ("operator/replicas", "two"),
        ("operator/replicas", -1),
        ("operator/workers", 0),
        ("operator/unpropagatedMetadata", "argoproj.io"),
        ("operator/unpropagatedMetadata/0", "argoproj.io/instance"),
        ("operator/unpropagatedMetadata/0", "Argoproj.io"),
        ("operator/logLevel", "TRACE"),
        ("operator/logFormat", "xml"),
        ("operator/extraEnv", {"A": "b"}),
        ("operator/resources", "small"),
        ("operator/nodeSelector/pool", 1),
        ("operator/tolerations", {}),
        ("operator/serviceAccount/create", "yes"),
        ("mlflow/enabled", "true"),
        ("mlflow/backendStore/uri", "/data/mlflow.db"),
        ("mlflow/backendStore/existingSecret/key", ""),
        ("mlflow/artifacts/destination", "bucket"),
        ("mlflow/upgradeDatabase", 1),
        ("mlflow/persistence/size", "10 GB"),
        ("mlflow/persistence/accessModes", []),
        ("mlflow/persistence/accessModes/0", "ReadWrite"),
        ("mlflow/persistence/keep", "always"),
        ("mlflow/allowedHosts/0", "a.example.org,b.example.org"),
        ("mlflow/allowedOrigins/0", ""),
        ("mlflow/service/type", "ExternalName"),
        ("mlflow/service/port", 70000),
        ("mlflow/extraArgs/0", 1),
        ("rbac/userRoles", "none"),
        ("rbac/aggregate", "false"),
        ("rbac/submitterPolicies", "all"),
        ("monitoring/serviceMonitor/enabled", 1),
        ("monitoring/serviceMonitor/interval", "often"),
        ("monitoring/serviceMonitor/labels/release", 1),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    assert f"- at '/{field}': " in refusal(_nested(field.split("/"), value))


@pytest.mark.parametrize(
    "field",
    [
        "replicas",
        "images/repository",
        "images/pullSecrets/0/key",
        "tracking/url",
        "operator/image",
        "operator/serviceAccount/labels",
        "mlflow/uri",
        "mlflow/backendStore/password",
        "mlflow/backendStore/existingSecret/namespace",
        "mlflow/artifacts/uri",
        "mlflow/persistence/class",
        "mlflow/service/nodePort",
        "rbac/create",
        "monitoring/enabled",
        "monitoring/serviceMonitor/namespace",
    ],
)
def test_a_value_that_does_not_exist_is_refused_by_its_name(field: str) -> None:
    *path, name = field.split("/")
    where = f"/{'/'.join(path)}" if path else ""
    said = refusal(_nested([*path, name], "x"))
    assert f"- at '{where}': additional properties '{name}' not allowed" in said


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"mlflow": {"enabled": False}},
            "tracking.uri is required when mlflow.enabled is false",
        ),
        (
            {"tracking": {"uri": "https://mlflow.example.org"}},
            "set mlflow.enabled=false, or leave tracking.uri empty",
        ),
        (
            {
                "mlflow": {
                    "backendStore": {"uri": "postgresql://db/a", "existingSecret": {"name": "b"}}
                }
            },
            "mlflow.backendStore.uri and mlflow.backendStore.existingSecret.name",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused(values: Values, message: str) -> None:
    assert message in refusal(values)


DATABASE = "put the URI into a Secret, and name that in mlflow.backendStore.existingSecret.name"
LOGIN = "put MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD into a Secret"


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("mlflow/backendStore/uri", "postgresql://mlflow:hush@db:5432/mlflow", DATABASE),
        ("mlflow/backendStore/uri", "postgresql://:hush@db/mlflow", DATABASE),
        ("mlflow/backendStore/uri", "postgresql://db/mlflow?user=a&password=hush", DATABASE),
        ("mlflow/extraArgs/0", "--registry-store-uri=mysql://mlflow:hush@db/mlflow", DATABASE),
        ("mlflow/artifacts/destination", "ftp://mlflow:hush@files/mlflow", "mlflow.extraEnvFrom"),
        ("tracking/uri", "https://me:hush@mlflow.example.org", LOGIN),
        ("tracking/jobUri", "https://me:hush@mlflow.example.org", LOGIN),
    ],
)
def test_a_password_that_others_could_read_is_refused_and_not_shown(
    field: str, value: str, advice: str
) -> None:
    section, *path = field.split("/")
    values: dict[str, Any] = {section: _nested(path, value)}
    if section == "tracking":
        values = {"mlflow": {"enabled": False}, "tracking": EXTERNAL["tracking"] | values[section]}
    said = refusal(values)
    name = field.removesuffix("/0").replace("/", ".")
    assert f"{name} has a password in it, which others could read: " in said
    assert advice in said
    assert "hush" not in said


@pytest.mark.parametrize("section", ["operator", "mlflow"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MLFLOW_TRACKING_TOKEN", "hush"),
        ("AWS_SECRET_ACCESS_KEY", "hush"),
        ("MLFLOW_REGISTRY_URI", "https://me:hush@mlflow.example.org"),
    ],
)
def test_a_secret_among_the_variables_is_refused_and_not_shown(
    section: str, name: str, value: str
) -> None:
    said = refusal({section: {"extraEnv": [{"name": name, "value": value}]}})
    assert f"{section}.extraEnv has a secret in {name}, which others could read" in said
    assert f"name that in {section}.extraEnvFrom" in said
    assert "hush" not in said


def test_a_variable_that_takes_its_value_from_a_secret_is_taken() -> None:
    source = {"secretKeyRef": {"name": "login", "key": "token"}}
    variables = [
        {"name": "MLFLOW_TRACKING_TOKEN", "valueFrom": source},
        {"name": "AWS_ACCESS_KEY_ID", "value": "me"},
        {"name": "MLFLOW_S3_ENDPOINT_URL", "value": "https://s3.example.org"},
    ]
    Rendered({"operator": {"extraEnv": variables}, "mlflow": {"extraEnv": variables}})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mlflow/backendStore/uri", "postgresql://mlflow@db:5432/mlflow"),
        ("mlflow/backendStore/uri", "postgresql://db:5432/mlflow@home"),
        ("mlflow/artifacts/destination", "abfss://results@account.dfs.core.windows.net/mlflow"),
    ],
)
def test_an_address_without_a_password_is_taken(field: str, value: str) -> None:
    Rendered(_nested(field.split("/"), value))


def test_the_schema_knows_the_values_that_there_are_and_no_others() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    # Helm itself gives `global` to a chart that is part of another.
    assert set(_declared(schema, schema, ())) == set(_given(schema, schema, values, ())) | {
        ("global",)
    }


def test_the_readme_describes_the_values_as_they_are(tmp_path: Path) -> None:
    copy = tmp_path / "alidade"
    shutil.copytree(CHART, copy)
    chart_docs.main(copy)
    assert (copy / "README.md").read_text() == (CHART / "README.md").read_text()


def test_a_value_without_a_description_is_found_out() -> None:
    with pytest.raises(SystemExit, match=r"images\.tag has no description"):
        chart_docs.table("images:\n  # -- Where from.\n  registry: localhost\n  tag: dev\n")


def test_a_description_may_take_several_lines_and_have_bars() -> None:
    said = chart_docs.table("# Not this.\n\n# -- One of a|b,\n# or none.\ncolour: {a: 1}\n")
    assert said.endswith('| `colour` | `{"a": 1}` | One of a\\|b, or none. |\n')


def _nested(path: list[str], value: object) -> dict[str, Any]:
    for name in reversed(path):
        value = [value] if name == "0" else {name: value}
    assert isinstance(value, dict)
    return value


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref")
    found: dict[str, Any] = (
        schema["definitions"][reference.rpartition("/")[2]] if reference else part
    )
    return found


def _declared(
    schema: dict[str, Any], part: dict[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    properties = _resolved(schema, part).get("properties")
    if properties is None:
        yield path
        return
    for name, below in properties.items():
        yield from _declared(schema, below, (*path, name))


def _given(
    schema: dict[str, Any], part: dict[str, Any], value: object, path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    properties = _resolved(schema, part).get("properties")
    if properties is None or not isinstance(value, dict):
        yield path
        return
    for name, below in value.items():
        yield from _given(schema, properties.get(name, {}), below, (*path, name))
