"""Who hears that somebody has left, and that nobody was found for something that came in meanwhile?

Their leaving was agreed to when everything had a successor; what named them since is told to those who can see to it.
"""

from collections.abc import Sequence
from datetime import datetime

from router.commitments.owner import lead_of, members_here
from router.routing.model import Person
from router.routing.table import Table
from router.storage import outbox
from router.storage.database import Transaction
from router.storage.notices import tell
from router.storage.told_schema import About, Kind


async def tell_left_behind(
    rows: Transaction,
    left: Person,
    behind: Sequence[str],
    desks: Sequence[int],
    table: Table,
    now: datetime,
    *,
    mails: bool,
) -> None:
    """Tell the leads of these desks, in which they sat, else the safety net's, else whoever is there; and the outside.

    `behind` is each thing in words; with none nobody is told. Raises StorageError.
    """
    if not behind:
        return
    payload = {"person_id": left.id, "person": left.name, "left_behind": list(behind)}
    nothing = {"call": None, "nth": None, "commitment": None}
    row = {"at": now, "about": About.PERSON, "kind": Kind.LEFT_BEHIND, "payload": payload, **nothing}
    (notice,) = await tell(rows, [row])
    if not mails:
        return
    net = table.safety_net.id
    leads = {lead for desk in desks or (net,) if (lead := lead_of(desk, table, now)) is not None}
    told = leads or set(members_here(net, table, now))
    await outbox.put_in(rows, notice, await outbox.addresses_of(rows, told), now)
