"""The graph of jobs as a tree."""

from alidade.jobs.tree import Node, forest
from alidade_core.api.job import Dependency, DependencyCondition
from tests.support.builders import job


def drawn(node: Node) -> object:
    name = f"{node.name}{'^' if node.shown else ''}{'' if node.job else '?'}"
    return (name, [drawn(each) for each in node.below]) if node.below else name


def test_each_job_stands_below_what_it_comes_after() -> None:
    jobs = [job("train"), job("attack", depends_on=["train"]), job("other")]
    assert [drawn(each) for each in forest(jobs)] == ["other", ("train", ["attack"])]


def test_a_job_after_several_stands_below_each_and_is_drawn_out_once() -> None:
    jobs = [
        job("a"),
        job("b"),
        job("infer", depends_on=["a", "b"]),
        job("report", depends_on=["infer"]),
    ]
    first, second = forest(jobs)
    assert drawn(first) == ("a", [("infer", ["report"])])
    assert drawn(second) == ("b", ["infer^"])
    assert first.below[0].also_after == ("b",)


def test_what_is_not_there_is_shown_where_it_is_missed() -> None:
    assert [drawn(each) for each in forest([job("b", depends_on=["a"])])] == [("a?", ["b"])]


def test_a_circle_is_shown_once_around() -> None:
    jobs = [job("a", depends_on=["b"]), job("b", depends_on=["a"])]
    assert [drawn(each) for each in forest(jobs)] == [("a", [("b", ["a^"])])]


def test_the_condition_is_that_of_the_one_above() -> None:
    failed = Dependency(name="a", condition=DependencyCondition.FAILED)
    (top,) = forest([job("a"), job("b", depends_on=[failed])])
    assert [node.condition for node in top.walk()] == [None, DependencyCondition.FAILED]
