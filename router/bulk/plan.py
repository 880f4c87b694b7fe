"""What would the files make of the company?

Thinking only: everything is looked at as it will be after the import, so that files may refer to each other, and
everything that is wrong is found at once. Each row passes the checks that the API's bodies pass.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from router.bulk.called import Called, names_of
from router.bulk.columns import COLUMNS, IMPORTED, CellFault, Columns
from router.bulk.company import Settings, Whole, called_in, nothing_called
from router.bulk.matching import Matched, Matching
from router.bulk.remarks import Remark
from router.bulk.sheets import Sheet
from router.bulk.steps import Step
from router.bulk.together import refuse_clashes, refuse_left_behind, refuse_mass_removal
from router.changes.checks import faults_alone
from router.changes.faults import FieldFault, Invalid
from router.changes.fields import Fields
from router.changes.nouns import OF_NOUN, Declared
from router.changes.people import PersonFields
from router.changes.showing import (
    fields_from,
    keeping_private_numbers,
    merged,
    numbers_from,
    phones_from,
    read_fields,
    value_from,
    written,
)
from router.routing.configuration import Noun
from router.routing.model import Person
from router.storage.kept import Kept

Tell = Callable[[str, int, int], None]
"""Told of the progress: what is being done, how much of it, of how much."""

TELL_EVERY = 500  # rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`replace`: what the files don't name is removed, at most `remove_up_to` objects of a noun (None: few)."""

    replace: bool = False
    remove_up_to: int | None = None


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is to be done, how many stay as they are, and what is to be said of the files."""

    before: Whole
    after: Whole
    steps: list[Step] = field(default_factory=list)
    same: dict[Noun, int] = field(default_factory=dict)
    faults: list[Remark] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    called: Mapping[Noun, Called] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstNew:
    """The ids from which on none was ever given: of objects of each noun, and of phones."""

    of: Mapping[Noun, int]
    phone: int


def plan(
    whole: Whole,
    sheets: Mapping[Noun, Sheet],
    options: Options,
    settings: Settings,
    first_new: FirstNew,
    now: datetime,
    tell: Tell,
) -> Plan:
    """Everything that these files ask for. Never raises for what stands in them: that is among the faults."""
    return _Planning(whole, sheets, options, settings, first_new, now, tell).plan()


class _Planning:
    def __init__(
        self,
        whole: Whole,
        sheets: Mapping[Noun, Sheet],
        options: Options,
        settings: Settings,
        first_new: FirstNew,
        now: datetime,
        tell: Tell,
    ) -> None:
        self._whole = whole
        self._sheets = sheets
        self._options = options
        self._settings = settings
        self._first_new = first_new
        self._next_phone = first_new.phone
        self._now = now
        self._tell = tell
        self._after = {noun: dict(kept) for noun, kept in whole.objects.items()}
        self._called: dict[Noun, Called] = {}
        self._matched: dict[Noun, list[Matched]] = {}
        self._plan = Plan(before=whole, after=Whole(version=whole.version, objects=self._after))

    def plan(self) -> Plan:
        wanted = [declared for declared in IMPORTED if declared.noun in self._sheets]
        referred = {reference.to for declared in wanted for reference in declared.references}
        for noun in Noun:
            declared, sheet = OF_NOUN[noun], self._sheets.get(noun)
            if noun in COLUMNS and sheet is not None and noun is not Noun.JOB:
                self._match(declared, sheet)
        others = referred - {declared.noun for declared in wanted}
        self._called = called_in(self._whole.objects, others, self._settings.region)
        for declared in wanted:
            if declared.noun in referred:
                self._called[declared.noun] = self._will_be_called(declared.noun)
        if (jobs := self._sheets.get(Noun.JOB)) is not None:
            self._match(OF_NOUN[Noun.JOB], jobs)
        for declared in wanted:
            self._rows(declared, self._sheets[declared.noun])
        self._removals(wanted)
        for sheet in self._sheets.values():
            self._plan.faults += sheet.faults
        if not self._plan.faults:
            self._plan.faults += refuse_clashes(self._plan.steps, self._after, self._sheets, self._where())
        self._plan.called = self._called
        return self._plan

    def _match(self, declared: Declared, sheet: Sheet) -> None:
        there, first_new = self._whole.objects[declared.noun], self._first_new.of[declared.noun]
        matching = Matching(declared, there, first_new, self._called.get(Noun.ACCOUNT), self._settings.region)
        self._matched[declared.noun] = matching.match(sheet)

    def _will_be_called(self, noun: Noun) -> Called:
        """After the import: with the references and names that the rows give."""
        objects = dict(self._whole.objects[noun])
        own = nothing_called(noun, self._settings.region)
        rows = {matched.id: matched for matched in self._matched[noun]}
        if self._options.replace:
            objects = {identity: kept for identity, kept in objects.items() if identity in rows}
        columns = Columns(OF_NOUN[noun], self._called, self._settings.region)
        for identity, kept in objects.items():
            if identity not in rows:
                own.add(identity, names_of(kept))
        for identity, matched in rows.items():
            former = _by_column(matched.before) if matched.before else {}
            given = {name: _names_in(columns, name, cell) for name, cell in matched.row.cells.items() if name in _NAMES}
            if not any(given.get("ref", ())):
                given.pop("ref", None)  # nothing takes a reference away
            own.add(identity, [name for column in _NAMES for name in (former | given).get(column, ())])
        return own

    def _rows(self, declared: Declared, sheet: Sheet) -> None:
        columns = Columns(declared, self._called, self._settings.region)
        rows, same = self._matched[declared.noun], 0
        for nth, matched in enumerate(rows):
            if nth % TELL_EVERY == 0:
                self._tell(f"comparing {declared.plural}", nth, len(rows))
            step = self._row(declared, columns, sheet, matched)
            if step is not None and step.after is not None and step.before != step.after:
                self._plan.steps.append(step)
                self._after[declared.noun][matched.id] = step.after
            elif step is not None:
                same += 1
        self._plan.same[declared.noun] = same

    def _row(self, declared: Declared, columns: Columns, sheet: Sheet, matched: Matched) -> Step | None:
        """What becomes of the row's object; None when that can't be said."""
        before, cells = matched.before, matched.row.cells
        if before is not None:
            there = columns.write(fields_from(declared, before))
            if all(there[name] == cell for name, cell in cells.items() if name != "id"):
                return Step(declared=declared, before=before, after=before)
        patch = self._patch(columns, sheet, matched)
        if patch is None:
            return None
        try:
            fields = read_fields(declared, merged(written(declared, before) if before else {}, patch))
            fields = keeping_private_numbers(_in_order(fields), before)
            if before is not None and fields == fields_from(declared, before):
                return Step(declared=declared, before=before, after=before)
            wrong = faults_alone(fields, before, self._settings.external_prefixes)
            if wrong:
                raise Invalid(wrong)
            return Step(declared=declared, before=before, after=self._kept(declared, matched.id, fields, before))
        except Invalid as refused:
            for fault in refused.faults:
                sheet.fault(_sentence(fault), matched.row.number, _column(columns, fault))
            return None

    def _patch(self, columns: Columns, sheet: Sheet, matched: Matched) -> dict[str, Any] | None:
        phones = getattr(matched.before.entity, "phones", ()) if matched.before else ()
        patch, wrong = {}, False
        for name, cell in matched.row.cells.items():
            if name == "id" or (name == "ref" and not cell.strip()):
                continue  # the one tells which is meant; nothing takes a reference away
            try:
                read = columns.read(name, cell, phones)
            except CellFault as fault:
                sheet.fault(str(fault), matched.row.number, name)
                wrong = True
                continue
            patch[columns.written[name]] = read.value
            self._plan.remarks += [
                Remark(file=sheet.file, row=matched.row.number, column=name, sentence=remark) for remark in read.remarks
            ]
        return None if wrong else patch

    def _kept(self, declared: Declared, identity: int, fields: Fields, before: Kept | None) -> Kept:
        given: dict[str, Any] = {}
        if isinstance(fields, PersonFields):
            phones = before.entity.phones if before and isinstance(before.entity, Person) else ()
            given["phones"] = phones_from(fields, identity, phones, self._next_phone)
            self._next_phone = max([self._next_phone - 1, *(phone.id for phone in given["phones"])]) + 1
        beside = {name: getattr(fields, name) for name in declared.fields.beside}
        if "numbers" in beside:
            beside["numbers"] = numbers_from(beside["numbers"])
        entity = value_from(declared, identity, fields, given)
        if before is not None and entity == before.entity and beside == before.beside:
            return before
        version = before.version + 1 if before else 1
        return Kept(entity=entity, version=version, updated_at=self._now, beside=beside)

    def _removals(self, wanted: Sequence[Declared]) -> None:
        if not self._options.replace:
            return
        going: list[Step] = []
        for declared in reversed(wanted):
            sheet = self._sheets[declared.noun]
            if sheet.faults:
                continue  # rows that can't be read may name what would seem to be missing
            named = {matched.id for matched in self._matched[declared.noun]}
            there = self._whole.objects[declared.noun]
            gone = [Step(declared=declared, before=kept, after=None) for one, kept in there.items() if one not in named]
            refuse_mass_removal(sheet, declared, gone, len(there), self._options.remove_up_to)
            for step in gone:
                del self._after[declared.noun][step.id]
            going += gone
        refuse_left_behind(going, self._after, self._sheets, self._called)
        self._plan.steps += going

    def _where(self) -> Mapping[tuple[Noun, int], tuple[str, int]]:
        """In which file and row an object stands."""
        return {
            (noun, matched.id): (self._sheets[noun].file, matched.row.number)
            for noun, rows in self._matched.items()
            for matched in rows
        }


# By which columns something is called, the surest first.
_NAMES = ("ref", "number", "name", "label", "short_number", "phones", "numbers")


def _by_column(kept: Kept) -> dict[str, tuple[str, ...]]:
    """By what this object is called now, in the columns where it stands."""
    found = {name: (value,) for name in _NAMES if isinstance(value := getattr(kept.entity, name, None), str)}
    found["ref"] = (kept.beside["ref"] or "",)
    others = tuple([name for name in names_of(kept)[1:] if name and (name,) not in found.values()])
    return found | {"phones" if isinstance(kept.entity, Person) else "numbers": others}


def _names_in(columns: Columns, column: str, cell: str) -> tuple[str, ...]:
    """What a cell says that its object is called. What can't be read is a fault where the row is read."""
    try:
        value = columns.read(column, cell).value
    except CellFault:
        return ()
    if column == "phones":
        return tuple([part.get("endpoint") or part.get("number") or "" for part in value or ()])
    return tuple(value) if isinstance(value, list) else (str(value or ""),)


def _in_order(fields: Fields) -> Fields:
    """Aliases and numbers have no order: they are kept in the one in which they are read."""
    match getattr(fields, "aliases", ()):
        case tuple() as aliases if aliases:
            return fields.model_copy(update={"aliases": tuple(sorted(aliases))})
        case _:
            return fields


def _sentence(fault: FieldFault) -> str:
    place = fault.pointer.split("/")[2:3]
    return (
        f"{fault.sentence} (the {_nth(int(place[0]) + 1)} of them)" if place and place[0].isdigit() else fault.sentence
    )


def _nth(place: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(place, f"{place}th")


def _column(columns: Columns, fault: FieldFault) -> str:
    """The column of the field that a pointer points at."""
    field_name = fault.pointer.split("/")[1] if "/" in fault.pointer else ""
    return next((name for name, written_as in columns.written.items() if written_as == field_name), field_name)
