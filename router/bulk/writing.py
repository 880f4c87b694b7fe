"""Which rows does a plan become?"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from router.bulk.steps import Step
from router.changes.showing import shown
from router.changes.wishes import By
from router.routing.model import Account, Person
from router.storage import schema
from router.storage.kept import Kept
from router.storage.rows import rows_of
from router.storage.shapes import SHAPES
from router.storage.staging import Rows

Staged = Mapping[Any, Rows]


def rows_for(steps: Sequence[Step]) -> Staged:
    """What becomes of each table. Rows that don't differ are left alone."""
    found: dict[Any, Rows] = defaultdict(Rows)
    for step in steps:
        shape = SHAPES[step.declared.noun]
        if step.after is None:
            found[shape.table].gone.append({"id": step.id})
        else:
            found[shape.table].put.append(_own_row(step))
        _parts(step, found)
        _beside(step, found)
        if step.after is None and shape.table is schema.people:
            found[schema.presence].gone.append({"person": step.id})
    return found


def entries_for(steps: Sequence[Step], by: By, now: datetime, version: int) -> Iterator[dict[str, Any]]:
    """What is put on record: one entry for each object, so that each object's history is whole."""
    for step in steps:
        yield {
            "at": now,
            "actor": by.actor,
            "key": by.key,
            "source": by.source,
            "kind": step.declared.noun.value,
            "object": step.id,
            "action": step.action,
            "before": None if step.before is None else shown(step.declared, step.before),
            "after": None if step.after is None else shown(step.declared, step.after),
            "version": version,
            "undoes": step.undoes,
        }


def _own_row(step: Step) -> dict[str, Any]:
    assert step.after is not None
    own, _ = rows_of(step.after.entity)
    beside = {name: step.after.beside[name] for name in SHAPES[step.declared.noun].beside}
    return {**own, **beside, "version": step.after.version, "updated_at": step.after.updated_at}


def _parts(step: Step, found: dict[Any, Rows]) -> None:
    before, after = (kept.entity if kept else None for kept in (step.before, step.after))
    match before or after:
        case Person():
            had = {row["id"]: row for row in _part_rows(step.before)}
            wants = {row["id"]: row for row in _part_rows(step.after)}
            rows = found[schema.phones]
            rows.gone += [{"id": identity} for identity in had if identity not in wants]
            kept_beside = {"version": 1, "updated_at": step.after.updated_at if step.after else None, "ref": None}
            rows.put += [{**row, **kept_beside} for identity, row in wants.items() if had.get(identity) != row]
        case Account():
            former, wanted = _part_rows(step.before), _part_rows(step.after)
            if former != wanted:
                rows = found[schema.deputies]
                rows.gone += [{"account": row["account"], "position": row["position"]} for row in former]
                rows.put += wanted
        case _:
            pass


def _part_rows(kept: Kept | None) -> Sequence[dict[str, Any]]:
    return rows_of(kept.entity)[1][0] if kept is not None else ()


def _beside(step: Step, found: dict[Any, Rows]) -> None:
    had, wants = _own(step.before, "numbers"), _own(step.after, "numbers")
    if had != wants:
        rows = found[schema.account_numbers]
        rows.gone += [{"number": number, "is_prefix": prefix} for number, prefix in sorted(had - wants)]
        rows.put += [
            {"number": number, "is_prefix": prefix, "account": step.id} for number, prefix in sorted(wants - had)
        ]
    had, wants = _own(step.before, "aliases"), _own(step.after, "aliases")
    if had != wants:
        rows = found[schema.line_aliases]
        rows.gone += [{"dialled": alias} for alias in sorted(had - wants)]
        rows.put += [{"dialled": alias, "line": step.id} for alias in sorted(wants - had)]


def _own(kept: Kept | None, name: str) -> set[Any]:
    return set(kept.beside.get(name, ())) if kept is not None else set()
