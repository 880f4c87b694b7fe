"""Which customers do we have, and who looks after each?

Accounts can be as many as a hundred thousand and more, and a decision needs one of them. So they are kept as columns,
about twelve bytes and the name each, and become an `Account` when somebody asks. Most accounts share their manager,
desk and deputies with many others: each such combination is kept once.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from router.routing.model import Account

_Care = tuple[int | None, int | None, int, tuple[int, ...]]  # manager, desk, priority, deputies in order

_END = b"\0"  # after each name; no database lets a name contain it


@dataclass(frozen=True, slots=True, eq=False)
class Accounts:
    """All accounts by id; ids are in ascending order. Never changed: a change copies the columns."""

    _ids: "array[int]"
    _care_at: "array[int]"
    _name_at: "array[int]"
    _cares: tuple[_Care, ...]
    _names: bytes

    @classmethod
    def build(cls, accounts: Iterable[Account]) -> "Accounts":
        """Keep these accounts, in any order. Raises OverflowError for an id beyond 32 bits."""
        builder = AccountsBuilder()
        for account in accounts:
            builder.add(
                account.id, account.name, account.manager, account.desk, account.priority, deputies=account.deputies
            )
        return builder.finish()

    def get(self, account_id: int) -> Account | None:
        """The account, or None when there is none of this id."""
        at = bisect_left(self._ids, account_id)
        if at == len(self._ids) or self._ids[at] != account_id:
            return None
        return self._account_at(at)

    def with_account(self, account: Account) -> "Accounts":
        """Another store that has this account in place of the one with its id."""
        ids, care_at, name_at = self._ids[:], self._care_at[:], self._name_at[:]
        care = (account.manager, account.desk, account.priority, account.deputies)
        cares = self._cares if care in self._cares else (*self._cares, care)
        at = bisect_left(ids, account.id)
        if at < len(ids) and ids[at] == account.id:
            if self._name_of(at) != account.name:
                name_at[at] = len(self._names)
            care_at[at] = cares.index(care)
        else:
            ids.insert(at, account.id)
            care_at.insert(at, cares.index(care))
            name_at.insert(at, len(self._names))
        # A former name stays behind unread until the next full build: a few bytes for each change of a name.
        names = self._names + _packed(account.name) if name_at[at] == len(self._names) else self._names
        return Accounts(ids, care_at, name_at, cares, names)

    def without_account(self, account_id: int) -> "Accounts":
        """Another store that lacks this account; unknown ids are passed over."""
        at = bisect_left(self._ids, account_id)
        if at == len(self._ids) or self._ids[at] != account_id:
            return self
        ids, care_at, name_at = self._ids[:], self._care_at[:], self._name_at[:]
        del ids[at], care_at[at], name_at[at]
        return Accounts(ids, care_at, name_at, self._cares, self._names)

    def cared_for_alike(self) -> Iterator[list[int]]:
        """The ids of the accounts in groups of the same manager, desk, priority and deputies."""
        groups: dict[int, list[int]] = {}
        for account_id, care_at in zip(self._ids, self._care_at, strict=True):
            groups.setdefault(care_at, []).append(account_id)
        return iter(groups.values())

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Account]:
        return (self._account_at(at) for at in range(len(self._ids)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Accounts)
            and self._ids == other._ids
            and all(a == b for a, b in zip(self, other, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]  # like every collection

    @property
    def size(self) -> int:
        """How many bytes the columns and names hold."""
        return sum(a.itemsize * len(a) for a in (self._ids, self._care_at, self._name_at)) + len(self._names)

    def _account_at(self, at: int) -> Account:
        manager, desk, priority, deputies = self._cares[self._care_at[at]]
        return Account(
            id=self._ids[at],
            name=self._name_of(at),
            manager=manager,
            desk=desk,
            priority=priority,
            deputies=deputies,
        )

    def _name_of(self, at: int) -> str:
        start = self._name_at[at]
        return self._names[start : self._names.index(_END, start)].decode("utf-8", "replace")


class AccountsBuilder:
    """Collects accounts one by one, so that a loop that also has calls to route can breathe in between.

    Add them in ascending order of their ids: then `finish` has nothing left to sort.
    """

    def __init__(self) -> None:
        self._ids = array("I")
        self._care_at = array("I")
        self._name_at = array("I")
        self._cares: dict[_Care, int] = {}
        self._names = bytearray()
        self._ascending = True

    def add(
        self,
        account_id: int,
        name: str,
        manager: int | None = None,
        desk: int | None = None,
        priority: int = 0,
        *,
        deputies: tuple[int, ...] = (),
    ) -> None:
        """Take this account; `deputies` in the order in which they stand in. Raises OverflowError beyond 32 bits."""
        self._ascending = self._ascending and (not self._ids or account_id > self._ids[-1])
        self._ids.append(account_id)
        self._care_at.append(self._cares.setdefault((manager, desk, priority, deputies), len(self._cares)))
        self._name_at.append(len(self._names))
        self._names += _packed(name)

    def finish(self) -> Accounts:
        """All accounts that were added, of two with one id the later; the builder has served its purpose then."""
        columns = self._ids, self._care_at, self._name_at
        if not self._ascending:
            latest = {account_id: at for at, account_id in enumerate(self._ids)}
            places = [latest[account_id] for account_id in sorted(latest)]
            columns = tuple(array("I", (column[at] for at in places)) for column in columns)  # type: ignore[assignment]
        return Accounts(*columns, tuple(self._cares), bytes(self._names))


def _packed(name: str) -> bytes:
    return name.replace("\0", " ").encode("utf-8", "replace") + _END
