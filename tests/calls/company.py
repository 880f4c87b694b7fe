"""Who works at the company these calls are made to?"""

from datetime import UTC, datetime

from router.routing.accounts import Accounts
from router.routing.callers import CallerIndex
from router.routing.configuration import Configuration
from router.routing.model import Account, Desk, Line, LineKind, Person, Phone, PhoneKind
from router.routing.table import Table

MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

BUSINESS_LINE = "+15550100"
CUSTOMER = "+15550177"  # of Birch & Co, whose account manager is Anna
STRANGER = "+15550199"

ANNA = Person(id=1, name="Anna", phones=(Phone(id=1, person=1, kind=PhoneKind.DESK, endpoint="anna"),))
CARL = Person(id=2, name="Carl", phones=(Phone(id=2, person=2, kind=PhoneKind.DESK, endpoint="carl"),))
CORA = Person(id=3, name="Cora", phones=(Phone(id=3, person=3, kind=PhoneKind.DESK, endpoint="cora"),))

COORDINATORS = Desk(id=1, name="Coordinators", slot=1, safety_net=True, members=(CARL.id, CORA.id))


def company(coordinators: Desk = COORDINATORS) -> Table:
    configuration = Configuration(
        region="US",
        time_zone="UTC",
        people=(ANNA, CARL, CORA),
        desks=(coordinators,),
        lines=(Line(id=1, number=BUSINESS_LINE, label="Business", kind=LineKind.BUSINESS, desk=COORDINATORS.id),),
        accounts=Accounts.build([Account(id=1, name="Birch & Co", manager=ANNA.id)]),
        callers=CallerIndex.build([(int(CUSTOMER), False, 1)]),
    )
    return Table.build(configuration, version=1)
