"""Does the router say truly how it is?"""

from dataclasses import replace

import pytest

from router.web.figures import Figure, Spread
from router.web.standing import LATE_RECORDS, Standing, in_a_sentence, reasons_not_ready, warnings
from tests.web.conftest import READY, Office


async def test_the_sign_of_life_needs_no_key_and_no_database(office: Office) -> None:
    await office.lose_database()

    answer = await office.get("/healthz", role=None)

    assert (answer.status_code, answer.json()) == (200, {"alive": True})


async def test_a_router_with_table_and_link_is_ready(office: Office) -> None:
    answer = await office.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "reasons": [],
        "warnings": [],
        "speaker": {"role": "leader", "since": "2026-03-02T17:00:00Z"},
        "link": {"up": True, "why": ""},
        "table": {"version": 1, "age_seconds": 0.1, "trouble": ""},
        "records": {"waiting": 0, "oldest_seconds": None},
    }


async def test_a_router_that_stands_by_is_ready_and_says_so(office: Office) -> None:
    office.standing = replace(READY, link_up=False, stands_by=True, link_why="another router speaks for this PBX")

    answer = await office.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["speaker"]["role"] == "standby"


async def test_a_process_that_only_takes_requests_needs_the_table_and_no_pbx(office: Office) -> None:
    office.standing = replace(READY, link_up=False, steers=False)

    answer = await office.get("/readyz")

    assert answer.status_code == 200
    assert (answer.json()["speaker"], answer.json()["link"], answer.json()["records"]) == (None, None, None)
    assert reasons_not_ready(replace(office.standing, table_version=None)) != []


async def test_a_router_that_does_not_steer_says_why_as_a_problem(office: Office) -> None:
    office.standing = replace(READY, link_up=False, link_why="the PBX refused the login")

    answer = await office.get("/readyz")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:router:problem:not-ready"
    assert answer.json()["reasons"] == ["The PBX can't be heard: the PBX refused the login."]


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (replace(READY, table_version=None, table_trouble="the database fails: locked"), "database fails: locked"),
        (replace(READY, table_version=None), "the database is read"),
        (replace(READY, link_up=False), "not logged in yet"),
    ],
)
def test_each_missing_part_is_a_reason(standing: Standing, said: str) -> None:
    (reason,) = reasons_not_ready(standing)

    assert said in reason


@pytest.mark.parametrize(
    "standing",
    [
        replace(READY, table_age=90, table_trouble="the database fails: gone"),
        replace(READY, records_waiting=3, records_age=LATE_RECORDS + 1),
    ],
)
def test_a_database_that_is_gone_is_a_warning_because_calls_go_on(standing: Standing) -> None:
    assert reasons_not_ready(standing) == []
    assert len(warnings(standing)) == 1


def test_a_guard_that_does_not_watch_is_a_warning_because_calls_go_on() -> None:
    standing = replace(READY, guard_why="the PBX refused the login of router-guard: Authentication failed")

    assert reasons_not_ready(standing) == []
    assert warnings(standing) == [
        "The voicemail guard does not watch: the PBX refused the login of router-guard: Authentication failed."
    ]


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (READY, "Steers calls by table 1."),
        (replace(READY, steers=False, link_up=False), "Answers requests, by table 1."),
        (
            replace(READY, link_up=False, stands_by=True, link_why="another router speaks for this PBX"),
            "Stands by, ready to take over by table 1: another router speaks for this PBX.",
        ),
        (replace(READY, link_up=False, link_why="refused"), "Not ready: The PBX can't be heard: refused."),
        (
            replace(READY, table_age=90, table_trouble="the database is gone"),
            "Steers calls by table 1. The table may be outdated, it was last confirmed 90 s ago: the database is gone.",
        ),
    ],
)
def test_how_it_stands_can_be_said_in_a_sentence(standing: Standing, said: str) -> None:
    assert in_a_sentence(standing) == said


async def test_the_figures_come_out_as_prometheus_reads_them(office: Office) -> None:
    office.figures = (
        Figure(name="calls_arrived", says="Calls", kind="counter", value=3),
        Figure(name="calls_ended", says="Endings", kind="counter", label="ending", values={"answered": 2, "lost": 0}),
        Figure(name="link_up", says="Link", kind="gauge", value=1),
    )

    answer = await office.get("/metrics")

    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/plain")
    assert "router_calls_arrived_total 3.0" in lines
    assert 'router_calls_ended_total{ending="answered"} 2.0' in lines
    assert "router_link_up 1.0" in lines


async def test_how_long_something_took_comes_out_with_each_bucket_holding_all_below_it(office: Office) -> None:
    waits = {"plan": ([2, 1, 1], 40.5)}
    office.figures = (Spread(name="seconds_to_person", says="Seconds", label="path", bounds=(5.0, 10.0), values=waits),)

    lines = (await office.get("/metrics")).text.splitlines()

    assert [line for line in lines if line.startswith("router_seconds_to_person")] == [
        'router_seconds_to_person_bucket{le="5.0",path="plan"} 2.0',
        'router_seconds_to_person_bucket{le="10.0",path="plan"} 3.0',
        'router_seconds_to_person_bucket{le="+Inf",path="plan"} 4.0',
        'router_seconds_to_person_count{path="plan"} 4.0',
        'router_seconds_to_person_sum{path="plan"} 40.5',
    ]


async def test_two_routers_in_one_process_keep_their_figures_apart(office: Office) -> None:
    office.figures = (Figure(name="link_up", says="Link", kind="gauge", value=1),)
    await office.get("/metrics")
    office.figures = (Figure(name="link_up", says="Link", kind="gauge", value=0),)

    answer = await office.get("/metrics")

    assert "router_link_up 0.0" in answer.text.splitlines()
