"""One version is that of client, chart and core."""

import tomllib

import yaml

from alidade.doctor.installation import VERSION
from tests.support.sources import REPOSITORY


def test_the_client_knows_its_version_and_it_is_the_charts() -> None:
    project = tomllib.loads((REPOSITORY / "client/pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((REPOSITORY / "charts/alidade/Chart.yaml").read_text())
    assert project["version"] == VERSION == chart["appVersion"]
