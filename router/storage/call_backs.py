"""Which customers are being called back, how far has it come, and what became of it?

Of one commitment one call-back is under way at most: the database refuses the second. What ended is never changed
again, so the same end, told live and once more by the journal, counts once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

import structlog
from sqlalchemy import Row, select, update

from router.calls.calling_back import CallBackEnded, CallBackNews, Failed, What
from router.commitments.calling_back import Became, Calling
from router.commitments.commitment import Commitment, Party, State
from router.commitments.events import Talked, Tried
from router.commitments.facts import facts_of, person_name
from router.commitments.ledger import Changed
from router.routing.table import Table
from router.storage.call_schema import OrderKind, OrderState, orders
from router.storage.commitments import Keeper, commitment_of
from router.storage.database import Conflict, Database, Transaction
from router.storage.orders import write_down
from router.storage.owed_schema import UNDER_WAY, call_backs

ATTEMPTS_AT_MOST = 200  # of one commitment in one answer; whoever tried more often wants the latest

# Why the customer was not reached, as the end of "…, but the customer's phone ".
IN_WORDS = {
    Failed.BUSY: "was busy",
    Failed.NO_ANSWER: "was not answered",
    Failed.CANCELLED: "was let go before it was answered",
    Failed.UNREACHABLE: "could not be reached",
    Failed.CONGESTED: "could not be reached",
    Failed.FORBIDDEN: "may not be called by the PBX: [router-outside] has no pattern for it",
    Failed.CAPPED: "was not called: too many calls to the outside at once",
}
NOBODY_RANG = frozenset({Failed.FORBIDDEN, Failed.CAPPED})

log = structlog.get_logger()


class CalledAlready(Conflict):
    """The same commitment is being called back already; the message says by which order."""

    def __init__(self, commitment: int, order: int) -> None:
        super().__init__(f"commitment {commitment} is being called back already: see call-back {order}")
        self.order = order


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call-back: who was asked to call whom, how far it came, and what became of it (None while it is under way).

    `id` is that of the order which asked for it. `number` and `shown` are "" and `call_id` None until it is known who
    is called. Instants are None for what never happened. `sentence` says what became of it.
    """

    id: int
    commitment: int
    pbx: str
    call_id: str | None
    person: int | None
    phone: str | None
    number: str
    shown: str
    asked_by: str
    asked_at: datetime
    placed_at: datetime | None
    taken_at: datetime | None
    called_at: datetime | None
    talked_at: datetime | None
    ended_at: datetime | None
    became: Became | None
    sentence: str


async def ask_call_back(
    db: Database, pbx: str, commitment: int, person: int | None, *, asked_by: str, now: datetime
) -> int:
    """Ask for a call-back by this person (None: by the owner), and return the order's number.

    Raises CalledAlready, NoSuchCommitment and other StorageErrors.
    """
    async with db.writing() as work:
        await commitment_of(work, commitment)
        await _let_go_of_the_unheard(work, commitment, now)
        payload = {"commitment": commitment, "person": person}
        order = await write_down(work, pbx, OrderKind.CALL_BACK, payload, asked_by=asked_by, now=now)
        row = {
            "id": order,
            "commitment": commitment,
            "pbx": pbx,
            "person": person,
            "number": "",
            "shown": "",
            "asked_by": asked_by,
            "asked_at": now,
            "sentence": "",
        }
        unless = {"index_elements": ["commitment"], "index_where": UNDER_WAY}
        fresh = work.insert(call_backs).on_conflict_do_nothing(**unless).values(**row).returning(call_backs.c.id)
        if (await work.run(fresh)).scalar() is None:
            raise CalledAlready(commitment, await _under_way(work, commitment))
    return order


async def attempt_of(db: Database, order: int) -> Attempt | None:
    """The call-back that this order asked for, None when it asked for none. Raises StorageError."""
    async with db.reading() as look:
        return await attempt_in(look, order)


async def attempt_in(look: Transaction, order: int) -> Attempt | None:
    """The same, within a transaction. Raises StorageError."""
    return await _one(look, call_backs.c.id == order)


async def attempts_of(db: Database, commitment: int) -> tuple[Attempt, ...]:
    """What was tried for this commitment, the latest first. Raises NoSuchCommitment and other StorageErrors."""
    query = select(call_backs).where(call_backs.c.commitment == commitment).order_by(call_backs.c.id.desc())
    async with db.reading() as look:
        await commitment_of(look, commitment)
        return tuple([await _attempt(look, row) for row in await look.rows(query.limit(ATTEMPTS_AT_MOST))])


async def under_way(look: Transaction, pbx: str) -> tuple[Attempt, ...]:
    """The call-backs of this PBX that a router has taken and that have no end yet. Raises StorageError."""
    taken = select(call_backs).join(orders, orders.c.id == call_backs.c.id).where(orders.c.state == OrderState.TAKEN)
    rows = await look.rows(taken.where(call_backs.c.pbx == pbx, UNDER_WAY))
    return tuple([Attempt(**row._mapping) for row in rows])


async def place(work: Transaction, order: int, call_id: str, calling: Calling, now: datetime) -> bool:
    """Before the PBX is asked: under which id, who calls whom. False when it is over already. Raises StorageError."""
    values = {
        "call_id": call_id,
        "person": calling.person,
        "number": calling.number,
        "shown": calling.shown,
        "placed_at": now,
    }
    placed = await work.run(update(call_backs).where(call_backs.c.id == order, UNDER_WAY).values(values))
    return bool(placed.rowcount)


