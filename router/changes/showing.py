"""How is an object shown, and how does what was written become a value again?"""

from collections.abc import Mapping, Sequence
from dataclasses import fields as fields_of
from typing import Any

from pydantic import ValidationError

from router.changes.calendar import DaysFields, OpeningFields
from router.changes.faults import FieldFault, Invalid
from router.changes.fields import Fields, Part
from router.changes.nouns import Declared
from router.changes.people import PersonFields, PhoneFields
from router.changes.saying import fields_at, in_words
from router.routing.configuration import Entity
from router.routing.model import Opening, Phone, PhoneKind, SpecialDays
from router.storage.kept import Kept

GIVEN = ("id", "version", "updated_at", "slot")  # by the router; the rest of an object can be written

_PARTS: Mapping[str, tuple[type[Part], type[Any]]] = {
    "phones": (PhoneFields, Phone),
    "week": (OpeningFields, Opening),
    "days": (DaysFields, SpecialDays),
}


def shown(declared: Declared, kept: Kept) -> dict[str, Any]:
    """The object as JSON, with everything private; what may be written of it, and what the router gives."""
    given: dict[str, Any] = {"id": kept.entity.id, "version": kept.version, "updated_at": _instant(kept)}
    if hasattr(kept.entity, "slot"):
        given["slot"] = kept.entity.slot
    return given | written(declared, kept)


def written(declared: Declared, kept: Kept) -> dict[str, Any]:
    """What may be written of the object, as JSON."""
    return fields_from(declared, kept).model_dump(mode="json", by_alias=True)


def fields_from(declared: Declared, kept: Kept) -> Fields:
    """The object as it would be written; nothing is checked, since it is there."""
    found: dict[str, Any] = {}
    for name in declared.fields.model_fields:
        if name in declared.fields.beside:
            value = kept.beside[name]
            found[name] = tuple(map(_number, value)) if name == "numbers" else value
        elif name in _PARTS:
            found[name] = tuple([_as_part(_PARTS[name][0], part) for part in getattr(kept.entity, name)])
        else:
            found[name] = getattr(kept.entity, name)
    return declared.fields.model_construct(**found)


def without_private(shown_or_written: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what needs a right of its own: the numbers of people's external phones."""
    phones = shown_or_written.get("phones")
    if not phones:
        return dict(shown_or_written)
    return {**shown_or_written, "phones": [{**phone, "number": None} for phone in phones]}


def read_fields(declared: Declared, body: object) -> Fields:
    """Check what was written. Raises Invalid."""
    try:
        fields = declared.fields.model_validate(body)
    except ValidationError as fault:
        raise Invalid([_said(one, declared) for one in fault.errors()]) from None
    return fields


def _said(fault: Mapping[str, Any], declared: Declared) -> FieldFault:
    known: list[str] = []
    if fault["type"] == "extra_forbidden":
        schema = declared.fields.model_json_schema(by_alias=True)
        known = fields_at(schema, fault["loc"][:-1], schema.get("$defs", {}))
    return FieldFault(pointer=pointer(fault["loc"]), sentence=in_words(fault, known))


def merged(body: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7396: null takes away, an object is merged, everything else replaces."""
    result = dict(body)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            there = result.get(name)
            result[name] = merged(there if isinstance(there, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def keeping_private_numbers(fields: Fields, current: Kept | None) -> Fields:
    """Phones sent by their id and without a number keep theirs: whoever may not see it can still change the rest."""
    if not isinstance(fields, PersonFields) or current is None:
        return fields
    known = {phone.id: phone.number for phone in getattr(current.entity, "phones", ())}
    phones = tuple(
        phone.model_copy(update={"number": known.get(phone.id)})
        if phone.id is not None and phone.kind is PhoneKind.EXTERNAL and phone.number is None
        else phone
        for phone in fields.phones
    )
    return fields.model_copy(update={"phones": phones})


def value_from(declared: Declared, identity: int, fields: Fields, given: Mapping[str, Any]) -> Entity:
    """The value that was written; `given` are the fields that the router itself gives."""
    found: dict[str, Any] = {"id": identity}
    for field in fields_of(declared.value):
        if field.name in given:
            found[field.name] = given[field.name]
        elif field.name in _PARTS:
            kind = _PARTS[field.name][1]
            found[field.name] = tuple([kind(**dict(part)) for part in getattr(fields, field.name)])
        elif field.name != "id":
            found[field.name] = getattr(fields, field.name)
    return declared.value(**found)


def phones_from(
    fields: PersonFields, person: int, current: Sequence[Phone], first_new: int, *, restoring: bool = False
) -> tuple[Phone, ...]:
    """The person's phones: a known id stays, and so does that of a phone reached as before; others get new ones.

    Raises Invalid for an id that is none of this person's, unless a former state is restored.
    """
    by_id = {phone.id: phone for phone in current}
    claimed = {phone.id for phone in fields.phones if phone.id is not None}
    by_reach = {(phone.endpoint, phone.number): phone.id for phone in current if phone.id not in claimed}
    phones = []
    for place, part in enumerate(fields.phones):
        identity = part.id
        if identity is None:
            identity = by_reach.pop((part.endpoint, part.number), None)
        elif identity not in by_id and not restoring:
            sentence = f"this person has no phone {identity}: leave the id out to add one"
            raise Invalid([FieldFault(pointer=f"/phones/{place}/id", sentence=sentence)])
        if identity is None:
            identity, first_new = first_new, first_new + 1
        phones.append(Phone(person=person, **{**dict(part), "id": identity}))
    return tuple(sorted(phones, key=lambda phone: phone.id))


def numbers_from(numbers: Sequence[str]) -> tuple[tuple[int, bool], ...]:
    """Numbers and blocks as they are kept: the digits, and whether it is a block."""
    return tuple([(int(number.rstrip("*")), number.endswith("*")) for number in numbers])


def pointer(location: Sequence[int | str]) -> str:
    """RFC 6901."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


def _as_part(kind: type[Part], part: Any) -> Part:
    return kind.model_construct(**{name: getattr(part, name) for name in kind.model_fields})


def _number(kept: tuple[int, bool]) -> str:
    number, is_prefix = kept
    return f"+{number}*" if is_prefix else f"+{number}"


def _instant(kept: Kept) -> str:
    return kept.updated_at.isoformat().replace("+00:00", "Z")
