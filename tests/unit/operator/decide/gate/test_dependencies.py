from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alidade_core.api.job import Dependency, DependencyCondition, Job, OnUnsatisfied
from alidade_core.api.job_status import ENDS, JobState, JobStatus, RootCause
from alidade_operator.decide.gate.dependencies import (
    Met,
    Undecided,
    Unsatisfiable,
    decisive,
    holds,
    judge,
)
from alidade_operator.decide.make.parameters import resolve
from tests.support.builders import NOW, ago, job, job_in, met

C, S = DependencyCondition, JobState
OPEN = (None, S.WAITING, S.QUEUED, S.STARTED)
OOM = RootCause(job="root", reason="OOMKilled", message="failed: OOMKilled, exit code 137")


def on(
    name: str,
    condition: DependencyCondition = C.COMPLETE,
    on_unsatisfied: OnUnsatisfied = OnUnsatisfied.SKIP,
) -> Dependency:
    return Dependency(name=name, condition=condition, on_unsatisfied=on_unsatisfied)


def others(*jobs: Job) -> dict[str, Job]:
    return {j.metadata.name: j for j in jobs}


@pytest.mark.parametrize(
    ("condition", "meeting"),
    [
        (C.COMPLETE, {S.FINISHED}),
        (C.FAILED, {S.FAILED}),
        (C.ENDED, set(ENDS)),
        (C.STARTED, {S.FINISHED}),
    ],
)
@pytest.mark.parametrize("state", [*OPEN, *sorted(ENDS)])
def test_a_condition_of_a_job_that_never_ran(
    condition: DependencyCondition, meeting: set[JobState], state: JobState | None
) -> None:
    expected = None if state in OPEN else state in meeting
    assert holds(condition, JobStatus(state=state)) is expected


@pytest.mark.parametrize("state", [*OPEN, *sorted(ENDS)])
def test_started_holds_for_good_once_a_pod_ran(state: JobState | None) -> None:
    assert holds(C.STARTED, JobStatus(state=state, start_time=NOW)) is True


@pytest.mark.parametrize("state", sorted(ENDS))
@pytest.mark.parametrize("condition", [C.COMPLETE, C.FAILED, C.ENDED])
def test_other_conditions_do_not_ask_whether_a_pod_ran(
    condition: DependencyCondition, state: JobState
) -> None:
    ran, never_ran = JobStatus(state=state, start_time=NOW), JobStatus(state=state)
    assert holds(condition, ran) is holds(condition, never_ran)


STATUSES = st.builds(
    JobStatus,
    state=st.sampled_from([None, S.QUEUED, S.STARTED, S.FINISHED, S.FAILED]),
    reason=st.sampled_from(["", "QueueFull"]),
    message=st.sampled_from(["", "position 3 of 9"]),
    start_time=st.sampled_from([None, NOW, ago(5)]),
    root_cause=st.sampled_from([None, OOM]),
    mlflow_run_id=st.sampled_from([None, "r1"]),
    outputs=st.sampled_from([{}, {"accuracy": "0.9"}]),
)
WORDS = st.fixed_dictionaries(
    {},
    optional={
        "reason": st.just("Preparing"),
        "message": st.just("position 2 of 9"),
        "start_time": st.just(ago(7)),
        "attempt_count": st.just(2),
        "queue": st.just("gpu"),
    },
)


@given(STATUSES, WORDS, st.sampled_from([*C]), st.sampled_from([*OnUnsatisfied]))
def test_of_a_job_only_what_is_decisive_decides_about_those_that_depend_on_it(
    one: JobStatus,
    more: dict[str, Any],
    condition: DependencyCondition,
    on_unsatisfied: OnUnsatisfied,
) -> None:
    values = ({"output": "accuracy"}, {"field": "mlflowRunId"})
    parameters = [
        {"name": f"p{place}", "valueFrom": {"job": "a", **value}}
        for place, value in enumerate(values)
    ]
    dependent = job(depends_on=[on("a", condition, on_unsatisfied)], parameters=parameters)

    def decided(status: JobStatus) -> tuple[object, ...]:
        known = others(job("a", status=status))
        return judge(dependent, known, ()), resolve(dependent, known)

    other = one.model_copy(update=more)
    assume(decisive(one) == decisive(other))
    assert decided(one) == decided(other)


