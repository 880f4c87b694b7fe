"""Is what was written what is read?"""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from router.changes.nouns import OF_NOUN, Declared
from router.changes.people import PersonFields
from router.changes.showing import (
    merged,
    numbers_from,
    phones_from,
    read_fields,
    shown,
    value_from,
    without_private,
    written,
)
from router.routing.configuration import Entity
from router.routing.model import Person
from router.storage.company import Company
from router.storage.kept import Kept
from router.storage.shapes import NOUNS
from tests.storage.companies import companies

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=3), anything, max_size=4)


@settings(max_examples=60, deadline=None)
@given(companies())
def test_an_object_that_is_shown_and_written_again_is_the_same_object(company: Company) -> None:
    for kept in everything(company):
        declared = OF_NOUN[NOUNS[type(kept.entity)]]
        through_the_wire = json.loads(json.dumps(written(declared, kept)))

        fields = read_fields(declared, through_the_wire)

        assert written(declared, kept) == fields.model_dump(mode="json", by_alias=True)
        assert list(fields.wrong()) == []
        assert rebuilt(declared, kept, fields) == kept.entity


@settings(max_examples=60, deadline=None)
@given(companies())
def test_without_the_right_no_external_number_is_shown(company: Company) -> None:
    for kept in everything(company):
        declared = OF_NOUN[NOUNS[type(kept.entity)]]
        numbers = [phone.number for phone in getattr(kept.entity, "phones", ()) if phone.number]

        told = json.dumps(without_private(shown(declared, kept)))

        assert not any(number in told for number in numbers)


@settings(deadline=None)
@given(objects, objects)
def test_a_merge_patch_makes_what_it_says_and_leaves_the_rest(body: dict[str, Any], patch: dict[str, Any]) -> None:
    result = merged(body, patch)

    assert merged(result, patch) == result
    assert all(result[name] == body[name] for name in body.keys() - patch.keys())
    assert not {name for name, value in patch.items() if value is None} & result.keys()


def test_a_number_of_an_account_is_kept_as_digits_and_a_block_as_what_its_numbers_begin_with() -> None:
    assert numbers_from(("+12025550111", "+1202*")) == ((12025550111, False), (1202, True))


def everything(company: Company) -> list[Kept]:
    entities: tuple[Entity, ...] = (
        *company.people, *company.desks, *company.lines, *company.accounts, *company.jobs, *company.rules,
        *company.hours, *company.covers, *company.overrides,
    )  # fmt: skip
    return [Kept(entity=entity, version=3, updated_at=NOW, beside=beside_of(company, entity)) for entity in entities]


def beside_of(company: Company, entity: Any) -> dict[str, Any]:
    of = entity.id
    return {
        "ref": None,
        "email": None,
        "aliases": tuple(sorted(alias for alias, line in company.aliases.items() if line == of)),
        "numbers": tuple(sorted((number, prefix) for number, prefix, account in company.numbers if account == of)),
    }


def rebuilt(declared: Declared, kept: Kept, fields: Any) -> Any:
    given_by_router: dict[str, Any] = {}
    if isinstance(kept.entity, Person):
        assert isinstance(fields, PersonFields)
        given_by_router["phones"] = phones_from(fields, kept.entity.id, kept.entity.phones, 1000)
    if hasattr(kept.entity, "slot"):
        given_by_router["slot"] = kept.entity.slot
    return value_from(declared, kept.entity.id, fields, given_by_router)
