"""Would a caller find nobody by the table, and whom would a stranger reach now?"""

import asyncio
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

from router.calls.answering import NONE, told, who_answers
from router.calls.presence import Presences
from router.installation.finding import Finding, fault, good, left_out, warning
from router.installation.premises import Premises
from router.routing.decide import CallFacts
from router.routing.explain import sentence
from router.routing.model import LineKind, PersonState, PhoneKind
from router.routing.numbers import read_number
from router.routing.problem import is_warning, say
from router.routing.problems import problems
from router.routing.reach import usable_phones
from router.routing.table import Table

PROBLEMS, EXTERNAL, SAMPLE = "problems", "external phones", "sample call"

MOST_TOLD = 10  # problems; `router check` tells all, with the way to each
STRANGER = "+9990000000"  # a country code that nobody has, so no account has a number there


async def look_at_table(premises: Premises, table: Table | None, presences: Presences) -> AsyncIterator[Finding]:
    """What `router check` finds, phones that never ring, and one call explained."""
    if table is None:
        yield left_out(PROBLEMS, "could not be looked for: there is no table to look through")
        return
    yield _external(table)
    yield _sample(premises, table, presences)
    zone = ZoneInfo(table.time_zone)
    # a large table takes seconds, in which the PBX's answers are waited for on this loop
    found = await asyncio.to_thread(problems, table, premises.now())
    for problem in found[:MOST_TOLD]:
        made = warning if is_warning(problem) else fault
        yield made(PROBLEMS, say(problem, zone))
    if len(found) > MOST_TOLD:
        yield fault(PROBLEMS, f"and {len(found) - MOST_TOLD} more: `router check` tells all, with the way to each")
    if not found:
        yield good(PROBLEMS, "no caller of the coming year would find nobody")


def _external(table: Table) -> Finding:
    working = [person for person in table.people.values() if person.state is not PersonState.LEFT]
    outside = {
        person.name: phone
        for person in working
        for phone in person.phones
        if phone.kind is PhoneKind.EXTERNAL and phone.enabled
    }
    never = [
        person.name
        for person in working
        if person.name in outside and outside[person.name] not in usable_phones(person, table.external_prefixes)
    ]
    if not outside:
        return good(EXTERNAL, "nobody has one")
    if not never:
        return good(EXTERNAL, f"{len(outside)}, all allowed by ROUTER_EXTERNAL_PREFIXES")
    if not table.external_prefixes:
        return good(EXTERNAL, f"{len(outside)}, none of which ever rings, since ROUTER_EXTERNAL_PREFIXES allows none")
    return warning(
        EXTERNAL,
        f"those of {', '.join(sorted(never))} never ring: add how they begin to ROUTER_EXTERNAL_PREFIXES, or take the"
        " phones away",
    )


def _sample(premises: Premises, table: Table, presences: Presences) -> Finding:
    lines = sorted(table.lines.values(), key=lambda line: (line.kind is not LineKind.BUSINESS, line.id))
    if not lines:
        return fault(SAMPLE, "there is no line yet, so every call goes to the safety net: add one (README.md, the API)")
    line = lines[0]
    zone = ZoneInfo(table.time_zone)
    call = CallFacts(dialled=line.number, caller=read_number(STRANGER, table.region))
    answering = who_answers(call, table, presences, NONE, premises.now(), zone)
    who = f"a caller without account who dials {line.label or line.number} now"
    explained = f"{who}: {sentence(answering.decision, zone)} {told(answering, zone)[-1]}"
    if answering.answered is None:
        return fault(SAMPLE, f"{explained} Let somebody sign in (`router presence list` shows who could)")
    return good(SAMPLE, explained)
