"""How do a PBX, a company, the router, phones and callers stand together?"""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from router.lab.asterisk import PrivateAsterisk
from router.lab.phones import Callers, Phones
from router.lab.ports import LOOPBACK
from router.lab.process import RouterFailed, RouterProcess
from router.lab.scenarios import Answers, Behaviour, PlacedCall
from router.lab.witness import Evidence, Placed, Text, evidence, placed, texts
from router.storage.access_schema import Role
from router.storage.company import Company, save_company
from router.storage.database import Database
from router.storage.keys import new_key
from router.storage.migrate import upgrade

RECORDED_WITHIN = 5.0  # seconds until calls that ended are on record; 0.1 is usual
DIALLED_WITHIN = 15.0  # seconds to wait for the router's word and to listen to the voice; 3 are usual
LOOK_EVERY = 0.05  # seconds between two looks at something that has no event to wait for
KEY_LASTS = timedelta(days=1)
FIRST_PICKS_UP = 0.15  # seconds
NEXT_PICKS_UP = 0.05  # seconds after the one before: people don't lift two receivers in the same millisecond


def endpoints_of(company: Company) -> tuple[str, ...]:
    """The SIP endpoints of everybody who works there, in the order of the people."""
    return tuple(phone.endpoint for person in company.people for phone in person.phones if phone.endpoint)


def everybody_picks_up(company: Company) -> dict[str, Behaviour]:
    """Every phone of the company answers, one a little after the other."""
    return {
        endpoint: Answers(after=FIRST_PICKS_UP + NEXT_PICKS_UP * place)
        for place, endpoint in enumerate(endpoints_of(company))
    }


