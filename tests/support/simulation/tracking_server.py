"""What an MLflow server keeps, and how it answers the requests that the operator makes."""

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME, MLFLOW_USER

from alidade_operator.decide.run_owner import UID_TAG
from alidade_operator.tracking.rest import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    Body,
)
from alidade_operator.tracking.tracking import TrackingError

STRANGERS_TAGS = {MLFLOW_USER: "somebody", MLFLOW_RUN_NAME: "theirs"}
DELETED = "DELETED"
OPEN = ("SCHEDULED", "RUNNING")
_CONDITION = re.compile(r"(attributes|tags)\.`?([^`\s]+)`? (!?=) '([^']*)'")


@dataclass
class MlflowExperiment:
    """An experiment there."""

    name: str
    tags: dict[str, str] = field(default_factory=dict)
    deleted: bool = False


@dataclass
class Backup:
    """What is kept for the day on which it is needed."""

    experiments: dict[str, MlflowExperiment]
    runs: dict[str, str]
    tags: dict[str, dict[str, str]]
    parameters: dict[str, dict[str, str]]
    within: dict[str, str]


class TrackingServer:
    """An MLflow server in memory: every request is answered at once.

    Attributes:
        experiments: The experiments by their IDs.
        runs: Status of each run.
        tags: The tags of each run.
        parameters: Its parameters.
        within: The experiment of each run.
        owners: UID of the job of each run that ever was, by the tag that it was made with.
        settled: Runs that were ever ended by a request.
        strangers: Runs of somebody else.
        away: Whether it answers nothing.
    """

    def __init__(self) -> None:
        self.experiments: dict[str, MlflowExperiment] = {}
        self.runs: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.parameters: dict[str, dict[str, str]] = {}
        self.within: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.settled: set[str] = set()
        self.strangers: set[str] = set()
        self.away = False
        self._runs_made = 0

    def back_up(self) -> Backup:
        """Return all that there is."""
        return deepcopy(
            Backup(self.experiments, self.runs, self.tags, self.parameters, self.within)
        )

    def restore(self, backup: Backup | None = None) -> None:
        """Have what there was then, and nothing else; without a backup, nothing."""
        there = deepcopy(backup or Backup({}, {}, {}, {}, {}))
        self.experiments, self.within = there.experiments, there.within
        self.runs, self.tags, self.parameters = there.runs, there.tags, there.parameters

    def invite_a_stranger(self) -> None:
        """Have somebody else begin a run in an experiment of his own."""
        (made,) = self._create_experiment(f"theirs-{self._runs_made}", []).values()
        tags = [{"key": key, "value": value} for key, value in STRANGERS_TAGS.items()]
        run_id = self._create_run(made, tags, STRANGERS_TAGS[MLFLOW_RUN_NAME])
        self.strangers.add(run_id["run"]["info"]["run_id"])

    def answer(self, path: str, given: Mapping[str, Any]) -> Body:
        """Answer a request.

        Raises:
            TrackingError: It is refused.
        """
        answers: dict[str, Callable[..., Body]] = {
            "experiments/get": self._experiment,
            "experiments/get-by-name": self._experiment_of_name,
            "experiments/search": self._all_experiments,
            "experiments/create": self._create_experiment,
            "experiments/set-experiment-tag": self._tag_experiment,
            "runs/create": self._create_run,
            "runs/get": self._run,
            "runs/search": self._search,
            "runs/log-batch": self._log_batch,
            "runs/update": self._update_run,
        }
        return answers[path](**given)

    def answer_and_lose(self, path: str, given: Mapping[str, Any]) -> Body:
        """Answer a request and forget what it was about, as a database that fails over may."""
        before = self.back_up()
        try:
            return self.answer(path, given)
        finally:
            self.restore(before)

    def _experiment(self, experiment_id: str) -> Body:
        if experiment_id not in self.experiments:
            counted = experiment_id.isdigit()
            raise _refusal(RESOURCE_DOES_NOT_EXIST if counted else INVALID_PARAMETER_VALUE)
        return {"experiment": self._shown(experiment_id)}

    def _experiment_of_name(self, experiment_name: str) -> Body:
        found = (i for i, known in self.experiments.items() if known.name == experiment_name)
        return self._experiment(next(found, "0"))

    def _all_experiments(self, **_: Any) -> Body:
        ids = [i for i, known in self.experiments.items() if not known.deleted]
        return {"experiments": [self._shown(i) for i in ids]}

    def _create_experiment(self, name: str, tags: list[dict[str, str]], **_: Any) -> Body:
        if any(known.name == name for known in self.experiments.values()):
            raise _refusal(RESOURCE_ALREADY_EXISTS)
        # They are counted, so that one that was lost gives its number to the next.
        made = str(max(map(int, self.experiments), default=0) + 1)
        self.experiments[made] = MlflowExperiment(name, _listed(tags))
        return {"experiment_id": made}

    def _tag_experiment(self, experiment_id: str, key: str, value: str) -> Body:
        self._experiment(experiment_id)
        self.experiments[experiment_id].tags[key] = value
        return {}

    def _create_run(
        self, experiment_id: str, tags: list[dict[str, str]], run_name: str, **_: Any
    ) -> Body:
        self._experiment(experiment_id)
        if self.experiments[experiment_id].deleted:
            raise _refusal(INVALID_PARAMETER_VALUE)
        # These are drawn by chance, and never come again.
        run_id, self._runs_made = f"run-{self._runs_made}", self._runs_made + 1
        self.runs[run_id] = "RUNNING"
        self.tags[run_id] = _listed(tags) | {MLFLOW_RUN_NAME: run_name}
        self.owners[run_id] = self.tags[run_id].get(UID_TAG, "")
        self.within[run_id] = experiment_id
        return self._run(run_id)

    def _run(self, run_id: str) -> Body:
        if run_id not in self.runs:
            raise _refusal(RESOURCE_DOES_NOT_EXIST)
        gone = self.runs[run_id] == DELETED
        info = {
            "run_id": run_id,
            "status": self.runs[run_id],
            "start_time": list(self.runs).index(run_id),
            "lifecycle_stage": "deleted" if gone else "active",
            "artifact_uri": "mlflow-artifacts:/",
        }
        tags = [{"key": k, "value": v} for k, v in self.tags.get(run_id, {}).items()]
        given = self.parameters.get(run_id, {}).items()
        params = [{"key": k, "value": v} for k, v in given]
        return {"run": {"info": info, "data": {"tags": tags, "params": params}}}

    def _search(self, experiment_ids: list[str], **given: Any) -> Body:
        conditions = _CONDITION.findall(given["filter"])
        return {
            "runs": [
                self._run(run_id)["run"]
                for run_id, status in self.runs.items()
                if status != DELETED
                and self.within.get(run_id) in experiment_ids
                and all(self._meets(run_id, *condition) for condition in conditions)
            ]
        }

    def _meets(self, run_id: str, kind: str, key: str, operator: str, value: str) -> bool:
        if kind == "attributes":
            return (self.runs[run_id] == value) == (operator == "=")
        return self.tags.get(run_id, {}).get(key) == value

    def _log_batch(
        self,
        run_id: str,
        tags: Sequence[dict[str, str]] = (),
        params: Sequence[dict[str, str]] = (),
    ) -> Body:
        self._check_active(run_id)
        known, given = self.parameters.setdefault(run_id, {}), _listed(params)
        if any(known.get(key, value) != value for key, value in given.items()):
            raise _refusal(INVALID_PARAMETER_VALUE)
        self.tags[run_id] |= _listed(tags)
        known |= given
        return {}

    def _update_run(self, run_id: str, status: str, **_: Any) -> Body:
        self._check_active(run_id)
        self.runs[run_id] = status
        if status not in OPEN:
            self.settled.add(run_id)
        return {}

    def _check_active(self, run_id: str) -> None:
        self._run(run_id)
        if self.runs[run_id] == DELETED:
            raise _refusal(INVALID_PARAMETER_VALUE)

    def _shown(self, experiment_id: str) -> Body:
        found = self.experiments[experiment_id]
        return {
            "experiment_id": experiment_id,
            "name": found.name,
            "artifact_location": "mlflow-artifacts:/",
            "lifecycle_stage": "deleted" if found.deleted else "active",
            "tags": [{"key": key, "value": value} for key, value in found.tags.items()],
        }


def _refusal(code: str) -> TrackingError:
    status = ERROR_CODE_TO_HTTP_STATUS[code]
    return TrackingError(f"answers {status}: {code}", unreachable=False, status=status, code=code)


def _listed(tags: Sequence[dict[str, str]]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags}
