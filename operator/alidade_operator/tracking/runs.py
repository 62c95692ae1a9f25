"""Runs: created once a job, known again by their signature, ended, and seen to have ended."""

import json
import time
from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any, Final, NamedTuple

from alidade_core.contract import PARAMETERS_TAG
from alidade_core.words import clean
from alidade_operator.decide.run_owner import INSTALLATION_TAG, MAX_TAG, UID_TAG, owner_of
from alidade_operator.tracking.batching import Together
from alidade_operator.tracking.rest import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_DOES_NOT_EXIST,
    Body,
    Rest,
)
from alidade_operator.tracking.signature import SIGNATURE_TAG, Proof, Signer
from alidade_operator.tracking.tracking import Run, TrackingError

PAGE: Final = 1000
MAX_PARAMETER: Final = 6000
"""How many characters of a parameter's value MLflow keeps."""
SURPLUS_TAG: Final = "alidade.dev/surplus-of"
SCHEDULED, RUNNING, KILLED = "SCHEDULED", "RUNNING", "KILLED"
# What is refused so is wrong with itself, or with its run, as another look at that shows.
_LET_BE: Final = (INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST)
ENDS: Final = ("FINISHED", "FAILED", KILLED)


class _Proven(NamedTuple):
    """A run of a job, in the order in which it is the right one.

    Pods are told of no run that is not sealed. Of several that are, as MLflow did not show one when
    it was asked, the one that has ended was theirs.
    """

    proof: Proof
    goes_on: bool
    began: int
    run_id: str


class _Made(NamedTuple):
    """A run that this process has made, or found to be proven."""

    uid: str
    experiment_id: str


