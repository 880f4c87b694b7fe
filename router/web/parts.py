"""What do the endpoints need of the rest of the router?"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request

from router.bulk.imports import Imports
from router.calls.presence import Presences
from router.changes.door import Door
from router.routing.table import Table
from router.storage.commitments import Keeper
from router.storage.database import Database
from router.web.figures import Figure, Spread
from router.web.limits import Limits
from router.web.live import Live
from router.web.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything is asked at the moment of a request; nothing here is remembered from one to the next."""

    db: Database
    door: Door
    keeper: Keeper  # of what we owe
    table: Callable[[], Table | None]  # the one that calls are decided from
    standing: Callable[[], Standing]
    figures: Callable[[], Iterable[Figure | Spread]]
    now: Callable[[], datetime]
    bulk: Imports
    live: Live
    pbx: str = "pbx"  # the one that orders are given to
    test_calls_per_hour: int = 20
    private_webhooks: bool = False  # whether events may be sent to this machine and private networks
    limits: Limits = Limits()  # noqa: RUF009 (a frozen value): of those who ask
    presences: Callable[[], Presences] = dict  # what everybody last said of themselves


def parts(request: Request) -> Parts:
    found = request.app.state.parts
    assert isinstance(found, Parts)
    return found
