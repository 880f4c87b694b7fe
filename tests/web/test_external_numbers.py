"""Is there no way to write an external number that may not be called?"""

from dataclasses import replace
from typing import Any

import pytest

from router.changes.checks import faults_alone
from router.changes.door import Door
from router.changes.nouns import DECLARED
from router.changes.showing import read_fields
from tests.web.cases import BODIES
from tests.web.conftest import Office

ELSEWHERE = "+16465550123"  # outside of the prefixes that these tests allow
PREMIUM = "+19005550123"

CALLED: dict[str, tuple[str, dict[str, Any]]] = {
    "people": ("/phones/0/number", {"phones": [{"kind": "external", "number": ELSEWHERE}]}),
    "desks": ("/last_resort", {"last_resort": ELSEWHERE}),
}


def test_these_are_all_the_nouns_that_have_numbers_which_are_called() -> None:
    with_external = {one.plural for one in DECLARED if {"phones", "last_resort"} & set(one.fields.model_fields)}

    assert with_external == set(CALLED)


@pytest.mark.parametrize("noun", list(CALLED))
async def test_a_number_outside_the_allowed_prefixes_is_refused_whichever_way_it_is_written(
    office: Office, noun: str
) -> None:
    pointer, external = CALLED[noun]
    body = {**BODIES[noun], **external}
    answers = [
        await office.edit("POST", f"/{noun}", body),
        await office.edit("PUT", f"/{noun}/by-ref/{body['ref']}", body),
        await office.edit("PATCH", f"/{noun}/1", external, if_match="*"),
    ]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert {answer.json()["errors"][0]["pointer"] for answer in answers} == {f"/body{pointer}"}


@pytest.mark.parametrize("noun", list(CALLED))
async def test_a_number_that_is_allowed_no_longer_does_not_come_back_by_undoing(office: Office, noun: str) -> None:
    made = await office.edit("POST", f"/{noun}", BODIES[noun])
    there = made.headers["location"].removeprefix("/api/v1")
    await office.edit("DELETE", there, if_match="*")
    office.app.state.parts = replace(office.app.state.parts, door=Door(office.publisher))  # no prefix is allowed now
    last = (await office.edit("GET", f"/audit?noun={noun}")).json()["items"][0]["id"]

    answer = await office.edit("POST", f"/audit/{last}/undo")

    assert (answer.status_code, "ROUTER_EXTERNAL_PREFIXES" in answer.text) == (422, True)


@pytest.mark.parametrize("noun", list(CALLED))
def test_a_premium_number_is_refused_also_where_the_prefixes_allow_it(noun: str) -> None:
    pointer, external = CALLED[noun]
    (declared,) = [one for one in DECLARED if one.plural == noun]
    premium = (
        {"phones": [{"kind": "external", "number": PREMIUM}]} if "phones" in external else {"last_resort": PREMIUM}
    )

    (fault,) = faults_alone(read_fields(declared, {**BODIES[noun], **premium}), None, ("+1",))

    assert (fault.pointer, "premium" in fault.sentence) == (pointer, True)
