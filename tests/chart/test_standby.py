"""Several instances of the operator: one leads, and the others are ready to."""

from pathlib import Path

import pytest

from tests.chart.cluster import Installation
from tests.support.operator import Operator
from tests.support.polling import eventually
from tests.support.process import answers


def _holder(installation: Installation) -> list[str]:
    return [lease["spec"]["holderIdentity"] for lease in installation.get("leases")]


def _ready(operator: Operator) -> bool:
    return answers(f"{operator.url}/readyz")


@pytest.mark.parametrize("crash", [False, True])
def test_a_standby_is_ready_and_takes_over_when_the_leader_ends(
    installed: Installation, tmp_path: Path, crash: bool
) -> None:
    leader = installed.operator(tmp_path, "leader")
    standby = installed.operator(tmp_path, "standby")
    with leader, standby:
        assert _ready(leader)
        assert _ready(standby)
        assert _holder(installed) == ["leader"]
        assert "election.won" not in standby.log()
        if crash:
            leader.kill()
        else:
            assert leader.terminate() == 0
        eventually(lambda: _holder(installed) == ["standby"])
        eventually(lambda: "synced" in standby.log())
        eventually(lambda: _ready(standby))
        assert standby.terminate() == 0


def test_a_standby_that_is_stopped_leaves_the_lease_to_the_leader(
    installed: Installation, tmp_path: Path
) -> None:
    with installed.operator(tmp_path, "leader"), installed.operator(tmp_path, "standby") as standby:
        assert standby.terminate() == 0
        assert _holder(installed) == ["leader"]
    installed.plane.kubectl("-n", installed.namespace, "delete", "lease", "--all")


def test_an_instance_that_has_not_seen_the_cluster_is_alive_and_not_ready(
    installed: Installation, tmp_path: Path
) -> None:
    # Nobody has given this account any right but to take part in the election.
    kubectl = installed.plane.kubectl
    operator = installed.operator(tmp_path, "blind")
    saved = kubectl("get", "clusterrolebinding", installed.name, "-o", "json")
    kubectl("delete", "clusterrolebinding", installed.name)
    try:
        operator.start()
        eventually(lambda: "watch.failed" in operator.log())
        assert answers(f"{operator.url}/healthz")
        assert not _ready(operator)
    finally:
        operator.kill()
        kubectl("create", "-f", "-", stdin=saved)
        kubectl("-n", installed.namespace, "delete", "lease", "--all")
