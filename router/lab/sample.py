"""Who works at the company that the demo is told of?

A small one, complete enough that every way a decision can go is in it. All numbers are from the range that is kept for
fiction (555-01xx in each area code), so none of them can ever ring a real phone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from router.routing.callers import CallerRow
from router.routing.model import (
    Account,
    ClosedBy,
    Cover,
    Desk,
    Hours,
    Job,
    JobState,
    Lead,
    Line,
    LineKind,
    Opening,
    Override,
    OverrideAction,
    Person,
    PersonState,
    Phone,
    PhoneKind,
    Rule,
    SpecialDays,
    Strategy,
)
from router.storage.company import Company

REGION = "US"
TIME_ZONE = "America/New_York"

BUSINESS_LINE = "+12125550100"
FELIX_LINE = "+12125550101"
GRETA_LINE = "+12125550102"
HUGO_LINE = "+12125550103"  # Hugo has left; people still call him
SHOWROOM_LINE = "+12125550104"  # the showroom is being rebuilt; the service desk is on duty for it
FAIR_LINE = "+12125550105"  # diverted to the service desk
NO_LINE = "+12125550177"  # belongs to the company's trunk, but nobody has made it a line

STRANGER = "+16465550199"
BIRCH = "+12025550111"  # a running job, looked after by somebody else than the account
CEDAR = "+12025550122"  # no job, an account manager
DOGWOOD = "+12025550133"  # the account manager is away, a deputy stands in
ELM = "+12025550144"  # two running jobs of two managers
FIR = "+14155550157"  # any number of the company's own block
GINKGO = "+12025550166"  # no account manager, but a desk of its own
HAZEL = "+13035550177"  # from Denver: two rules fit, the first in order decides
IVY = "+12025550188"  # a job that is done, so the account manager
JUNIPER = "+12025550155"  # the account manager is away, but the running job has another
KAURI = "+12025550100"  # nobody looks after it: the line's own desk
LARCH = "+12025550190"  # the account manager has left, and somebody has taken over
DENVER = "+13035550123"  # no customer; a rule sends callers from there to the service desk

ANNA, BEN, CARLA, DORA, EMIL, FELIX, GRETA, HUGO, IDA, JONAS, KARL, LENA, NOAH = range(1, 14)
COORDINATORS, SERVICE = 1, 2
AROUND_THE_CLOCK, SHOWROOM_HOURS = 1, 2


# So far apart that every story is the same whenever it is told.
_LONG_AGO, _FAR_OFF = datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)


def _desk_phone(person: int, endpoint: str) -> tuple[Phone, ...]:
    return (Phone(id=person, person=person, kind=PhoneKind.DESK, endpoint=endpoint),)


def _private_mobile(person: int, number: str) -> tuple[Phone, ...]:
    return (Phone(id=person, person=person, kind=PhoneKind.EXTERNAL, number=number),)


_PEOPLE = (
    Person(id=ANNA, name="Anna", short_number="11", phones=_desk_phone(ANNA, "anna")),
    Person(id=BEN, name="Ben", short_number="12", phones=_desk_phone(BEN, "ben")),
    Person(id=CARLA, name="Carla", short_number="13", phones=_desk_phone(CARLA, "carla")),
    Person(id=DORA, name="Dora", short_number="14", phones=_desk_phone(DORA, "dora")),
    Person(id=EMIL, name="Emil", short_number="15", phones=_desk_phone(EMIL, "emil")),
    Person(id=FELIX, name="Felix", short_number="21", phones=_private_mobile(FELIX, "+19175550101")),
    Person(id=GRETA, name="Greta", short_number="22", phones=_private_mobile(GRETA, "+19175550102")),
    Person(id=HUGO, name="Hugo", state=PersonState.LEFT),
    Person(id=IDA, name="Ida", short_number="31", phones=_desk_phone(IDA, "ida")),
    Person(id=JONAS, name="Jonas", short_number="32", phones=_desk_phone(JONAS, "jonas")),
    Person(id=KARL, name="Karl", short_number="33", phones=_desk_phone(KARL, "karl"), state=PersonState.AWAY),
    Person(id=LENA, name="Lena", short_number="34", phones=_desk_phone(LENA, "lena")),
    Person(id=NOAH, name="Noah", state=PersonState.LEFT),
)

_DESKS = (
    Desk(id=COORDINATORS, name="Coordinators", slot=1, safety_net=True, members=(ANNA, BEN, CARLA)),
    Desk(
        id=SERVICE,
        name="Service",
        slot=1,
        strategy=Strategy.LONGEST_IDLE,
        next_desk=COORDINATORS,
        members=(DORA, EMIL),
    ),
)

_LINES = (
    Line(
        id=1,
        number=BUSINESS_LINE,
        label="Business",
        kind=LineKind.BUSINESS,
        desk=COORDINATORS,
        hours=AROUND_THE_CLOCK,
    ),
    *(
        Line(
            id=id_,
            number=number,
            label=f"Sales {name}",
            kind=LineKind.SALESPERSON,
            person=person,
            desk=COORDINATORS,
            hours=AROUND_THE_CLOCK,
        )
        for id_, number, name, person in (
            (2, FELIX_LINE, "Felix", FELIX),
            (3, GRETA_LINE, "Greta", GRETA),
            (4, HUGO_LINE, "Hugo", HUGO),
        )
    ),
    Line(
        id=5,
        number=SHOWROOM_LINE,
        label="Showroom",
        kind=LineKind.BUSINESS,
        desk=COORDINATORS,
        hours=SHOWROOM_HOURS,
        closed_by=ClosedBy.DUTY,
        duty_desk=SERVICE,
    ),
    Line(id=6, number=FAIR_LINE, label="Trade fair", kind=LineKind.BUSINESS, desk=COORDINATORS),
)

_ACCOUNTS = (
    Account(id=1, name="Birch & Sons", manager=IDA, deputies=(LENA,)),
    Account(id=2, name="Cedar Bakery", manager=JONAS),
    Account(id=3, name="Dogwood Dental", manager=KARL, deputies=(LENA,)),
    Account(id=4, name="Elm Logistics", manager=IDA),
    Account(id=5, name="Fir Furniture", manager=JONAS, deputies=(IDA, LENA)),
    Account(id=6, name="Ginkgo Gardens", desk=SERVICE),
    Account(id=7, name="Hazel Hotels", manager=IDA, priority=10),
    Account(id=8, name="Ivy Insurance", manager=JONAS, deputies=(LENA,)),
    Account(id=9, name="Juniper Joinery", manager=KARL, deputies=(LENA,)),
    Account(id=10, name="Kauri Kayaks"),
    Account(id=11, name="Larch Labs", manager=NOAH, deputies=(LENA,)),
)

_NUMBERS = (BIRCH, CEDAR, DOGWOOD, ELM, None, GINKGO, HAZEL, IVY, JUNIPER, KAURI, LARCH)  # of the accounts 1 … 11
_FIR_BLOCK = "+141555501"

_JOBS = (
    Job(id=1, account=1, title="Kitchen for the new shop", manager=JONAS, salesperson=FELIX),
    Job(id=2, account=4, title="Loading ramps", manager=IDA, salesperson=FELIX),
    Job(id=3, account=4, title="Warehouse lighting", manager=JONAS, salesperson=GRETA),
    Job(id=4, account=8, title="Front desk", manager=IDA, salesperson=GRETA, state=JobState.CLOSED),
    Job(id=5, account=9, title="Workshop floor", manager=IDA, salesperson=HUGO),
)

_RULES = (
    Rule(id=1, priority=10, label="Hazel Hotels: Lena knows the file", account=7, then=Lead.PERSON, person=LENA),
    Rule(
        id=2,
        priority=20,
        label="Denver to Service",
        caller="+1303",
        caller_is_prefix=True,
        then=Lead.DESK,
        desk=SERVICE,
    ),
)

_HOURS = (
    Hours(
        id=AROUND_THE_CLOCK,
        name="Around the clock",
        time_zone=TIME_ZONE,
        week=tuple([Opening(weekday=day, opens=0, closes=1440) for day in range(7)]),
    ),
    Hours(
        id=SHOWROOM_HOURS,
        name="Showroom",
        time_zone=TIME_ZONE,
        country="US",
        subdivision="NY",
        week=tuple([Opening(weekday=day, opens=600, closes=1080) for day in range(5)]),
        days=(SpecialDays(first_day=_LONG_AGO.date(), last_day=_FAR_OFF.date(), label="Rebuilding"),),
    ),
)

_COVERS = (Cover(id=1, person=NOAH, by_person=IDA, starts_at=_LONG_AGO, reason="Ida has taken over"),)

_OVERRIDES = (
    Override(
        id=1,
        line=6,
        action=OverrideAction.DIVERT,
        to_desk=SERVICE,
        starts_at=_LONG_AGO,
        ends_at=_FAR_OFF,
        reason="Service runs the stand",
    ),
)


def _numbers() -> Iterator[CallerRow]:
    for account, number in enumerate(_NUMBERS, 1):
        if number is not None:
            yield int(number), False, account
    yield int(_FIR_BLOCK), True, 5


SAMPLE = Company(
    people=_PEOPLE,
    desks=_DESKS,
    lines=_LINES,
    aliases={"5550100": 1, "5550101": 2, "5550102": 3, "5550103": 4},  # as a local trunk would deliver them
    accounts=_ACCOUNTS,
    numbers=tuple(_numbers()),
    jobs=_JOBS,
    rules=_RULES,
    hours=_HOURS,
    covers=_COVERS,
    overrides=_OVERRIDES,
)
