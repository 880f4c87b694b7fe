"""Can webhooks be managed like everything else, and is their secret never seen again?"""

import json
from dataclasses import replace

from router.storage.access_schema import Role
from tests.notices.receiver import receiving
from tests.web.conftest import Office

HOOK = {"url": "https://crm.example.com/calls", "kinds": ["call.answered"]}


async def test_a_webhook_is_made_read_changed_and_removed_and_its_secret_shown_once(either_office: Office) -> None:
    office = either_office
    made = await office.edit("POST", "/webhooks", HOOK)
    secret = made.json()["secret"]
    read = await office.edit("GET", "/webhooks/1")
    changed = await office.edit("PATCH", "/webhooks/1", {"enabled": False}, if_match=read.headers["etag"])
    listed = await office.edit("GET", "/webhooks")
    audit = await office.edit("GET", "/audit")
    outdated = await office.edit("DELETE", "/webhooks/1", if_match='"1"')
    removed = await office.edit("DELETE", "/webhooks/1", if_match=changed.headers["etag"])

    assert (made.status_code, made.headers["location"]) == (201, "/api/v1/webhooks/1")
    assert (read.json()["kinds"], changed.json()["enabled"], changed.json()["version"]) == (["call.answered"], False, 2)
    assert (outdated.status_code, removed.status_code) == (412, 204)
    assert (await office.edit("GET", "/webhooks/1")).status_code == 404
    assert [one["action"] for one in audit.json()["items"]] == ["changed", "created"]
    assert secret.startswith("whs_")
    assert not any(secret in json.dumps(answer.json()) for answer in (read, changed, listed, audit))


async def test_what_cant_be_told_or_reached_is_refused_with_what_can(office: Office) -> None:
    unknown = await office.edit("POST", "/webhooks", HOOK | {"kinds": ["call.lost"]})
    inside = await office.edit("POST", "/webhooks", HOOK | {"url": "https://127.0.0.1/"})
    plain = await office.edit("POST", "/webhooks", HOOK | {"url": "http://crm.example.com/"})
    unsaid = await office.edit("PATCH", "/webhooks/1", {"enabled": True})

    assert [answer.status_code for answer in (unknown, inside, plain, unsaid)] == [422, 422, 422, 428]
    assert "call.answered" in unknown.json()["detail"]
    assert inside.json()["errors"][0]["pointer"] == "/body/url"
    assert "ROUTER_WEBHOOK_PRIVATE" in plain.json()["detail"]


async def test_a_webhook_can_be_tried(office: Office) -> None:
    office.app.state.parts = replace(office.app.state.parts, private_webhooks=True)
    async with receiving() as receiver:
        await office.edit("POST", "/webhooks", {"url": receiver.url})
        arrived = (await office.edit("POST", "/webhooks/1/test")).json()
        receiver.status = 500
        failed = (await office.edit("POST", "/webhooks/1/test")).json()

    assert (arrived["arrived"], arrived["status"]) == (True, 204)
    assert (failed["arrived"], failed["error"]) == (False, "the receiver answered 500")
    assert receiver.received[0].data["event"] == "webhook.test"


async def test_webhooks_are_for_admins(office: Office) -> None:
    assert (await office.get("/api/v1/webhooks", role=Role.EDITOR)).status_code == 403