class Stand:
    """One company behind one private Asterisk, with a router of its own, in `folder`.

    The PBX runs already and knows `phones`, all at `phones_port`. `behaviours` say how a phone behaves; who isn't named
    picks up. External phones, at `outside_port`, are among them by their numbers, and there who isn't named doesn't
    exist. `ami_port` is another door to the same AMI (a proxy), `settings` are further ROUTER_* variables.
    `only` makes its router one half of one; what the other half needs is `environment`.
    Without `wait` nobody waits until the router is ready, which it isn't before there is a company.

        with Stand(folder, pbx, "sqlite:///…", SAMPLE, phones_port=5070) as stand:
            seen = stand.place([PlacedCall(caller="+15550111", dialled="+15550100")])
    """

    def __init__(
        self,
        folder: Path,
        pbx: PrivateAsterisk,
        database: str,
        company: Company,
        *,
        phones_port: int,
        outside_port: int | None = None,
        behaviours: Mapping[str, Behaviour] | None = None,
        ami_port: int | None = None,
        settings: Mapping[str, str] | None = None,
        only: str | None = None,
        wait: bool = True,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.pbx = pbx
        self.database = database
        self._company = company
        self._phones_port = phones_port
        self._wait = wait
        self._behaviours = everybody_picks_up(company) | dict(behaviours or {})
        self._batches = itertools.count(1)
        self.begin()
        self.key = furnish(database, company)
        self.environment = {
            "ROUTER_AMI_PORT": str(ami_port or pbx.ami_port),
            "ROUTER_AMI_SECRET": pbx.lab.ami_secret,
            "ROUTER_DATABASE": database,
        } | dict(settings or {})
        self.router = RouterProcess(folder, self.environment, http_port=pbx.ports.passing(), key=self.key, only=only)
        desk = {name: manner for name, manner in self._behaviours.items() if not name.startswith("+")}
        self.phones = Phones(folder / "phones", pbx.files, pbx.ports, desk, port=phones_port)
        self.outside: Phones | None = None
        if outside_port is not None:
            external = {name: manner for name, manner in self._behaviours.items() if name.startswith("+")}
            self.outside = Phones(folder / "outside", pbx.files, pbx.ports, external, port=outside_port)

    def __enter__(self) -> Self:
        try:
            for phones in self._all_phones():
                phones.__enter__()
            self.router.start(wait=self._wait)
        except BaseException:
            self._switch_off()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.router.stop()
        finally:
            self._switch_off()

    def _all_phones(self) -> list[Phones]:
        return [phones for phones in (self.phones, self.outside) if phones is not None]

    def _switch_off(self) -> None:
        for phones in self._all_phones():
            phones.stop()

    def begin(self) -> None:
        """Count anew: calls placed before are neither seen nor among the records from here on."""
        self._logs: list[Path] = []
        self._began = datetime.now(UTC)

    def start_calls(self, calls: Sequence[PlacedCall], per_second: float = 20.0) -> Callers:
        """Begin to place these calls; wait for them with `.wait()`."""
        folder = self.folder / f"callers-{next(self._batches)}"
        callers = Callers(
            folder, self.pbx.files, self.pbx.ports, calls, to_port=self.pbx.sip_port, per_second=per_second
        )
        callers.start()
        self._logs.append(callers.messages)
        return callers

    def place(self, calls: Sequence[PlacedCall], per_second: float = 20.0) -> None:
        """Place these calls and wait until all are over and every channel is gone."""
        self.start_calls(calls, per_second).wait()
        self.pbx.wait_until_quiet()

    def dial(self, *dialled: tuple[str, str], listens: float | None = 0.5) -> list[Placed]:
        """People dial on their own phones, (phone, what) in this order, and listen so many seconds (None: to the end).

        Nobody else is called by that, so they are none of the calls that are counted.
        """
        folder = self.folder / f"dialled-{next(self._batches)}"
        calls = [PlacedCall(caller=phone, dialled=what, talks=listens) for phone, what in dialled]
        to_port = self.pbx.sip_port
        callers = Callers(folder, self.pbx.files, self.pbx.ports, calls, to_port=to_port, address=LOOPBACK)
        callers.start()
        callers.wait(DIALLED_WITHIN)
        return placed(callers.messages)

    def texts(self) -> list[Text]:
        """What the desk phones were given for their displays since the beginning."""
        return [text for text in texts(self.phones.messages) if text.at >= self._began]

    def records(self) -> list[dict[str, Any]]:
        """The records of the calls placed here, oldest first. The router must run."""
        found = reversed(self.router.calls())
        return [record for record in found if datetime.fromisoformat(record["arrived_at"]) >= self._began]

    def wait_until_recorded(self, count: int, within: float = RECORDED_WITHIN) -> list[dict[str, Any]]:
        """The records, as soon as there are `count` of calls that ended with all their legs.

        The legs hang up on channels of their own, so their ends may be written a moment after the caller's. Raises
        RouterFailed after `within` seconds.
        """
        deadline = time.monotonic() + within
        while True:
            records = self.records()
            ended = sum(1 for record in records if record["ended_at"] and all(leg["result"] for leg in record["legs"]))
            if ended == count == len(records):
                return records
            if time.monotonic() > deadline:
                raise RouterFailed(
                    f"{len(records)} records, {ended} of calls that ended, instead of {count}: "
                    + self.router.last_words()
                )
            time.sleep(LOOK_EVERY)

    def seen(self, *others: Path, one_at_a_time: bool = False) -> Evidence:
        """What the phones and all callers so far have seen; `others` are logs of further callers."""
        phones = [phones.messages for phones in self._all_phones()]
        found = evidence([*self._logs, *others], phones, one_at_a_time=one_at_a_time)
        return replace(found, strangers=tuple(leg for leg in found.strangers if leg.invited_at >= self._began))


def furnish(database: str, company: Company) -> str:
    """Put the company into the database, made anew or kept; returns an API key that opens it for a day."""
    upgrade(database)
    return asyncio.run(_furnish(database, company))


async def _furnish(database: str, company: Company) -> str:
    db = Database(database)
    try:
        now = datetime.now(UTC)
        await save_company(db, company, now)
        return await new_key(db, "lab", Role.ADMIN, expires_at=now + KEY_LASTS)
    finally:
        await db.close()
