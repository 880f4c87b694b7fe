"""Is the router ready to steer calls, and if not, why?"""

from dataclasses import dataclass

LATE_RECORDS = 30.0  # seconds; a database that restarts is back by then, so whoever reads of it should look


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the parts stand at this moment. Ages are in seconds.

    `table_age` is the time since the database last said which table is the newest, None when it never did;
    `records_age` how long the oldest record that is not in the database yet has waited, None when none does;
    `guard_why` why the voicemail guard doesn't watch, empty when it does or isn't wanted.
    """

    link_up: bool
    link_why: str
    table_version: int | None
    table_age: float | None
    table_trouble: str
    records_waiting: int
    records_age: float | None
    guard_why: str = ""


def reasons_not_ready(standing: Standing) -> list[str]:
    """Why calls are not steered, one sentence each; empty when they are. Meanwhile they ring the coordinators."""
    reasons = []
    if standing.table_version is None:
        reasons.append(f"No routing table could be loaded yet: {standing.table_trouble or 'the database is read'}.")
    if not standing.link_up:
        reasons.append(f"The PBX can't be heard: {standing.link_why or 'not logged in yet'}.")
    return reasons


def warnings(standing: Standing) -> list[str]:
    """What doesn't keep a call from its person, and should be looked at all the same."""
    found = []
    if standing.table_version is not None and standing.table_trouble:
        age = f"{standing.table_age:.0f} s" if standing.table_age is not None else "ever"
        found.append(f"The table may be outdated, it was last confirmed {age} ago: {standing.table_trouble}.")
    if standing.records_age is not None and standing.records_age > LATE_RECORDS:
        found.append(
            f"{standing.records_waiting} records wait for the database, the oldest {standing.records_age:.0f} s."
        )
    if standing.guard_why:
        found.append(f"The voicemail guard does not watch: {standing.guard_why}.")
    return found
