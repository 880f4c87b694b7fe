"""Is the router ready to steer calls, and if not, why?"""

from dataclasses import dataclass
from datetime import datetime

LATE_RECORDS = 30.0  # seconds; a database that restarts is back by then, so whoever reads of it should look


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the parts stand at this moment. Ages are in seconds.

    `table_age` is the time since the database last said which table is the newest, None when it never did;
    `records_age` how long the oldest record that is not in the database yet has waited, None when none does;
    `guard_why` why the voicemail guard doesn't watch, empty when it does or isn't wanted. `steers`: this process hears
    the PBX, or would if no other did; it `stands_by` when another does. `since`: when it began to stand so to the PBX.
    """

    link_up: bool
    link_why: str
    table_version: int | None
    table_age: float | None
    table_trouble: str
    records_waiting: int
    records_age: float | None
    guard_why: str = ""
    steers: bool = True
    stands_by: bool = False
    since: datetime | None = None

    @property
    def role(self) -> str:
        """What it is among the processes that could speak for the PBX."""
        return "leader" if self.link_up else "standby" if self.stands_by else "cut off"


def reasons_not_ready(standing: Standing) -> list[str]:
    """Why calls are not steered, one sentence each; empty when they are. Meanwhile they ring the coordinators.

    Who stands by is ready when it could take over: another steers the calls.
    """
    reasons = []
    if standing.table_version is None:
        reasons.append(f"No routing table could be loaded yet: {standing.table_trouble or 'the database is read'}.")
    if standing.steers and not standing.link_up and not standing.stands_by:
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


def in_a_sentence(standing: Standing) -> str:
    """How it stands, for who looks at the process and not at the API: what it does, or why it can't."""
    reasons = reasons_not_ready(standing)
    if reasons:
        return " ".join(["Not ready:", *reasons, *warnings(standing)])
    by = f"by table {standing.table_version}"
    if not standing.steers:
        does = f"Answers requests, {by}."
    elif standing.stands_by:
        does = f"Stands by, ready to take over {by}: {standing.link_why or 'another router speaks for this PBX'}."
    else:
        does = f"Steers calls {by}."
    return " ".join([does, *warnings(standing)])
