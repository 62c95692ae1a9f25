import pytest

from alidade_operator.work.shares import Shares


def taken_by(shares: Shares, who: str) -> int:
    """Let somebody take all that he gets; return how much that is."""
    amount = 0
    while shares.may_take(who):
        shares.take(who)
        amount += 1
    return amount


@pytest.mark.parametrize(("size", "got"), [(16, [8, 4, 2, 1, 1, 0]), (1, [1, 0]), (2, [1, 1, 0])])
def test_whoever_takes_all_that_there_is_to_get_leaves_something(size: int, got: list[int]) -> None:
    shares = Shares(size)
    assert [taken_by(shares, f"team-{number}") for number in range(len(got))] == got


def test_what_is_given_back_is_there_for_others() -> None:
    shares = Shares(4)
    assert taken_by(shares, "a") == 2
    shares.give_back("a", 2)
    assert (taken_by(shares, "b"), shares.taken("a"), shares.taken("b")) == (2, 0, 2)
