"""Does an account come back as it was put in?"""

from hypothesis import given
from hypothesis import strategies as st

from router.routing.accounts import Accounts
from router.routing.model import Account

accounts = st.builds(
    Account,
    id=st.integers(1, 12),
    name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    manager=st.none() | st.integers(1, 4),
    desk=st.none() | st.integers(1, 4),
    priority=st.integers(-2, 2),
    deputies=st.lists(st.integers(1, 4), max_size=3).map(tuple),
)


@given(st.lists(accounts))
def test_the_last_account_of_each_id_comes_back_whole(put: list[Account]) -> None:
    kept = Accounts.build(put)

    assert list(kept) == [account for _, account in sorted({account.id: account for account in put}.items())]
    assert all(kept.get(account.id) == account for account in kept)


@given(st.lists(accounts), st.lists(accounts, max_size=4))
def test_changing_accounts_is_the_same_as_building_with_them(before: list[Account], changed: list[Account]) -> None:
    after = Accounts.build(before)
    for account in changed:
        after = after.with_account(account)

    assert after == Accounts.build(before + changed)


@given(st.lists(accounts), st.integers(1, 12))
def test_an_account_that_was_removed_is_gone_and_the_others_stay(before: list[Account], gone: int) -> None:
    after = Accounts.build(before).without_account(gone)

    assert after == Accounts.build([account for account in before if account.id != gone])
    assert after.get(gone) is None


def test_a_change_leaves_the_former_accounts_as_they_were() -> None:
    before = Accounts.build([Account(id=1, name="Muster GmbH")])

    before.with_account(Account(id=1, name="Muster AG"))

    assert before.get(1) == Account(id=1, name="Muster GmbH")


def test_accounts_that_share_who_looks_after_them_take_little_more_than_their_names() -> None:
    alike = Accounts.build(Account(id=n, name="ten bytes!", manager=n % 7, deputies=(1, 2)) for n in range(1000))

    assert alike.size == 1000 * (12 + 11)
