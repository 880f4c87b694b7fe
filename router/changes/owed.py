"""What becomes of what somebody owes when they leave, and when they stay after all?"""

from collections.abc import Sequence
from datetime import datetime

from router.changes.handing_on import Place
from router.commitments.events import Claimed, HandedOver
from router.commitments.owner import Owner, present_owner
from router.routing.table import Table
from router.storage.commitments import Keeper
from router.storage.database import Transaction
from router.storage.leavings import Leaving, MovedCommitment
from router.storage.naming import OwedBy, version_of_owed


async def move(
    transaction: Transaction,
    leaver: int,
    owed: Sequence[OwedBy],
    places: Sequence[Place],
    keeper: Keeper,
    after: Table,
    now: datetime,
) -> list[MovedCommitment]:
    """Hand over what they owe to whom the places say, else to the deputy or desk behind them. Raises StorageError."""
    to = {place.id: place.to for place in places}
    moved = []
    for one in owed:
        owner = Owner(person=to.get(one.id), desk=one.desk)
        if owner.person is None:
            owner = present_owner(Owner(person=leaver, desk=one.desk), one.account, after, now)
        version = await keeper.do_in(transaction, one.id, HandedOver(to=owner, at=now), after)
        moved.append(MovedCommitment(id=one.id, version=version, person=leaver, desk=one.desk, claimed=one.claimed))
    return moved


async def move_back(transaction: Transaction, leaving: Leaving, keeper: Keeper, after: Table, now: datetime) -> None:
    """Give back what they owed, as far as nothing has become of it since. Raises StorageError."""
    for one in leaving.moved:
        if await version_of_owed(transaction, one.id) != one.version:
            continue  # it is kept, claimed or handed on by now
        await keeper.do_in(transaction, one.id, HandedOver(to=Owner(person=one.person, desk=one.desk), at=now), after)
        if one.claimed:
            await keeper.do_in(transaction, one.id, Claimed(by=one.person, at=now), after)
