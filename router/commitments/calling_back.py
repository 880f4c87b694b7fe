"""Who calls whom back, on which phones, and which number does the customer see?"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import phonenumbers

from router.commitments.commitment import Commitment
from router.commitments.facts import facts_of
from router.routing.model import LineKind, Person, Phone
from router.routing.reach import ring_seconds, usable_phones, why_absent
from router.routing.table import Table

E164 = re.compile(r"\+[1-9][0-9]{4,14}")
COSTLY = frozenset({phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST})


class Became(StrEnum):
    """What became of an attempt to call back.

    talked: with the customer, however briefly · customer_not_reached, owner_not_reached: an attempt that counts
    · not_placed: no phone rang · lost: nobody knows, since the PBX died meanwhile.
    """

    TALKED = "talked"
    CUSTOMER_NOT_REACHED = "customer_not_reached"
    OWNER_NOT_REACHED = "owner_not_reached"
    NOT_PLACED = "not_placed"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """These phones of this person ring for `seconds`, then `number` does, where `shown` is seen."""

    person: int
    name: str
    phones: tuple[Phone, ...]
    seconds: int
    number: str
    shown: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPossible:
    """Nobody can be called; the sentence says why, and what to do."""

    sentence: str


def calling(commitment: Commitment, by: int | None, table: Table, now: datetime) -> Calling | NotPossible:
    """What calling back means for this commitment: by this person, else by who owns it. Raises nothing."""
    if commitment.over:
        return NotPossible(sentence=f"commitment {commitment.id} is {commitment.state.value} already")
    person = _person(commitment, by, table)
    if person is None:
        return NotPossible(
            sentence=f"commitment {commitment.id} belongs to a desk: say who calls back (--by, or person_id)"
        )
    if why_absent(person, now) is not None:
        return NotPossible(sentence=f"{person.name} is away or has left: somebody who is here has to call back")
    phones = usable_phones(person, table.external_prefixes)
    if not phones:
        return NotPossible(sentence=f"{person.name} has no phone that may be rung: give them one")
    if sentence := _not_to_be_called(commitment.caller, table):
        return NotPossible(sentence=sentence)
    shown = line_shown(commitment, table)
    if shown is None:
        return NotPossible(sentence="the company has no business line, whose number could be shown: add one")
    return Calling(
        person=person.id,
        name=person.name,
        phones=phones,
        seconds=ring_seconds(phones),
        number=commitment.caller,
        shown=shown,
        display=f"Call back {facts_of(commitment, table).who}",
    )


def line_shown(commitment: Commitment, table: Table) -> str | None:
    """The number that the customer sees: the business line that they called, else the company's first business line.

    Never a salesperson's own line, never a private number; None where there is no business line. Raises nothing.
    """
    business = [line for line in table.lines.values() if line.kind is LineKind.BUSINESS and E164.fullmatch(line.number)]
    business.sort(key=lambda line: (line.id != commitment.line, line.id))
    return business[0].number if business else None


def _person(commitment: Commitment, by: int | None, table: Table) -> Person | None:
    wanted = commitment.owner if by is None else by
    return None if wanted is None else table.people.get(wanted)


def _not_to_be_called(number: str, table: Table) -> str | None:
    if not number:
        return "the caller withheld the number, so nobody can call it: say with `tried` or `void` what was done"
    if not E164.fullmatch(number):
        return f"{number} is no number that can be called: it needs a plus and the country code"
    if table.line_for(number) is not None:
        return f"{number} is one of our own lines"
    if not number.startswith(table.external_prefixes):
        allowed = ", ".join(table.external_prefixes) or "nothing"
        return f"{number} may not be called: ROUTER_EXTERNAL_PREFIXES allows {allowed}"
    if phonenumbers.number_type(phonenumbers.parse(number)) in COSTLY:
        return f"{number} is a premium number, which is never called"
    return None
