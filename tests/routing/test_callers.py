"""Is every number found, exactly before by its longest prefix?"""

from hypothesis import given
from hypothesis import strategies as st

from router.routing.callers import CallerIndex, CallerIndexBuilder, CallerRow

numbers = st.integers(1, 3000)
rows = st.lists(st.tuples(numbers, st.booleans(), st.integers(1, 5)))


def by_looking_at_each(rows: list[CallerRow], number: int) -> int | None:
    """What the index should say, found the slow way."""
    exact = {n: account for n, is_prefix, account in rows if not is_prefix}
    prefixes = {str(n): account for n, is_prefix, account in rows if is_prefix}
    if number in exact:
        return exact[number]
    fitting = [prefix for prefix in prefixes if str(number).startswith(prefix)]
    return prefixes[max(fitting, key=len)] if fitting else None


def test_the_exact_number_comes_before_any_prefix() -> None:
    index = CallerIndex.build([(4930123, False, 1), (4930, True, 2), (4930123, True, 3)])

    assert index.account_of(4930123) == 1


def test_the_longest_prefix_comes_first() -> None:
    index = CallerIndex.build([(49, True, 1), (493012, True, 3), (4930, True, 2)])

    assert [index.account_of(n) for n in (4930123, 4930999, 4940000, 41000)] == [3, 2, 1, None]


@given(rows, numbers)
def test_the_index_agrees_with_looking_at_each_row(rows: list[CallerRow], number: int) -> None:
    assert CallerIndex.build(rows).account_of(number) == by_looking_at_each(rows, number)


@given(st.lists(rows))
def test_rows_in_chunks_make_the_same_index_as_all_at_once(chunks: list[list[CallerRow]]) -> None:
    builder = CallerIndexBuilder()
    for chunk in chunks:
        builder.add(chunk)

    assert builder.finish() == CallerIndex.build([row for chunk in chunks for row in chunk])


@given(rows, rows)
def test_adding_rows_makes_the_same_index_as_building_with_them(
    before: list[CallerRow], added: list[CallerRow]
) -> None:
    assert CallerIndex.build(before).with_numbers(added) == CallerIndex.build(before + added)


@given(rows, st.lists(st.tuples(numbers, st.booleans())))
def test_removing_numbers_makes_the_same_index_as_building_without(
    before: list[CallerRow], gone: list[tuple[int, bool]]
) -> None:
    left = [row for row in before if row[:2] not in gone]

    assert CallerIndex.build(before).without_numbers(gone) == CallerIndex.build(left)


def test_a_change_leaves_the_former_index_as_it_was() -> None:
    before = CallerIndex.build([(4930123, False, 1)])

    after = before.with_number(4930123, False, 2).without_number(4930999, True)

    assert (before.account_of(4930123), after.account_of(4930123)) == (1, 2)


def test_a_million_numbers_take_twelve_megabytes() -> None:
    index = CallerIndex.build((n, False, 1) for n in range(49_000_000, 50_000_000))

    assert (len(index), index.size) == (1_000_000, 12_000_000)