class Runs:
    """The runs of one server.

    Args:
        rest: The server.
        signer: Signs those that are made here.
    """

    def __init__(self, rest: Rest, signer: Signer) -> None:
        self._rest = rest
        self._signer = signer
        self._made: dict[str, _Made] = {}
        self._looks: Together[str, Body | None] = Together(self._look)

    def ensure(self, experiment_id: str, name: str, tags: dict[str, str], search: bool) -> str:
        """Return the ID of the run of a job, which is created if none is found."""
        found = self._proven([experiment_id], tags[UID_TAG]) if search else []
        if found:
            (proof, *_, run_id), *surplus = found
            for *_, other in surplus:
                self.end_surplus(other, tags[UID_TAG], run_id)
        else:
            proof, run_id = Proof.CLAIMED, self._create(experiment_id, name, tags)
        if proof is Proof.CLAIMED:
            self._seal(run_id, tags)
        self._made[run_id] = _Made(tags[UID_TAG], experiment_id)
        return run_id

    def open_ones(self, installation: str, experiments: list[list[str]]) -> list[Run]:
        """Return the proven runs of an installation in these experiments that have not ended."""
        conditions = [f"attributes.status != '{end}'" for end in ENDS]
        conditions.append(f"tags.`{INSTALLATION_TAG}` = '{installation}'")
        found = []
        for ids in filter(None, experiments):
            for run in self._search(ids, " and ".join(conditions)):
                run_id, tags = _id(run), _tags(run)
                owner = owner_of(tags)
                if owner and self._signer.proof(run_id, tags) is not None:
                    found.append(Run(run_id, owner))
        return found

    def right_one(self, uid: str, experiments: list[list[str]]) -> str | None:
        """Return the run of these experiments that is a job's, of all that were made for it."""
        found = (self._proven(ids, uid) for ids in filter(None, experiments))
        ordered = sorted(chain.from_iterable(found))
        return ordered[0].run_id if ordered else None

    def end(
        self, run_id: str, uid: str, end: str, tags: dict[str, str], parameters: dict[str, str]
    ) -> bool:
        """Make the end of a job's run this one, with these tags; return whether it is there.

        Parameters that it does not have are added, as far as MLflow takes them, and such as its pod
        was started with.
        """
        run = self._make_so(run_id, uid, end, _cut(tags))
        if run is not None:
            self._add(run, _started_with(run) | parameters)
        self._made.pop(run_id, None)
        return run is not None

    def end_surplus(self, run_id: str, uid: str, right: str) -> None:
        """End a run that a job has beside its right one, and say so in a tag."""
        # Nobody looks at what has ended again, so the tag is seen there before.
        for end in (None, KILLED):
            self._make_so(run_id, uid, end, {SURPLUS_TAG: right})

    def artifact_uri(self, run_id: str, uid: str) -> str:
        """Return where the artifacts of a job's run are.

        Raises:
            TrackingError: Among the rest, there is no such run of this job.
        """
        run = self._find_of(uid, run_id)
        if run is None:
            raise TrackingError(
                f"it has no run {run_id} of this job",
                unreachable=False,
                code=RESOURCE_DOES_NOT_EXIST,
            )
        return str(run["info"]["artifact_uri"])

    def _create(self, experiment_id: str, name: str, tags: dict[str, str]) -> str:
        owner = owner_of(tags)
        claim = {SIGNATURE_TAG: self._signer.claim(owner)} if owner else {}
        made = self._rest.post(
            "runs/create",
            experiment_id=experiment_id,
            run_name=name,
            start_time=_now(),
            tags=_listed({**_cut(tags), **claim}),
        )
        return _id(made["run"])

    def _seal(self, run_id: str, tags: dict[str, str]) -> None:
        """Bind the signature to the run, and say that its pod has yet to come."""
        owner = owner_of(tags)
        if owner:
            seal = {SIGNATURE_TAG: self._signer.seal(owner, run_id)}
            self._rest.post("runs/log-batch", run_id=run_id, tags=_listed(seal))
        self._rest.post("runs/update", run_id=run_id, status=SCHEDULED)

    def _proven(self, experiment_ids: list[str], uid: str) -> list[_Proven]:
        """Return the runs that are proven to be a job's, the right one first."""
        found = []
        for run in self._search(experiment_ids, f"tags.`{UID_TAG}` = '{uid}'"):
            run_id, tags = _id(run), _tags(run)
            proof = None if SURPLUS_TAG in tags else self._signer.proof(run_id, tags)
            if proof is not None:
                info = run["info"]
                goes_on, began = info.get("status") not in ENDS, int(info.get("start_time") or 0)
                found.append(_Proven(proof, goes_on, began, run_id))
        return sorted(found)

    def _search(self, experiment_ids: list[str], condition: str) -> Iterator[Body]:
        token = ""
        while True:
            page = self._rest.search(
                "runs",
                experiment_ids=experiment_ids,
                filter=condition,
                max_results=PAGE,
                page_token=token,
            )
            yield from page.get("runs", ())
            token = page.get("next_page_token") or ""
            if not token:
                return

    def _find(self, run_id: str) -> Body | None:
        made = self._made.get(run_id)
        return self._looks.get(made.experiment_id, run_id) if made else self._read(run_id)

    def _look(self, experiment_id: str, run_ids: Collection[str]) -> dict[str, Body | None]:
        """Read runs of an experiment, by one request if there are several."""
        found: dict[str, Body | None] = {}
        if len(run_ids) > 1:
            listed = ", ".join(f"'{run_id}'" for run_id in run_ids)
            condition = f"attributes.run_id IN ({listed})"
            found = {_id(run): run for run in self._search([experiment_id], condition)}
        # What is not shown there need not be gone.
        missing = (run_id for run_id in run_ids if run_id not in found)
        return found | {run_id: self._read(run_id) for run_id in missing}

    def _read(self, run_id: str) -> Body | None:
        try:
            run: Body = self._rest.get("runs/get", run_id=run_id)["run"]
        except TrackingError as error:
            if error.code == RESOURCE_DOES_NOT_EXIST:
                return None
            raise
        return None if run["info"].get("lifecycle_stage") == "deleted" else run

    def _find_of(self, uid: str, run_id: str) -> Body | None:
        """Find a run, if it is that job's: whoever may write a status may name another's run."""
        run = self._find(run_id)
        return run if run is not None and _tags(run).get(UID_TAG) == uid else None

    def _make_so(self, run_id: str, uid: str, end: str | None, tags: dict[str, str]) -> Body | None:
        """Give a job's run an end, if there is to be one, and tags; return it if it is there."""
        made = self._made.get(run_id)
        if tags and made and made.uid == uid:
            # Whose it is need not be asked, and one look shows what came of this and what is left.
            self._took(_LET_BE, "runs/log-batch", run_id=run_id, tags=_listed(tags))
        run = self._find_of(uid, run_id)
        if run is None:
            return None
        ended, missing = _lacks(run, end, tags)
        if ended and not missing:
            return run
        self._write_end(run_id, None if ended else end, missing)
        run = self._find_of(uid, run_id)
        if run is None:
            return None
        if _lacks(run, end, tags) != (True, {}):
            raise TrackingError(
                f"it took the end of run {run_id}, but shows another: {run['info'].get('status')}",
                unreachable=False,
            )
        return run

    def _add(self, run: Body, parameters: dict[str, str]) -> None:
        known = {each["key"] for each in run.get("data", {}).get("params", ())}
        lacking = {
            name: clean(value[:MAX_PARAMETER])
            for name, value in parameters.items()
            if value and name not in known
        }
        if lacking and not self._write_parameters(run, lacking):
            # What MLflow does not take keeps none of the others from it.
            for name, value in lacking.items():
                self._write_parameters(run, {name: value})

    def _write_parameters(self, run: Body, parameters: dict[str, str]) -> bool:
        return self._took(_LET_BE, "runs/log-batch", run_id=_id(run), params=_listed(parameters))

    def _write_end(self, run_id: str, end: str | None, tags: dict[str, str]) -> None:
        # That it went meanwhile the next look tells.
        gone = (RESOURCE_DOES_NOT_EXIST,)
        if tags and not self._took(gone, "runs/log-batch", run_id=run_id, tags=_listed(tags)):
            return
        if end:
            self._took(gone, "runs/update", run_id=run_id, status=end, end_time=_now())

    def _took(self, refusals: Collection[str], path: str, **body: Any) -> bool:
        """Have something done; return whether it was not refused with one of these codes."""
        try:
            self._rest.post(path, **body)
        except TrackingError as error:
            if error.code not in refusals:
                raise
            return False
        return True


def _lacks(run: Body, end: str | None, tags: dict[str, str]) -> tuple[bool, dict[str, str]]:
    """Say whether a run has ended so, if it is to, and which of the tags it does not have."""
    known = _tags(run)
    missing = {key: value for key, value in tags.items() if known.get(key) != value}
    return end in (None, run["info"].get("status")), missing


def _now() -> int:
    return time.time_ns() // 1_000_000


def _id(run: Body) -> str:
    return str(run["info"]["run_id"])


def _tags(run: Body) -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in run.get("data", {}).get("tags", ())}


def _started_with(run: Body) -> dict[str, str]:
    """Return the parameters that a worker left word of; anyone may have written that."""
    try:
        found = json.loads(_tags(run).get(PARAMETERS_TAG) or "{}")
    except (ValueError, RecursionError):
        return {}
    texts = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in texts if isinstance(value, str)}


def _listed(tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _cut(tags: dict[str, str]) -> dict[str, str]:
    return {key: clean(value[:MAX_TAG]) for key, value in tags.items() if value}