def test_a_job_without_dependencies_may_run() -> None:
    assert judge(job(), {}, ()) == Met(())


def test_every_dependency_has_to_be_met() -> None:
    dependent = job(depends_on=["a", on("b", C.ENDED)])
    a, b = job_in(S.FINISHED, "a"), job_in(S.SKIPPED, "b")
    assert judge(dependent, others(a, b), ()) == Met((met("a"), met("b", S.SKIPPED)))
    verdict = judge(dependent, others(a, job("b")), ())
    assert isinstance(verdict, Undecided)
    assert [entry.met for entry in verdict.entries] == [True, False]
    assert (verdict.reason, verdict.message) == (
        "DependencyPending",
        "waits for b (new) to be Ended",
    )


def test_what_is_met_stays_met_though_the_dependency_is_gone() -> None:
    dependent = job(depends_on=["a"], status=JobStatus(dependencies=(met("a"),)))
    assert judge(dependent, {}, ()) == Met((met("a"),))


def test_what_is_met_stays_met_though_another_of_the_name_failed() -> None:
    dependent = job(depends_on=["a"], status=JobStatus(dependencies=(met("a"),)))
    assert judge(dependent, others(job_in(S.FAILED, "a")), ()) == Met((met("a"),))


def test_what_was_seen_but_not_met_is_forgotten_with_the_dependency() -> None:
    seen = met("a", S.STARTED).model_copy(update={"met": False})
    dependent = job(depends_on=["a"], status=JobStatus(dependencies=(seen,)))
    verdict = judge(dependent, {}, ())
    assert isinstance(verdict, Undecided)
    assert verdict.entries[0].state is None


def test_dependencies_that_do_not_exist_are_named() -> None:
    verdict = judge(job(depends_on=["a", "b", "c"]), others(job("b")), ())
    assert isinstance(verdict, Undecided)
    assert (verdict.reason, verdict.message) == (
        "DependencyNotFound",
        "no job 'a', 'c' in this namespace (yet)",
    )


def test_a_cycle_is_told_in_order() -> None:
    verdict = judge(job("a", depends_on=["b"]), others(job("b")), ("a", "b"))
    assert isinstance(verdict, Undecided)
    assert verdict.reason == "DependencyCycle"
    assert "a -> b -> a" in verdict.message


@pytest.mark.parametrize(
    ("on_unsatisfied", "end"),
    [(OnUnsatisfied.SKIP, S.SKIPPED), (OnUnsatisfied.FAIL, S.FAILED)],
)
def test_a_dependency_that_ended_otherwise_ends_the_job(
    on_unsatisfied: OnUnsatisfied, end: JobState
) -> None:
    dependent = job(depends_on=["open", on("root", on_unsatisfied=on_unsatisfied)])
    verdict = judge(dependent, others(job("open"), job_in(S.FAILED, "root", root_cause=OOM)), ())
    assert isinstance(verdict, Unsatisfiable)
    assert (verdict.end, verdict.root_cause) == (end, OOM)
    assert verdict.message == "root failed: OOMKilled, exit code 137"


def test_the_root_cause_is_named_through_any_number_of_jobs() -> None:
    middle = job_in(S.SKIPPED, "middle", root_cause=OOM)
    verdict = judge(job("last", depends_on=["middle"]), others(middle), ())
    assert isinstance(verdict, Unsatisfiable)
    assert verdict.root_cause == OOM
    assert verdict.message == ("depends on middle (Skipped): root failed: OOMKilled, exit code 137")