async def note(work: Transaction, news: CallBackNews) -> int | None:
    """How far it has come; its order's number, or None of one that is over, or unknown. Raises StorageError."""
    this = (call_backs.c.call_id == news.call_id, UNDER_WAY)
    match news.what:
        case What.BEGUN:
            values: dict[str, Any] = {}
        case What.TAKEN:
            values = {"taken_at": news.at, "phone": news.phone}
        case What.CALLS:
            values = {"called_at": news.at}
        case What.TALKS:
            values = {"talked_at": news.at}
        case _:
            assert_never(news.what)
    if values:
        await work.run(update(call_backs).where(*this).values(values))
    rows = await work.rows(select(call_backs.c.id).where(*this))
    return int(rows[0].id) if rows else None


async def end(work: Transaction, ended: CallBackEnded, keeper: Keeper, table: Table) -> Attempt | None:
    """What it means that a call-back ended, for what we owe as well; None when that counts already.

    Raises StorageError.
    """
    attempt = await _one(work, call_backs.c.call_id == ended.call_id)
    if attempt is None or attempt.ended_at is not None:
        return None
    became = _became(ended)
    commitment = await commitment_of(work, attempt.commitment)
    kept, again = False, False
    if became is Became.TALKED and ended.talked_at is not None:
        party = Party(account=commitment.account, caller=commitment.caller, line=commitment.line)
        talked = Talked(call_id=ended.call_id, party=party, began_at=ended.talked_at, at=ended.at)
        kept = isinstance(await keeper.happen(work, attempt.commitment, talked, table), Changed)
    elif became in (Became.CUSTOMER_NOT_REACHED, Became.OWNER_NOT_REACHED):
        again = isinstance(await keeper.happen(work, attempt.commitment, Tried(at=ended.at), table), Changed)
    sentence = _sentence(ended, became, commitment, attempt, table, kept=kept, again=again)
    values = {
        "phone": ended.phone,
        "taken_at": ended.taken_at,
        "called_at": ended.called_at,
        "talked_at": ended.talked_at,
    }
    return await _close(work, attempt.id, became, sentence, ended.at, values)


async def give_up(work: Transaction, order: int, became: Became, sentence: str, now: datetime) -> Attempt | None:
    """It is over without an end that the PBX told; None when it was over already. Raises StorageError."""
    return await _close(work, order, became, sentence, now, {})


async def _close(
    work: Transaction, order: int, became: Became, sentence: str, now: datetime, values: dict[str, Any]
) -> Attempt | None:
    over = {**values, "ended_at": now, "became": became, "sentence": sentence}
    closed = await work.run(update(call_backs).where(call_backs.c.id == order, UNDER_WAY).values(over))
    if not closed.rowcount:
        return None
    log.info("call-back over", order=order, became=became.value)
    return await _one(work, call_backs.c.id == order)


async def _let_go_of_the_unheard(work: Transaction, commitment: int, now: datetime) -> None:
    """One that no router took in time is over: its order expired, or will as soon as somebody looks."""
    for row in await work.rows(_standing(commitment)):
        unheard = row.state == OrderState.ASKED and row.expires_at <= now
        if unheard or row.state == OrderState.EXPIRED:
            await _close(work, row.id, Became.NOT_PLACED, UNHEARD, now, {})


UNHEARD = "no router that speaks for the PBX took it in time: is one up?"


async def _under_way(look: Transaction, commitment: int) -> int:
    rows = await look.rows(_standing(commitment))
    return int(rows[0].id)


def _standing(commitment: int) -> Any:
    both = select(call_backs.c.id, orders.c.state, orders.c.expires_at).join(orders, orders.c.id == call_backs.c.id)
    return both.where(call_backs.c.commitment == commitment, UNDER_WAY)


async def _one(look: Transaction, which: Any) -> Attempt | None:
    rows = await look.rows(select(call_backs).where(which))
    return await _attempt(look, rows[0]) if rows else None


async def _attempt(look: Transaction, row: Row[Any]) -> Attempt:
    """As it stands, also where nobody has written down yet that its order came to nothing."""
    attempt = Attempt(**row._mapping)
    if attempt.ended_at is None and attempt.placed_at is None:
        (order,) = await look.rows(select(orders.c.state, orders.c.expires_at).where(orders.c.id == attempt.id))
        if order.state == OrderState.EXPIRED:
            fields = {**row._mapping, "ended_at": order.expires_at, "became": Became.NOT_PLACED, "sentence": UNHEARD}
            return Attempt(**fields)
    return attempt


def _became(ended: CallBackEnded) -> Became:
    if ended.talked_at is not None:
        return Became.TALKED
    if ended.taken_at is None:
        return Became.OWNER_NOT_REACHED
    return Became.NOT_PLACED if ended.failed in NOBODY_RANG else Became.CUSTOMER_NOT_REACHED


def _sentence(
    ended: CallBackEnded,
    became: Became,
    commitment: Commitment,
    attempt: Attempt,
    table: Table,
    *,
    kept: bool,
    again: bool,
) -> str:
    who = "nobody" if attempt.person is None else person_name(attempt.person, table)
    customer = facts_of(commitment, table).who
    match became:
        case Became.TALKED:
            seconds = int((ended.at - (ended.talked_at or ended.at)).total_seconds())
            then = f"so commitment {commitment.id} is kept"
            if not kept and commitment.over:
                then = f"and commitment {commitment.id} was {commitment.state.value} already"
            elif not kept:
                then = f"which is too short to keep commitment {commitment.id}"
            return f"{who} talked to {customer} for {seconds} s, {then}"
        case Became.OWNER_NOT_REACHED:
            told = f"{who} didn't take it, so {customer} was not called"
        case _:
            why = IN_WORDS.get(ended.failed, "was not reached") if ended.failed else "was not answered"
            told = f"{who} had it, but the customer's phone {why}"
    if not again or commitment.state not in (State.OPEN, State.CLAIMED):
        return told
    return f"{told}; that is attempt {commitment.attempts + 1}, and the next is planned"
