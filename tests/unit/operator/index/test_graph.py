from hypothesis import given
from hypothesis import strategies as st
from networkx import DiGraph, strongly_connected_components

from alidade_operator.index.graph import DependencyGraph, Key


def key(name: str) -> Key:
    return ("lab", name)


def keys(names: str) -> tuple[Key, ...]:
    return tuple(key(name) for name in names.split())


def graph_of(edges: dict[str, str]) -> DependencyGraph:
    graph = DependencyGraph()
    for name, dependencies in edges.items():
        graph.add(key(name), keys(dependencies))
    return graph


def test_dependents_are_known_before_and_after_the_job_itself() -> None:
    graph = graph_of({"b": "a", "c": "a b"})
    assert set(graph.dependents(key("a"))) == set(keys("b c"))
    graph.add(key("a"), ())
    assert set(graph.dependents(key("a"))) == set(keys("b c"))
    graph.remove(key("b"))
    assert graph.dependents(key("a")) == keys("c")


def test_a_job_nobody_depends_on_has_no_dependents() -> None:
    assert graph_of({"b": "a"}).dependents(key("b")) == ()


def test_a_cycle_is_named_in_order_of_dependence_for_each_member() -> None:
    graph = graph_of({"a": "b", "b": "c", "x": "a"})
    assert graph.add(key("c"), keys("a")) == keys("a b c")
    assert graph.cycle(key("a")) == keys("a b c")
    assert graph.cycle(key("b")) == keys("b c a")
    assert graph.cycle(key("x")) == ()


def test_of_several_cycles_the_shortest_is_named_and_then_the_first_by_name() -> None:
    knot = {"a": "c d b", "b": "a", "c": "a", "d": "e", "e": "a"}
    for order in ("abcde", "edcba", "cadbe"):
        graph = graph_of({name: knot[name] for name in order})
        assert graph.cycle(key("a")) == keys("a b")
        assert graph.cycle(key("c")) == keys("c a")
        assert graph.cycle(key("e")) == keys("e a d")


def test_namespaces_do_not_meet() -> None:
    graph = graph_of({"a": "b"})
    assert graph.add(("other", "b"), [("other", "a")]) == ()


def test_removing_a_member_breaks_the_cycle_and_tells_its_members() -> None:
    graph = graph_of({"a": "b", "b": "a"})
    assert key("a") in graph.remove(key("b"))
    assert graph.cycle(key("a")) == ()


def test_removing_a_member_leaves_other_cycles() -> None:
    graph = graph_of({"b": "a", "c": "a", "a": "b c"})
    assert graph.cycle(key("a")) == keys("a b")
    assert graph.remove(key("b")) == keys("a b c")
    assert graph.cycle(key("a")) == keys("a c")


def test_removing_what_is_not_there_changes_nothing() -> None:
    graph = graph_of({"b": "a"})
    assert graph.remove(key("z")) == ()
    assert graph.dependents(key("a")) == keys("b")


names = st.sampled_from("abcdef")
changes = st.lists(
    st.one_of(
        st.tuples(st.just("add"), names, st.frozensets(names, max_size=3)),
        st.tuples(st.just("remove"), names, st.just(frozenset[str]())),
    ),
    max_size=25,
)


@given(changes)
def test_who_is_in_a_cycle_is_known_and_the_cycle_is_real(
    history: list[tuple[str, str, frozenset[str]]],
) -> None:
    graph = DependencyGraph()
    jobs: dict[str, frozenset[str]] = {}
    for change, name, dependencies in history:
        if name in jobs:
            graph.remove(key(name))
            del jobs[name]
        if change == "add":
            graph.add(key(name), sorted(key(d) for d in dependencies))
            jobs[name] = dependencies
        plain: DiGraph[Key] = DiGraph(
            [(key(a), key(b)) for a, targets in jobs.items() for b in targets]
        )
        circular = set[Key]()
        for component in strongly_connected_components(plain):
            if len(component) > 1 or any(plain.has_edge(n, n) for n in component):
                circular |= component
        for member in map(key, "abcdef"):
            cycle = graph.cycle(member)
            assert bool(cycle) == (member in circular)
            assert len(set(cycle)) == len(cycle)
            assert cycle[:1] in ((), (member,))
            assert all(
                plain.has_edge(a, b) for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True)
            )
        for target in "abcdef":
            expected = {key(a) for a, targets in jobs.items() if target in targets}
            assert set(graph.dependents(key(target))) == expected


@given(changes)
def test_nothing_is_kept_of_jobs_that_are_gone(
    history: list[tuple[str, str, frozenset[str]]],
) -> None:
    graph = DependencyGraph()
    for _, name, dependencies in history:
        graph.remove(key(name))
        graph.add(key(name), sorted(key(d) for d in dependencies))
    for name in "abcdef":
        graph.remove(key(name))
    assert [part for part in vars(graph).values() if len(part)] == []
