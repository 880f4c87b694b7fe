"""Is a test call asked for over HTTP as anything else is, and refused when it should not be placed?"""

from datetime import timedelta

import pytest

from router.lab.sample import BIRCH, BUSINESS_LINE
from router.storage.access_schema import Role
from router.storage.calling_in import UNHEARD
from tests.web.conftest import Office

WISH = {"caller": BIRCH, "line": BUSINESS_LINE}


async def test_it_is_taken_in_and_read_where_the_answer_says(either_office: Office) -> None:
    taken = await either_office.ask("POST", "/api/v1/test-calls", role=Role.EDITOR, body=WISH)

    assert taken.status_code == 202
    read = await either_office.get(taken.headers["Location"])
    assert read.json() == taken.json()
    assert (read.json()["state"], read.json()["agrees"], read.json()["rang"]) == ("asked", None, [])
    assert (await either_office.get("/api/v1/test-calls")).json()["items"] == [read.json()]
    either_office.now += timedelta(minutes=1)
    late = (await either_office.get(taken.headers["Location"])).json()
    assert (late["state"], late["sentence"]) == ("not_placed", UNHEARD)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"caller": "+1202555\r\nAction: Originate"}, "/body/caller"),
        ({"caller": "${SHELL(id)}"}, "/body/caller"),
        ({"line": f"{BUSINESS_LINE}@outside"}, "/body/line"),
        ({"line": "s"}, "/body/line"),
        ({"seconds": 101}, "/body/seconds"),
        ({"context": "outside"}, "/body/context"),
    ],
)
async def test_what_is_no_number_is_refused_by_its_field(
    office: Office, wrong: dict[str, object], pointer: str
) -> None:
    refused = await office.ask("POST", "/api/v1/test-calls", role=Role.EDITOR, body={**WISH, **wrong})

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_the_hour_is_used_up_and_says_when_there_is_room(office: Office) -> None:
    answers = [await office.ask("POST", "/api/v1/test-calls", role=Role.EDITOR, body=WISH) for _ in range(21)]

    assert [answer.status_code for answer in answers] == [202] * 20 + [429]
    assert answers[-1].headers["Retry-After"] == "3600"
    assert "ROUTER_TEST_CALLS_PER_HOUR" in answers[-1].json()["detail"]


async def test_who_only_looks_places_none_and_what_is_not_there_is_unknown(office: Office) -> None:
    assert (await office.ask("POST", "/api/v1/test-calls", role=Role.COORDINATOR, body=WISH)).status_code == 403
    assert (await office.get("/api/v1/test-calls/7")).status_code == 404
