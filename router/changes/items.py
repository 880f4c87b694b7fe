"""What does an item of a list of changes mean, now that those before it are made?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from router.changes.faults import ChangeRefused, FieldFault, Invalid, Taken, Unknown
from router.changes.nouns import OF_NOUN, Declared, Reference
from router.changes.showing import read_fields
from router.changes.wishes import Amend, Create, Item, Remove, Replace, Verb
from router.storage.database import Transaction
from router.storage.kept import kept_by_ref


async def meant(look: Transaction, item: Item) -> Create | Amend | Replace | Remove:
    """The wish. Raises Invalid, Unknown, with pointers into the item's body."""
    declared = item.declared
    match item.verb:
        case Verb.MAKE:
            body = await _with_ids(look, declared, item.body)
            return Create(declared=declared, fields=read_fields(declared, {"ref": item.ref, **body}))
        case Verb.REPLACE:
            fields = read_fields(declared, await _with_ids(look, declared, item.body))
            return Replace(declared=declared, ref=item.ref or "", fields=fields, only_if=item.only_if)
        case Verb.MERGE:
            patch = await _with_ids(look, declared, item.body)
            return Amend(declared=declared, id=await _which(look, item), patch=patch, only_if=item.only_if)
        case Verb.REMOVE:
            return Remove(declared=declared, id=await _which(look, item), only_if=item.only_if)


def placed(fault: ChangeRefused, item: Item) -> ChangeRefused:
    """The same fault, saying of which item it is."""
    match fault:
        case Invalid(faults=faults) | Taken(faults=faults):
            return type(fault)([replace(one, pointer=f"{item.at}/body{one.pointer}") for one in faults])
        case _:
            fault.at = item.at
            return fault


async def _which(look: Transaction, item: Item) -> int:
    if item.id is not None:
        return item.id
    kept = await kept_by_ref(look, item.declared.noun, item.ref or "")
    if kept is None:
        raise Unknown(_nothing(item.declared, item.ref or ""))
    return kept.entity.id


async def _with_ids(look: Transaction, declared: Declared, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with an id wherever an object is named by its reference."""
    found, faults = dict(body), list[FieldFault]()
    for reference in declared.references:
        value = body.get(reference.written)
        several = reference.several and isinstance(value, list)
        ids = []
        for place, one in enumerate(value if several else [value]):  # type: ignore[arg-type]
            if not (isinstance(one, Mapping) and one.keys() == {"ref"} and isinstance(one["ref"], str)):
                ids.append(one)  # an id, or something that is refused as none
                continue
            kept = await kept_by_ref(look, reference.to, one["ref"])
            if kept is None:
                faults.append(_unknown(reference, place if several else None, one["ref"]))
            ids.append(None if kept is None else kept.entity.id)
        if reference.written in body:
            found[reference.written] = ids if several else ids[0]
    if faults:
        raise Invalid(faults)
    return found


def _unknown(reference: Reference, place: int | None, ref: str) -> FieldFault:
    at = f"/{reference.written}" if place is None else f"/{reference.written}/{place}"
    return FieldFault(pointer=at, sentence=_nothing(OF_NOUN[reference.to], ref))


def _nothing(declared: Declared, ref: str) -> str:
    return f"no {declared.noun.value} has the reference {ref!r}, nor does one that was made before in this list"
