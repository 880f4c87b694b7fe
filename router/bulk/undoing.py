"""How is an import taken back, all of it at once?

Everything that its version of the table changed becomes what it was before, by what the audit says, in the way in which
it came. What somebody has changed since stays in the way: then nothing is taken back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from router.bulk.company import OfNoun, Settings, Whole, called_in
from router.bulk.plan import Plan
from router.bulk.remarks import Remark
from router.bulk.sheets import Sheet
from router.bulk.steps import Step
from router.bulk.together import refuse_clashes, refuse_left_behind
from router.changes.carrying import refuse_what_changed_since
from router.changes.faults import ChangedSince, Invalid
from router.changes.fields import Fields
from router.changes.nouns import OF_NOUN, Declared
from router.changes.people import PersonFields
from router.changes.showing import GIVEN, numbers_from, phones_from, read_fields, value_from
from router.routing.configuration import Noun
from router.storage.audit import KeptEntry
from router.storage.kept import Kept

_NOUNS = {declared.noun.value: declared for declared in OF_NOUN.values()}


def plan_undo(whole: Whole, entries: Sequence[KeptEntry], settings: Settings, now: datetime) -> Plan:
    """What becomes of the company when these entries of the audit are taken back. What stands in the way is a fault."""
    after: dict[Noun, dict[int, Kept]] = {noun: dict(kept) for noun, kept in whole.objects.items()}
    found = Plan(before=whole, after=Whole(version=whole.version, objects=after))
    files = {_NOUNS[entry.kind].noun: Sheet(file=_NOUNS[entry.kind].plural) for entry in entries}
    for entry in entries:
        declared = _NOUNS[entry.kind]
        current = whole.objects[declared.noun].get(entry.object)
        try:
            refuse_what_changed_since(declared, current, entry)
            restored = _restored(declared, entry, current, now)
        except ChangedSince as fault:
            files[declared.noun].fault(str(fault))
            continue
        except Invalid as fault:
            files[declared.noun].fault(f"{declared.noun.value} {entry.object} can't be as it was: {fault}")
            continue
        found.steps.append(Step(declared=declared, before=current, after=restored, undoes=entry.id))
        if restored is None:
            del after[declared.noun][entry.object]
        else:
            after[declared.noun][entry.object] = restored
    found.called = called_in(_both(whole.objects, after), Noun, settings.region)
    refuse_left_behind([step for step in found.steps if step.after is None], after, files, found.called)
    found.faults = [fault for file in files.values() for fault in file.faults] or list[Remark](
        refuse_clashes(found.steps, after, files, {})
    )
    found.same = dict.fromkeys(files, 0)
    return found


def _restored(declared: Declared, entry: KeptEntry, current: Kept | None, now: datetime) -> Kept | None:
    """The object as it was before the entry, with its id. Raises Invalid."""
    if entry.before is None:
        return None
    fields = read_fields(declared, {name: value for name, value in entry.before.items() if name not in GIVEN})
    given = _given(fields, entry.object)
    beside = {name: getattr(fields, name) for name in declared.fields.beside}
    if "numbers" in beside:
        beside["numbers"] = numbers_from(beside["numbers"])
    entity = value_from(declared, entry.object, fields, given)
    version = current.version + 1 if current else 1
    return Kept(entity=entity, version=version, updated_at=now, beside=beside)


def _given(fields: Fields, identity: int) -> dict[str, object]:
    if not isinstance(fields, PersonFields):
        return {}
    return {"phones": phones_from(fields, identity, (), 0, restoring=True)}


def _both(before: Mapping[Noun, OfNoun], after: Mapping[Noun, OfNoun]) -> dict[Noun, OfNoun]:
    """Also what goes, or comes back, is named in the difference."""
    return {noun: {**before[noun], **after[noun]} for noun in after}