@pytest.mark.parametrize(
    ("condition", "state", "message"),
    [
        (C.FAILED, S.FINISHED, "wants a Failed, but a finished well"),
        (C.FAILED, S.CANCELLED, "wants a Failed, but a was cancelled"),
        (C.STARTED, S.SKIPPED, "wants a Started, but a was skipped"),
        (C.COMPLETE, S.CANCELLED, "a was cancelled"),
    ],
)
def test_an_end_that_is_no_failure_can_be_the_root_cause(
    condition: DependencyCondition, state: JobState, message: str
) -> None:
    verdict = judge(job(depends_on=[on("a", condition)]), others(job_in(state, "a")), ())
    assert isinstance(verdict, Unsatisfiable)
    assert (verdict.root_cause.job, verdict.message) == ("a", message)


@pytest.mark.parametrize("fails_first", [True, False])
def test_fail_outweighs_skip_in_any_order(fails_first: bool) -> None:
    dependencies = [on("a", on_unsatisfied=OnUnsatisfied.FAIL), on("b")]
    dependent = job(depends_on=dependencies if fails_first else dependencies[::-1])
    both = others(job_in(S.CANCELLED, "a"), job_in(S.FAILED, "b", root_cause=OOM))
    verdict = judge(dependent, both, ())
    assert isinstance(verdict, Unsatisfiable)
    assert (verdict.end, verdict.root_cause.job) == (S.FAILED, "a")


def test_a_job_is_not_skipped_as_long_as_it_may_yet_have_to_fail() -> None:
    dependent = job(depends_on=["skips", on("fails", on_unsatisfied=OnUnsatisfied.FAIL)])
    failed = job_in(S.FAILED, "skips", root_cause=OOM)
    for open_ in (job_in(S.STARTED, "fails"), None):
        verdict = judge(dependent, others(failed, *([open_] if open_ else [])), ())
        assert isinstance(verdict, Undecided)
    ends = {S.FINISHED: S.SKIPPED, S.CANCELLED: S.FAILED}
    for state, end in ends.items():
        verdict = judge(dependent, others(failed, job_in(state, "fails")), ())
        assert isinstance(verdict, Unsatisfiable)
        assert verdict.end is end


def test_a_job_that_can_only_be_skipped_is_skipped_at_once() -> None:
    verdict = judge(job(depends_on=["open", "a"]), others(job("open"), job_in(S.FAILED, "a")), ())
    assert isinstance(verdict, Unsatisfiable)
    assert verdict.end is S.SKIPPED


@pytest.mark.parametrize(
    "left",
    [
        [],
        [job("skips", meta={"uid": "second"})],
        [job("skips", meta={"uid": "second"}, status=JobStatus(state=S.FINISHED))],
    ],
    ids=["deleted", "made again", "made again and finished"],
)
def test_a_dependency_that_ended_is_decided_whatever_becomes_of_it(left: list[Job]) -> None:
    dependencies = ["skips", on("fails", on_unsatisfied=OnUnsatisfied.FAIL)]
    first = judge(job(depends_on=dependencies), others(job_in(S.FAILED, "skips")), ())
    dependent = job(depends_on=dependencies, status=JobStatus(dependencies=first.entries))
    verdict = judge(dependent, others(job_in(S.FINISHED, "fails"), *left), ())
    assert isinstance(verdict, Unsatisfiable)
    assert (verdict.end, verdict.message) == (S.SKIPPED, "skips failed")


def test_among_equals_the_first_in_the_spec_is_the_cause() -> None:
    dependent = job(depends_on=["b", "a"])
    both = others(job_in(S.CANCELLED, "a"), job_in(S.CANCELLED, "b"))
    verdict = judge(dependent, both, ())
    assert isinstance(verdict, Unsatisfiable)
    assert verdict.root_cause.job == "b"


def test_an_unsatisfiable_dependency_outweighs_a_missing_one_and_a_cycle() -> None:
    verdict = judge(job(depends_on=["missing", "a"]), others(job_in(S.FAILED, "a")), ("train", "a"))
    assert isinstance(verdict, Unsatisfiable)
