"""Does everybody who follows the events see each of them once, in order, and nothing that they may not?"""

import asyncio
from collections.abc import AsyncGenerator, MutableMapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from router.calls.call import Call
from router.storage.access_schema import Role
from router.storage.database import Transaction
from router.storage.keys import revoke_key
from router.storage.notices import tell_calls
from router.storage.recorder import Recorder
from router.web import live
from router.web.event_stream import EventStream
from tests.storage.stories import SAMPLE_TABLE, SOON, answered, ringing, talking, until, whole_life
from tests.web.conftest import Office
from tests.web.following import following, served


async def happen(office: Office, *states: Call) -> None:
    """These states of calls come one after the other."""

    async def tell(transaction: Transaction, batch: Sequence[Call]) -> frozenset[str]:
        return await tell_calls(transaction, batch, SAMPLE_TABLE, office.now)

    for state in states:
        recorder = Recorder(office.db, tell=tell)
        recorder.record(state)
        assert await recorder.drain(SOON) == 0


async def test_first_how_it_stands_and_then_each_event_as_it_happens(either_office: Office) -> None:
    office = either_office
    await happen(office, ringing("pbx:1"))
    async with served(office) as server, following(server, office.keys[Role.VIEWER]) as listener:
        snapshot = await listener.next()
        await happen(office, talking("pbx:1"), answered("pbx:1"))
        events = await listener.next_of(2)
        changed = await office.edit("POST", "/desks", {"name": "Night"})
        published = await listener.next()

    assert listener.answer.headers["content-type"].startswith("text/event-stream")
    assert snapshot.name == "snapshot"
    assert (snapshot.data["why"], snapshot.data["table"]) == ("new", {"version": 1})
    assert [(call["call_id"], call["state"]) for call in snapshot.data["calls"]] == [("pbx:1", "ringing")]
    assert [event.name for event in events] == ["call.answered", "call.ended"]
    assert snapshot.id < events[0].id < events[1].id
    assert (events[0].data["person"], events[0].data["line"]) == ("Jonas", "Business")
    assert changed.status_code == 201
    assert (published.name, published.data["version"]) == ("table.published", 2)


async def test_who_was_cut_off_goes_on_where_they_were_and_sees_nothing_twice(office: Office) -> None:
    async with served(office) as server:
        async with following(server, office.keys[Role.VIEWER]) as listener:
            snapshot = await listener.next()
            await happen(office, *whole_life("pbx:1"))
            seen = [(await listener.next()).id]
        await happen(office, *whole_life("pbx:2"))
        async with following(server, office.keys[Role.VIEWER], last=seen[-1]) as listener:
            seen += [event.id for event in await listener.next_of(5)]

    assert seen == list(range(snapshot.id + 1, snapshot.id + 7))


@pytest.mark.parametrize("last", [0, 999_999])
async def test_who_names_an_event_that_is_not_there_any_more_gets_a_fresh_snapshot(office: Office, last: int) -> None:
    async with served(office) as server, following(server, office.keys[Role.VIEWER], last=last) as listener:
        snapshot = await listener.next()
    assert (snapshot.name, snapshot.data["why"]) == ("snapshot", "too_old")


async def test_who_was_away_for_too_long_gets_a_fresh_snapshot(office: Office) -> None:
    await happen(office, *whole_life())
    office.now += live.RESUMES_WITHIN + timedelta(minutes=2)
    async with served(office) as server, following(server, office.keys[Role.VIEWER], last=2) as listener:
        assert (await listener.next()).data["why"] == "too_old"


async def test_private_numbers_are_shown_only_to_who_may_see_them(office: Office) -> None:
    mobile = "+19175550101"
    call = replace(talking(), taken_phone=mobile, legs=(replace(ringing().legs[0], phone=mobile),))
    async with served(office) as server, following(server, office.keys[Role.VIEWER]) as viewer:
        await viewer.next()
        async with following(server, office.keys[Role.ADMIN]) as admin:
            await admin.next()
            await happen(office, call)
            hidden, shown = await viewer.next_of(2), await admin.next_of(2)

    assert (hidden[0].data["phones"], hidden[1].data["phone"]) == (["external"], "external")
    assert (shown[0].data["phones"], shown[1].data["phone"]) == ([mobile], mobile)


async def test_a_key_that_is_revoked_ends_its_stream_within_moments_and_no_other(office: Office) -> None:
    async with (
        served(office) as server,
        following(server, office.keys[Role.VIEWER]) as one,
        following(server, office.keys[Role.EDITOR]) as two,
    ):
        await one.next()
        await two.next()
        await revoke_key(office.db, office.keys[Role.VIEWER][4:12], office.now)
        last = await one.next()
        await happen(office, ringing())
        assert (await two.next()).name == "call.ringing"
    assert last.data == "the key is revoked or expired"


async def test_the_stream_ends_when_the_router_stops_and_holds_nothing_up(office: Office) -> None:
    async with served(office) as server, following(server, office.keys[Role.VIEWER]) as listener:
        await listener.next()
        await office.live.close()
        server.stop()
        assert (await listener.next()).data == "the router stops"
        with pytest.raises(StopAsyncIteration):
            await listener.next()
    assert office.live.followers == 0


async def test_there_is_a_limit_to_streams_and_room_again_when_one_ends(office: Office) -> None:
    async with served(office) as server, httpx2.AsyncClient() as client:
        address = f"{server.url}/api/v1/events"
        headers = {"Authorization": f"Bearer {office.keys[Role.VIEWER]}"}
        places = [office.live.following("others") for _ in range(live.FOLLOWERS_AT_MOST)]
        for place in places:
            place.__enter__()
        refused = await client.get(address, headers=headers)
        for place in places:
            place.__exit__(None, None, None)
        async with following(server, office.keys[Role.VIEWER]) as listener:
            assert (await listener.next()).name == "snapshot"

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.json()["type"] == "urn:router:problem:too-many-streams"


async def test_who_does_not_read_is_let_go() -> None:
    async def endless() -> AsyncGenerator[bytes, None]:
        while True:
            yield b"x"

    async def unread(message: MutableMapping[str, Any]) -> None:
        if message.get("body"):
            await asyncio.Event().wait()

    async def stays() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    slow: list[str] = []
    stream = EventStream(
        endless(), slow=lambda: slow.append("slow"), done=lambda: slow.append("done"), send_within=0.05
    )
    async with asyncio.timeout(SOON):
        await stream({"type": "http"}, stays, unread)
    assert slow == ["slow", "done"]


async def test_who_goes_away_frees_the_place_at_once(office: Office) -> None:
    async with served(office) as server:
        async with following(server, office.keys[Role.VIEWER]) as listener:
            await listener.next()
            assert office.live.followers == 1
        await until(lambda: office.live.followers == 0)


async def test_a_stream_needs_a_key(office: Office) -> None:
    answer = await office.get("/api/v1/events", role=None)
    assert answer.status_code == 401
