"""Can what was written be so, with all that is there already?"""

from collections.abc import Iterable, Sequence

import phonenumbers

from router.changes.faults import FieldFault, Invalid, Taken
from router.changes.fields import Fields
from router.changes.nouns import OF_NOUN, Declared
from router.changes.people import DeskFields, PersonFields
from router.changes.showing import numbers_from
from router.routing.configuration import Entity, Noun
from router.storage.database import Transaction
from router.storage.kept import Kept, missing
from router.storage.ties import clashes, holders_of_aliases, holders_of_numbers

# What costs the caller of it extra: nobody is to be rung there, whatever the prefixes allow.
_COSTLY = frozenset({phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST})


async def check_fields(
    look: Transaction, declared: Declared, fields: Fields, current: Kept | None, allowed_prefixes: Sequence[str]
) -> None:
    """What doesn't go together, refers to nothing, or must not be called. Raises Invalid with all of it."""
    faults = faults_alone(fields, current, allowed_prefixes)
    faults += await _unknown(look, declared, fields)
    if faults:
        raise Invalid(faults)


def faults_alone(fields: Fields, current: Kept | None, allowed_prefixes: Sequence[str]) -> list[FieldFault]:
    """What doesn't go together or must not be called, as far as the object alone tells."""
    faults = [FieldFault(pointer=at, sentence=sentence) for at, sentence in fields.wrong()]
    return [*faults, *_to_itself(fields, current), *_not_to_be_called(fields, current, allowed_prefixes)]


async def check_taken(look: Transaction, declared: Declared, fields: Fields, entity: Entity) -> None:
    """What somebody else has and only one may have. Raises Taken with all of it."""
    faults = []
    for clash in await clashes(look, entity, fields.ref):
        *_, field = clash.columns
        at, what = f"/{declared.written(field)}", getattr(entity, field, fields.ref)
        if clash.part is not None and isinstance(fields, PersonFields):
            what = getattr(entity.phones[clash.part], field)  # type: ignore[union-attr]
            place = next(place for place, phone in enumerate(fields.phones) if getattr(phone, field) == what)
            at = f"/phones/{place}/{field}"
        holder = f"{declared.plural}/{clash.holder}"
        faults.append(FieldFault(pointer=at, sentence=f"{field} {what!r} is that of {holder} already: take another"))
    faults += await _taken_numbers(look, declared, fields, entity.id)
    if faults:
        raise Taken(faults)


async def _unknown(look: Transaction, declared: Declared, fields: Fields) -> Iterable[FieldFault]:
    faults = []
    for reference in declared.references:
        value = getattr(fields, reference.field)
        ids = list(value) if reference.several else [value] if value is not None else []
        gone = await missing(look, reference.to, ids) if ids else set()
        there = OF_NOUN[reference.to].plural
        for place, identity in enumerate(ids):
            if identity in gone:
                at = f"/{reference.written}/{place}" if reference.several else f"/{reference.written}"
                sentence = f"there is no {reference.to.value} {identity}: GET /api/v1/{there} lists them"
                faults.append(FieldFault(pointer=at, sentence=sentence))
    return faults


def _to_itself(fields: Fields, current: Kept | None) -> Iterable[FieldFault]:
    if isinstance(fields, DeskFields) and current is not None:
        for field in ("next_desk", "duty_desk"):
            if getattr(fields, field) == current.entity.id:
                yield FieldFault(pointer=f"/{field}_id", sentence="a desk can't follow itself: name another, or none")


def _not_to_be_called(fields: Fields, current: Kept | None, allowed: Sequence[str]) -> Iterable[FieldFault]:
    match fields:
        case PersonFields(phones=phones):
            wanted = [(f"/phones/{place}/number", phone.number) for place, phone in enumerate(phones)]
            had = {phone.number for phone in getattr(current.entity, "phones", ())} if current else set()
        case DeskFields(last_resort=number):
            wanted = [("/last_resort", number)]
            had = {getattr(current.entity, "last_resort", None)} if current else set()
        case _:
            return
    for at, number in wanted:
        if number is None or number in had:
            continue  # what is there stays, also when the setting has changed since
        if not number.startswith(tuple(allowed)):
            how = f"they begin with {', '.join(allowed)}" if allowed else "none may be"
            yield FieldFault(
                pointer=at,
                sentence=f"only external numbers that ROUTER_EXTERNAL_PREFIXES allows are called ({how}): add it there",
            )
        elif phonenumbers.number_type(phonenumbers.parse(number)) in _COSTLY:
            yield FieldFault(pointer=at, sentence="this is a premium number: give one that costs nothing extra to call")


async def _taken_numbers(look: Transaction, declared: Declared, fields: Fields, own: int) -> Iterable[FieldFault]:
    match declared.noun:
        case Noun.ACCOUNT:
            numbers = getattr(fields, "numbers", ())
            keys = numbers_from(numbers)
            holders = await holders_of_numbers(look, keys)
            held = [(place, numbers[place], holders.get(key)) for place, key in enumerate(keys)]
            field = "numbers"
        case Noun.LINE:
            aliases = getattr(fields, "aliases", ())
            of_alias = await holders_of_aliases(look, aliases)
            held = [(place, alias, of_alias.get(alias)) for place, alias in enumerate(aliases)]
            field = "aliases"
        case _:
            return ()
    return [
        FieldFault(
            pointer=f"/{field}/{place}",
            sentence=f"{value} is {declared.plural}/{holder}'s already: take it from there first",
        )
        for place, value, holder in held
        if holder is not None and holder != own
    ]
