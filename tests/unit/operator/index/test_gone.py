from alidade_operator.index.gone import REMEMBERED, Gone


def test_what_was_gone_at_a_time_comes_back_and_what_went_since_does_not() -> None:
    gone = Gone()
    gone.add("a")
    then = gone.count
    gone.add("b")
    assert (gone.revive("b", then), gone.revive("c", then)) == (False, False)
    assert gone.revive("a", then)
    assert ("a" in gone, "b" in gone) == (False, True)


def test_only_so_many_are_remembered() -> None:
    gone = Gone()
    for number in range(REMEMBERED + 1):
        gone.add(str(number))
    assert ("0" in gone, "1" in gone) == (False, True)
