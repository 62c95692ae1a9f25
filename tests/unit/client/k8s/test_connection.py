"""Which namespace is meant where none is named."""

from pathlib import Path
from types import SimpleNamespace

from alidade.k8s.connection import namespace_of


def test_it_is_the_contexts_or_else_that_of_the_pods_account(tmp_path: Path) -> None:
    account = tmp_path / "namespace"
    account.write_text("team-a\n")
    outside = SimpleNamespace(active_context="lab", namespace="bench")
    inside = SimpleNamespace(active_context="", namespace="default")
    assert namespace_of(outside, account) == "bench"
    assert namespace_of(inside, account) == "team-a"
    assert namespace_of(inside, tmp_path / "missing") == "default"
