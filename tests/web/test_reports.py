"""Can the figures be read, as JSON with their meaning and as lines for a spreadsheet?"""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from router.calls.call import Ending
from router.calls.figures import DEFINITIONS
from router.storage.access_schema import Role
from router.storage.recorder import Recorder
from tests.storage.stories import SOON, after, answered
from tests.web.conftest import Office

URL = "/api/v1/reports/calls"


async def busy(office: Office) -> None:
    """Three calls of Monday noon: two that Jonas took, and one whose caller gave up."""
    recorder = Recorder(office.db)
    for number in range(2):
        recorder.record(answered(f"pbx:{number}"))
    recorder.record(replace(answered("pbx:2"), taken_at=None, taken_by=None, ending=Ending.GAVE_UP))
    assert await recorder.drain(SOON) == 0
    office.now = after(0) + timedelta(hours=3)


async def test_a_report_says_what_its_figures_mean(either_office: Office) -> None:
    office = either_office
    await busy(office)

    told = (await office.get(f"{URL}?by=line")).json()

    assert told["definitions"] == DEFINITIONS
    assert (told["total"]["calls"], told["total"]["answered_share"], told["total"]["seconds_median"]) == (
        3,
        0.6667,
        4.0,
    )
    (line,) = told["groups"]
    assert (line["key"], line["name"], line["gave_up"]) == (1, "Business", 1)
    assert (told["from"], told["to"]) == ("2026-02-23T20:00:00+00:00", "2026-03-02T20:00:00+00:00")


@pytest.mark.parametrize("by", ["line", "desk", "person", "day", "hour"])
async def test_a_report_is_divided_as_it_is_asked_for(office: Office, by: str) -> None:
    await busy(office)
    groups = (await office.get(f"{URL}?by={by}")).json()["groups"]
    assert sum(group["calls"] for group in groups) == 3
    expected = {
        "line": ["Business"],
        "desk": ["Coordinators"],
        "person": ["Jonas", "nobody"],
        "day": ["2026-03-02"],
        "hour": ["12:00"],
    }
    assert [group["name"] for group in groups] == expected[by]


async def test_a_spreadsheet_gets_a_line_for_each_group_and_the_total(office: Office) -> None:
    await busy(office)
    asked = await office.get(f"{URL}?by=person&format=csv")
    head, *lines = csv.reader(io.StringIO(asked.text))
    assert asked.headers["content-type"] == "text/csv; charset=utf-8"
    assert head == ["person", "name", *DEFINITIONS]
    assert [(line[1], line[2]) for line in lines] == [("Jonas", "2"), ("nobody", "1"), ("total", "3")]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("from=2026-03-02T12:00:00Z&to=2026-03-02T11:00:00Z", "must end after it begins"),
        ("from=2024-01-01T00:00:00Z&to=2026-03-02T11:00:00Z", "at most 366 days"),
        ("by=weather", "line"),
    ],
)
async def test_what_cant_be_reported_is_refused_with_what_can(office: Office, asked: str, why: str) -> None:
    answer = await office.get(f"{URL}?{asked}")
    assert answer.status_code == 422
    assert why in answer.json()["detail"]


async def test_a_report_needs_a_key_and_any_will_do(office: Office) -> None:
    assert (await office.get(URL, role=None)).status_code == 401
    assert (await office.get(URL, role=Role.VIEWER)).status_code == 200
