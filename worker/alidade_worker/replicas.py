"""Which of a job's replicas this process is part of, for workflow code that trains in parallel.

TF_CONFIG tells, as it tells `TensorFlow
<https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable>`_;
without it a job has one replica. Only the first one, the chief, has the job's MLflow run, and only
its outputs are taken.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from alidade_core import contract

PEER_LOST = contract.PEER_LOST
"""What a replica exits with that cannot go on as another one is gone: the job failed elsewhere, or
is tried again where that one was evicted."""


def size(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many replicas the job has."""
    return max(1, sum(map(len, _config(environment).get("cluster", {}).values())))


def is_chief(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is the replica that speaks for all: the only one that may use MLflow."""
    config = _config(environment)
    task = config.get("task", {"type": "worker", "index": 0})
    first = "chief" if "chief" in config.get("cluster", {}) else "worker"
    return (task.get("type"), task.get("index")) == (first, 0)


def _config(environment: Mapping[str, str]) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(environment.get("TF_CONFIG") or "{}")
    return config
