"""Does the API give the very answer the live path would give?"""

from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.calls.events import CallArrived, Presented
from router.calls.presence import Presence
from router.calls.tracker import Calls
from router.lab.sample import (
    ANNA,
    BIRCH,
    BUSINESS_LINE,
    CEDAR,
    ELM,
    FELIX_LINE,
    GRETA_LINE,
    JONAS,
    NO_LINE,
    STRANGER,
    TIME_ZONE,
)
from router.routing.explain import as_json
from tests.sample_database import MONDAY_NOON
from tests.web.conftest import Office


async def test_a_customer_with_a_running_job_reaches_its_account_manager_and_the_answer_says_why(
    office: Office,
) -> None:
    answer = await office.ask("POST", "/api/v1/explain", body={"caller": BIRCH, "line": BUSINESS_LINE})

    said = answer.json()
    assert answer.status_code == 200
    assert said["decision"]["steps"][0]["name"] == "Jonas"
    assert said["sentence"].startswith("Jonas (account manager) for 20 s")
    assert said["sentences"][0] == "Birch & Sons has a running job 'Kitchen for the new shop'."


async def test_it_is_asked_for_now_unless_an_instant_is_given(office: Office) -> None:
    question = {"caller": STRANGER, "line": BUSINESS_LINE}

    now = await office.ask("POST", "/api/v1/explain", body=question)
    later = await office.ask("POST", "/api/v1/explain", body={**question, "at": "2026-07-01T09:00:00-04:00"})

    assert now.json()["decision"]["decided_at"] == "2026-03-02T17:00:00Z"
    assert later.json()["decision"]["decided_at"] == "2026-07-01T13:00:00Z"


async def test_an_instant_without_a_time_zone_is_refused_because_it_says_no_moment(office: Office) -> None:
    question = {"caller": STRANGER, "line": BUSINESS_LINE, "at": "2026-07-01T09:00:00"}

    answer = await office.ask("POST", "/api/v1/explain", body=question)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/at"


async def test_without_a_table_nobody_can_say(office: Office) -> None:
    office.table = None

    answer = await office.ask("POST", "/api/v1/explain", body={"caller": STRANGER, "line": BUSINESS_LINE})

    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:router:problem:no-table"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    caller=st.sampled_from([BIRCH, CEDAR, ELM, STRANGER, "5550199", "*31", ""]),
    line=st.sampled_from([BUSINESS_LINE, FELIX_LINE, GRETA_LINE, NO_LINE, "5550101", ""]),
)
async def test_the_explanation_is_the_decision_a_real_call_gets(office: Office, caller: str, line: str) -> None:
    presented = Presented.NUMBER if caller else Presented.WITHHELD
    arrived = CallArrived(
        call_id="pbx:1", channel="PJSIP/1", dialled=line, caller=caller, presented=presented, at=MONDAY_NOON
    )
    calls = Calls()
    calls.step(arrived, office.table)
    live = calls.get("pbx:1")

    answer = await office.ask("POST", "/api/v1/explain", body={"caller": caller, "line": line})

    assert live is not None
    assert live.decision is not None
    assert answer.json()["decision"] == as_json(live.decision, ZoneInfo(TIME_ZONE))


async def test_it_can_be_asked_what_would_be_if_somebody_were_away_or_on_the_phone(office: Office) -> None:
    question = {"caller": BIRCH, "line": BUSINESS_LINE}

    usual = (await office.ask("POST", "/api/v1/explain", body=question)).json()
    busy = (await office.ask("POST", "/api/v1/explain", body={**question, "busy": ["jonas"]})).json()
    away = (await office.ask("POST", "/api/v1/explain", body={**question, "away": [JONAS]})).json()

    assert [one["answered_by"]["people"][0]["name"] for one in (usual, busy, away)] == ["Jonas", "Ida", "Ida"]
    assert busy["decision"] == usual["decision"], "that a phone is in use is found out by the PBX"
    assert [step["fate"] for step in busy["walk"]][:2] == ["passed_over", "rings"]
    assert busy["walk_sentences"][0] == "Jonas is on the phone and passed over."
    assert away["decision"]["reasons"][1]["kind"] == "person_away"


async def test_who_is_signed_out_counts_when_it_is_asked_for_now(office: Office) -> None:
    office.presences = {ANNA: Presence(person=ANNA, signed_in=False, since=MONDAY_NOON)}
    question = {"caller": STRANGER, "line": BUSINESS_LINE}

    now = (await office.ask("POST", "/api/v1/explain", body=question)).json()
    later = (await office.ask("POST", "/api/v1/explain", body={**question, "at": "2026-03-03T17:00:00Z"})).json()

    assert "Anna" not in now["answered_by"]["sentence"]
    assert "Anna is signed out since 12:00" in now["walk_sentences"][0]
    assert "Anna" in later["answered_by"]["sentence"]


async def test_what_is_assumed_of_nobody_is_pointed_at(office: Office) -> None:
    body = {"caller": STRANGER, "line": BUSINESS_LINE, "away": [ANNA, 99], "busy": ["nobody"], "empty_desks": [99]}

    answer = await office.ask("POST", "/api/v1/explain", body=body)

    assert answer.status_code == 422
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/body/away/1", "/body/busy/0", "/body/empty_desks/0"]
