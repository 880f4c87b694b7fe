"""Whose number is this?

Account numbers can be millions, so they are integers in sorted arrays, twelve bytes each, found by bisection. An index
is never changed: a change copies the arrays (2.3 ms for a million numbers) and inserts.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat

CallerRow = tuple[int, bool, int]
"""The number or prefix as an integer, whether it is a prefix, the account's id (both ids and numbers positive)."""

CallerPiece = tuple["array[int]", "array[int]", bool]
"""Some numbers in ascending order, the account of each, and whether they are prefixes."""

USUAL_DIGITS = 11  # of a whole number, country code included

ROWS_AT_ONCE = 5_000  # rows for one `add` between two turns of an event loop: about 1 ms of work


@dataclass(frozen=True, slots=True)
class _Column:
    """Numbers in ascending order, each once, with the account of each at the same place."""

    numbers: "array[int]"
    accounts: "array[int]"

    def account_of(self, number: int) -> int | None:
        at = bisect_left(self.numbers, number)
        if at < len(self.numbers) and self.numbers[at] == number:
            return self.accounts[at]
        return None

    def put(self, number: int, account: int) -> None:
        at = bisect_left(self.numbers, number)
        if at < len(self.numbers) and self.numbers[at] == number:
            self.accounts[at] = account
        else:
            self.numbers.insert(at, number)
            self.accounts.insert(at, account)

    def drop(self, number: int) -> None:
        at = bisect_left(self.numbers, number)
        if at < len(self.numbers) and self.numbers[at] == number:
            del self.numbers[at]
            del self.accounts[at]

    def copy(self) -> "_Column":
        return _Column(self.numbers[:], self.accounts[:])


def _empty_column() -> _Column:
    return _Column(array("Q"), array("I"))


@dataclass(frozen=True, slots=True)
class CallerIndex:
    """The account of every known number: the exact number first, then the longest prefix."""

    _exact: _Column
    _prefixes: _Column
    _prefix_lengths: tuple[int, ...]  # in digits, longest first: only these have to be tried

    @classmethod
    def build(cls, rows: Iterable[CallerRow]) -> "CallerIndex":
        """Index these rows, in any order; of two rows for one number the later counts.

        Raises OverflowError for a negative number or one beyond 64 bits, and for an account id beyond 32.
        """
        builder = CallerIndexBuilder()
        builder.add(rows)
        return builder.finish()

    def account_of(self, number: int) -> int | None:
        """The id of the account that owns this number (its digits as an integer), or None."""
        account = self._exact.account_of(number)
        if account is not None or not self._prefix_lengths:
            return account
        digits = len(str(number))
        for length in self._prefix_lengths:
            if length <= digits:
                account = self._prefixes.account_of(number // 10 ** (digits - length))
                if account is not None:
                    return account
        return None

    def one_number_each(self) -> dict[int, int]:
        """For each account one number (its digits as an integer) that is its own; those without any are left out."""
        one = dict(zip(self._exact.accounts, self._exact.numbers, strict=True))
        for prefix, account in zip(self._prefixes.numbers, self._prefixes.accounts, strict=True):
            if account not in one:
                # of a prefix that is filled up some way nobody else may have a part
                filled = (int(f"{prefix}".ljust(USUAL_DIGITS, digit)) for digit in "0123456789")
                number = next((number for number in filled if self.account_of(number) == account), None)
                if number is not None:
                    one[account] = number
        return one

    def with_numbers(self, rows: Iterable[CallerRow]) -> "CallerIndex":
        """Another index that has these rows as well. For a few rows: a hundred take 40 ms in a million."""
        exact, prefixes = self._exact.copy(), self._prefixes.copy()
        for number, is_prefix, account in rows:
            (prefixes if is_prefix else exact).put(number, account)
        return _index_of(exact, prefixes)

    def without_numbers(self, rows: Iterable[tuple[int, bool]]) -> "CallerIndex":
        """Another index that lacks these numbers (each with whether it is a prefix); unknown ones are passed over."""
        exact, prefixes = self._exact.copy(), self._prefixes.copy()
        for number, is_prefix in rows:
            (prefixes if is_prefix else exact).drop(number)
        return _index_of(exact, prefixes)

    def pieces(self, size: int) -> Iterator[CallerPiece]:
        """All of it in pieces of at most so many numbers, to be put together again by a builder elsewhere."""
        for column, are_prefixes in ((self._exact, False), (self._prefixes, True)):
            for at in range(0, len(column.numbers), size):
                yield column.numbers[at : at + size], column.accounts[at : at + size], are_prefixes

    def with_number(self, number: int, is_prefix: bool, account: int) -> "CallerIndex":
        """Another index where this number or prefix belongs to this account."""
        return self.with_numbers([(number, is_prefix, account)])

    def without_number(self, number: int, is_prefix: bool) -> "CallerIndex":
        """Another index that doesn't know this number or prefix."""
        return self.without_numbers([(number, is_prefix)])

    def __len__(self) -> int:
        return len(self._exact.numbers) + len(self._prefixes.numbers)

    @property
    def size(self) -> int:
        """How many bytes the arrays hold."""
        columns = (self._exact, self._prefixes)
        return sum(a.itemsize * len(a) for column in columns for a in (column.numbers, column.accounts))


class CallerIndexBuilder:
    """Collects rows in chunks, so that a loop that also has calls to route can breathe in between.

    Ask the database for them `ORDER BY number, is_prefix`: then `finish` has nothing left to do. Rows in any other
    order are sorted by `finish` in one go, which takes about a second for a million.
    """

    def __init__(self) -> None:
        self._exact = _empty_column()
        self._prefixes = _empty_column()
        self._ascending = True
        self._last = {False: -1, True: -1}

    def add(self, rows: Iterable[CallerRow]) -> None:
        """Take these rows. Raises OverflowError as `CallerIndex.build` does."""
        # One tight loop over local names: a million rows pass through here at every start.
        add_number, add_account = self._exact.numbers.append, self._exact.accounts.append
        last_exact, last_prefix, ascending = self._last[False], self._last[True], self._ascending
        for number, is_prefix, account in rows:
            if is_prefix:
                self._prefixes.numbers.append(number)
                self._prefixes.accounts.append(account)
                ascending = ascending and number > last_prefix
                last_prefix = number
            else:
                add_number(number)
                add_account(account)
                if number <= last_exact:
                    ascending = False
                last_exact = number
        self._last = {False: last_exact, True: last_prefix}
        self._ascending = ascending

    def add_piece(self, piece: CallerPiece) -> None:
        """Take a piece of another index."""
        numbers, accounts, are_prefixes = piece
        self.add(zip(numbers, repeat(are_prefixes), accounts, strict=False))

    def finish(self) -> CallerIndex:
        """The index of all rows that were added; the builder has served its purpose then."""
        exact, prefixes = self._exact, self._prefixes
        if not self._ascending:
            exact, prefixes = _sorted(exact), _sorted(prefixes)
        return _index_of(exact, prefixes)


def _sorted(column: _Column) -> _Column:
    latest = dict(zip(column.numbers, column.accounts, strict=True))
    numbers = array("Q", sorted(latest))
    return _Column(numbers, array("I", (latest[number] for number in numbers)))


def _index_of(exact: _Column, prefixes: _Column) -> CallerIndex:
    lengths = tuple(length for length in range(20, 0, -1) if _has_number_of(prefixes.numbers, length))
    return CallerIndex(exact, prefixes, lengths)


def _has_number_of(numbers: "array[int]", digits: int) -> bool:
    at = bisect_left(numbers, 10 ** (digits - 1))
    return at < len(numbers) and numbers[at] < 10**digits
