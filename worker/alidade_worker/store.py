"""MLflow's client as a job's processes use it: a parameter logged twice does not end the job.

MLflow keeps a parameter's first value and answers another one with an error. But what a first
attempt at a job logged, or the worker recorded after it ("1e-3"), is still there when the code of a
second one logs its own (0.001, another host). So another value becomes a tag, and a warning.

Found by MLflow as a plugin (entry points ``http`` and ``https`` of ``mlflow.tracking_store``).
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, ErrorCode
from mlflow.store.tracking.rest_store import RestStore
from mlflow.utils.credentials import get_default_host_creds

TAG_PREFIX = "alidade.dev/parameter/"
"""Of the tags that hold values which MLflow does not take as parameters any more."""

_REFUSED = ErrorCode.Name(INVALID_PARAMETER_VALUE)
_log = logging.getLogger(__name__)


_Base: Any = RestStore


class LenientStore(_Base):  # type: ignore[misc] # MLflow's own has no types
    """A tracking server that takes every value of a parameter, the later ones as tags."""

    def log_param(self, run_id: str, param: Param) -> None:
        """Log a parameter of a run."""
        self.log_batch(run_id, (), (param,), ())

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric],
        params: Sequence[Param],
        tags: Sequence[RunTag],
    ) -> None:
        """Log metrics, parameters and tags of a run; one of another value leaves the first."""
        try:
            super().log_batch(run_id, metrics, params, tags)
        except MlflowException as error:
            later = self._later(run_id, params) if error.error_code == _REFUSED else []
            if not later:
                raise
            super().log_batch(run_id, metrics, [p for p in params if p not in later], tags)
            for param in later:
                self._keep_as_tag(run_id, param)

    def _later(self, run_id: str, params: Sequence[Param]) -> list[Param]:
        """Return the parameters of which the run has another value."""
        if not params:
            return []
        known = self.get_run(run_id).data.params
        return [p for p in params if known.get(p.key, p.value) != p.value]

    def _keep_as_tag(self, run_id: str, param: Param) -> None:
        first = self.get_run(run_id).data.params[param.key]
        if _same_number(first, param.value):
            return
        _log.warning(
            "Parameter %s of MLflow run %s stays %r; its later value %r is in tag %s%s.",
            *(param.key, run_id, first, param.value, TAG_PREFIX, param.key),
        )
        self.set_tag(run_id, RunTag(TAG_PREFIX + param.key, param.value))


def open_store(store_uri: str, **_: object) -> LenientStore:
    """Open the tracking server of this URI."""
    return LenientStore(partial(get_default_host_creds, store_uri))


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False
