"""Where the API server is said to be, and by which way it is reached."""

from pathlib import Path

import pytest
import yaml
from aiohttp import web
from kubernetes.aio import client
from kubernetes.aio.config import kube_config

from alidade_operator.kube.client import KubernetesGateway
from alidade_operator.kube.connection import connect
from alidade_operator.kube.gateway import JOBS
from tests.support.odd_server import served

TOKEN = "of-an-account"


def know(monkeypatch: pytest.MonkeyPatch, folder: Path, server: str) -> None:
    """Have a kubeconfig name this server."""
    named = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": TOKEN}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(named))
    # It is read off the environment once, by whoever imports this first.
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))


@pytest.fixture(autouse=True)
def no_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in (*names, *map(str.upper, names), "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    # What a test loads is no default for those after it.
    monkeypatch.setattr(client.Configuration, "_default", None)


async def test_each_request_says_who_asks_and_no_netrc_file_has_a_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served() as server:
        know(monkeypatch, tmp_path, server.url)
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        told = []

        async def answer(request: web.Request) -> web.StreamResponse:
            told.append(request.headers.get("Authorization"))
            return web.json_response({})

        server.answer = answer
        async with await connect() as api:
            await KubernetesGateway(api).get(JOBS, "lab", "a")
    assert told == [f"Bearer {TOKEN}"]


async def test_a_proxy_of_the_environment_is_the_way_but_where_it_is_not_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served() as server:
        know(monkeypatch, tmp_path, "http://api.example:6443")
        monkeypatch.setenv("HTTP_PROXY", server.url)
        server.says(b"{}")
        async with await connect() as api:
            await KubernetesGateway(api).get(JOBS, "lab", "a")
        assert len(server.asked) == 1
        monkeypatch.setenv("NO_PROXY", "api.example")
        async with await connect() as api:
            assert api.configuration.proxy is None
