"""`kubectl alidade` on a whole installation: what its doctor says of it, and the way to MLflow."""

import os
import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest

from tests.support.cluster import KUBECONFIG, Cluster
from tests.support.command_line import CommandLine
from tests.support.manifests import job, queue
from tests.support.polling import eventually
from tests.support.process import answers, free_port
from tests.support.sources import python_path

WELL = (0, "✓ nothing is wrong\n")
COMMAND = "from alidade.cli.app import main; main()"


@pytest.mark.alone
def test_doctor_finds_nothing_wrong_until_there_is(
    cluster: Cluster, command_line: CommandLine
) -> None:
    where = ("-n", cluster.namespace)
    cluster.apply(queue())
    # What other tests took away comes back in its own time.
    eventually(lambda: command_line("doctor", *where) == WELL)
    cluster.apply(queue("elsewhere", nodeSelector={"alidade.dev/pool": "none"}), job("lost"))
    code, said = command_line("doctor", *where)
    assert code == 13
    assert "✗ queue 'elsewhere' has no node to run on: none has the labels alidade.dev/pool" in said
    assert "→ kubectl label node NAME alidade.dev/pool=none" in said


def test_ui_leads_to_mlflow_until_it_is_interrupted() -> None:
    port = free_port()
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    program = [sys.executable, "-c", COMMAND]
    ui = subprocess.Popen(
        # What is started in the background may have been told to ignore it.
        ["env", "--default-signal=INT", *program, "ui", "--no-browser", "--port", str(port)],
        env={
            **environment,
            "KUBECONFIG": str(KUBECONFIG),
            "PYTHONPATH": python_path("core", "client"),
        },
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        eventually(lambda: ui.poll() is not None or answers(f"http://127.0.0.1:{port}/health"))
        with urlopen(f"http://127.0.0.1:{port}/") as page:
            assert b"<title>MLflow</title>" in page.read()
        ui.send_signal(signal.SIGINT)
        _, said = ui.communicate()
        assert f"MLflow is at http://127.0.0.1:{port}; Ctrl-C ends that" in said
        assert "Traceback" not in said
        with pytest.raises(ProcessLookupError):
            os.killpg(ui.pid, 0)
        assert not answers(f"http://127.0.0.1:{port}/health")
    finally:
        if ui.poll() is None:
            ui.kill()
