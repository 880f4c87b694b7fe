"""Is every noun listed, read, made, changed and removed in the same way, on both databases?"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.changes.nouns import DECLARED
from tests.proof import many
from tests.web.cases import BODIES, PATCHES, WRONG
from tests.web.conftest import Office

NOUNS = list(BODIES)
GIVEN = ("version", "updated_at")


@pytest.mark.parametrize("noun", NOUNS)
async def test_what_is_written_is_what_is_read_and_every_change_can_be_taken_back(
    either_office: Office, noun: str
) -> None:
    office = either_office
    made = await office.edit("POST", f"/{noun}", BODIES[noun])
    there = made.headers["location"].removeprefix("/api/v1")
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert holds(made.json(), BODIES[noun])
    assert (await office.edit("GET", there)).json() == made.json()

    changed = await office.edit("PATCH", there, PATCHES[noun], if_match='"1"')
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert holds(changed.json(), BODIES[noun] | PATCHES[noun])
    assert (await office.edit("GET", there)).json() == changed.json()

    gone = await office.edit("DELETE", there, if_match='"2"')
    assert gone.status_code == 204
    assert (await office.edit("GET", there)).status_code == 404

    entries = (await office.edit("GET", f"/audit?noun={noun}")).json()["items"]
    assert [entry["action"] for entry in entries] == ["removed", "changed", "created"]
    assert (entries[1]["before"], entries[1]["after"]) == (made.json(), changed.json())
    assert {entry["actor"] for entry in entries} == {"admin"}

    undone = await office.edit("POST", f"/audit/{entries[0]['id']}/undo")
    assert undone.json()["items"][0]["undoes"] == entries[0]["id"]
    assert same((await office.edit("GET", there)).json(), changed.json())


@pytest.mark.parametrize("noun", NOUNS)
async def test_undoing_a_change_and_a_making_restores_exactly(office: Office, noun: str) -> None:
    made = await office.edit("POST", f"/{noun}", BODIES[noun])
    there = made.headers["location"].removeprefix("/api/v1")
    await office.edit("PATCH", there, PATCHES[noun], if_match='"1"')
    last, first = [entry["id"] for entry in (await office.edit("GET", f"/audit?noun={noun}")).json()["items"]]

    too_early = await office.edit("POST", f"/audit/{first}/undo")
    assert (too_early.status_code, too_early.json()["type"]) == (409, "urn:router:problem:changed-since")
    await office.edit("POST", f"/audit/{last}/undo")
    assert same((await office.edit("GET", there)).json(), made.json())


@pytest.mark.parametrize("noun", NOUNS)
async def test_a_reference_of_ones_own_is_made_once_and_then_replaced(either_office: Office, noun: str) -> None:
    path, body = f"/{noun}/by-ref/{BODIES[noun]['ref']}", BODIES[noun]

    made = await either_office.edit("PUT", path, body)
    again = await either_office.edit("PUT", path, body)
    changed = await either_office.edit("PUT", path, body | PATCHES[noun])

    assert [answer.status_code for answer in (made, again, changed)] == [201, 200, 200]
    assert again.json() == made.json(), "nothing changed, so there is no new version"
    assert (changed.json()["id"], changed.json()["version"]) == (made.json()["id"], 2)
    assert (await either_office.edit("GET", path)).json() == changed.json()
    assert len((await either_office.edit("GET", f"/audit?noun={noun}")).json()["items"]) == 2


@pytest.mark.parametrize("noun", NOUNS)
async def test_nobodys_change_is_lost(office: Office, noun: str) -> None:
    made = await office.edit("POST", f"/{noun}", BODIES[noun])
    there = made.headers["location"].removeprefix("/api/v1")

    without = [await office.edit(method, there, PATCHES[noun]) for method in ("PATCH", "DELETE")]
    outdated = [await office.edit(method, there, PATCHES[noun], if_match='"7"') for method in ("PATCH", "DELETE")]

    assert [answer.status_code for answer in (*without, *outdated)] == [428, 428, 412, 412]
    assert [answer.json()["type"].rpartition(":")[2] for answer in (*without, *outdated)] == [
        "if-match-missing",
        "if-match-missing",
        "changed",
        "changed",
    ]
    assert (await office.edit("GET", there)).json() == made.json()


@pytest.mark.parametrize("noun", NOUNS)
async def test_following_the_cursors_gives_each_once_in_any_order(either_office: Office, noun: str) -> None:
    declared = next(one for one in DECLARED if one.plural == noun)
    for order in (sign + order for order in declared.orders for sign in ("", "-")):
        whole = (await either_office.edit("GET", f"/{noun}?limit=200&order={order}")).json()["items"]
        seen: list[Any] = []
        path: str | None = f"/{noun}?limit=2&order={order}"
        while path:
            page = (await either_office.edit("GET", path)).json()
            seen += page["items"]
            path = f"/{noun}?limit=2&order={order}&cursor={page['next']}" if page["next"] else None
        assert seen == whole
        values = [(item[order.lstrip("-")], item["id"]) for item in whole]
        assert order.endswith(("name", "title", "label")) or values == sorted(values, reverse=order[0] == "-")


@pytest.mark.parametrize("noun", NOUNS)
async def test_what_is_wrong_is_pointed_at(office: Office, noun: str) -> None:
    for wrong, pointer in WRONG[noun]:
        answer = await office.edit("POST", f"/{noun}", {**BODIES[noun], **wrong})

        assert answer.status_code == 422, wrong
        assert pointer in [error["pointer"] for error in answer.json()["errors"]], wrong


@pytest.mark.parametrize("noun", NOUNS)
async def test_what_nobody_has_is_not_found_and_the_answer_says_where_to_look(office: Office, noun: str) -> None:
    answers = [
        await office.get(f"/api/v1/{noun}/9999"),
        await office.get(f"/api/v1/{noun}/by-ref/nobody"),
        await office.edit("PATCH", f"/{noun}/9999", {}, if_match="*"),
        await office.edit("DELETE", f"/{noun}/9999", if_match="*"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert all(f"/api/v1/{noun}" in answer.json()["detail"] for answer in answers)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=many(60, 2000), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), noun=st.sampled_from(NOUNS))
async def test_whatever_is_sent_there_is_an_answer_or_a_reason(office: Office, data: st.DataObject, noun: str) -> None:
    field = data.draw(st.sampled_from([*BODIES[noun], "priority", "id", "", "then"]))
    body = {**BODIES[noun], "ref": None, field: data.draw(anything)}

    made = await office.edit("POST", f"/{noun}", body)
    changed = await office.edit("PATCH", f"/{noun}/1", {field: body[field]}, if_match="*")

    assert made.status_code in (201, 409, 422), made.text
    assert changed.status_code in (200, 409, 422), changed.text


def holds(read: Any, written: Any) -> bool:
    """Whether everything that was written is read: what wasn't said may have its default, and null is nothing."""
    match written:
        case dict():
            return all(holds(read.get(name), value) for name, value in written.items())
        case list():
            return len(read) == len(written) and all(any(holds(one, value) for one in read) for value in written)
        case _:
            return bool(read == written)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Alike but for how often they were written."""
    return {**one, **dict.fromkeys(GIVEN)} == {**other, **dict.fromkeys(GIVEN)}
