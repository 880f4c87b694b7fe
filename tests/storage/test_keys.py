"""Is a key accepted as long as it should be, and can nobody read it?"""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from router.storage.access_schema import Role, api_keys
from router.storage.database import Database
from router.storage.keys import any_key, find_key, keep_key, new_key
from tests.storage.stories import MONDAY_NOON, after


@pytest.mark.parametrize("role", Role)
async def test_a_new_key_is_found_with_its_role(db: Database, role: Role) -> None:
    key = await new_key(db, "crm", role)
    found = await find_key(db, key, MONDAY_NOON)
    assert found is not None
    assert (found.name, found.role) == ("crm", role)


async def test_the_key_itself_is_kept_nowhere(db: Database) -> None:
    key = await new_key(db, "crm", Role.SERVICE)
    async with db.reading() as look:
        (row,) = await look.rows(select(api_keys))
    _, _, secret = key.split("_", 2)
    assert secret.encode() not in b"".join(str(value).encode() for value in row)


async def test_two_keys_of_one_name_are_two_keys(db: Database) -> None:
    first, second = await new_key(db, "crm", Role.VIEWER), await new_key(db, "crm", Role.ADMIN)
    found = await find_key(db, first, MONDAY_NOON), await find_key(db, second, MONDAY_NOON)
    assert [one.role for one in found if one] == [Role.VIEWER, Role.ADMIN]


async def test_what_is_no_key_of_ours_is_nobodys(db: Database) -> None:
    key = await new_key(db, "crm", Role.ADMIN)
    almost = key[:-1] + ("a" if key[-1] != "a" else "b")
    for presented in ("", "rtr_", "rtr__", almost, key.upper(), key + "x" * 10_000, "rtr_\x00_é\ud800", key[4:]):
        assert await find_key(db, presented, MONDAY_NOON) is None


async def test_a_key_ends_when_it_expires(db: Database) -> None:
    key = await new_key(db, "visitor", Role.VIEWER, expires_at=after(60))
    assert await find_key(db, key, after(59)) is not None
    assert await find_key(db, key, after(60)) is None


async def test_a_revoked_key_is_nobodys_and_doesnt_count(db: Database) -> None:
    key = await new_key(db, "leaver", Role.ADMIN)
    assert await any_key(db, MONDAY_NOON)
    async with db.writing() as transaction:
        await transaction.run(update(api_keys).values(revoked_at=MONDAY_NOON - timedelta(days=1)))
    assert await find_key(db, key, MONDAY_NOON) is None
    assert not await any_key(db, MONDAY_NOON)


async def test_without_keys_there_is_none(db: Database) -> None:
    assert not await any_key(db, MONDAY_NOON)


async def test_a_key_drawn_elsewhere_is_made_once(db: Database) -> None:
    drawn = f"rtr_0123abcd_{'x' * 43}"

    assert await keep_key(db, drawn, "admin", Role.ADMIN)
    assert not await keep_key(db, drawn, "admin", Role.ADMIN)

    async with db.reading() as look:
        assert len(await look.rows(select(api_keys))) == 1
    assert await find_key(db, drawn, MONDAY_NOON) is not None


async def test_a_key_drawn_elsewhere_stays_revoked(db: Database) -> None:
    drawn = f"rtr_0123abcd_{'x' * 43}"
    await keep_key(db, drawn, "admin", Role.ADMIN)
    async with db.writing() as transaction:
        await transaction.run(update(api_keys).values(revoked_at=MONDAY_NOON - timedelta(days=1)))

    assert not await keep_key(db, drawn, "admin", Role.ADMIN)

    assert await find_key(db, drawn, MONDAY_NOON) is None


@pytest.mark.parametrize("text", ["", "secret", f"rtr_0123abcd_{'x' * 42}", f"rtr_0123ABCD_{'x' * 43}"])
async def test_a_text_that_is_no_key_is_refused(db: Database, text: str) -> None:
    with pytest.raises(ValueError, match="43 letters"):
        await keep_key(db, text, "admin", Role.ADMIN)


async def test_a_key_that_begins_like_another_is_refused(db: Database) -> None:
    await keep_key(db, f"rtr_0123abcd_{'x' * 43}", "admin", Role.ADMIN)

    with pytest.raises(ValueError, match="rtr_0123abcd_"):
        await keep_key(db, f"rtr_0123abcd_{'y' * 43}", "admin", Role.ADMIN)
