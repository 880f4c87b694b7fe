"""Who calls whom back, and which number does the customer see?"""

from dataclasses import replace

import pytest

from router.commitments.calling_back import Calling, NotPossible, calling
from router.commitments.commitment import Commitment, Party
from router.commitments.events import Kept
from router.routing.configuration import Entity
from router.routing.model import Line, LineKind
from router.routing.table import Table
from tests.commitments.office import (
    BUSINESS,
    CUSTOMER,
    NOON,
    SVENS,
    UNKNOWN,
    WITHHELD,
    away,
    left,
    minutes,
    missed,
    office,
    owed,
)
from tests.routing.small_company import ANNA, BUSINESS_LINE, CARL, COORDINATORS, MUSTER, STRANGER, SVENS_LINE

HOTLINE = Line(id=9, number="+4940555009", label="Hotline", kind=LineKind.BUSINESS, desk=COORDINATORS.id)


def reachable(*changed: Entity) -> Table:
    """The office, whose customers may be called."""
    return replace(office(*changed), external_prefixes=("+49",))


def called(commitment: Commitment, by: int | None = None, table: Table | None = None) -> Calling:
    found = calling(commitment, by, table or reachable(), NOON)
    assert isinstance(found, Calling), found
    return found


def why_not(commitment: Commitment, by: int | None = None, table: Table | None = None) -> str:
    found = calling(commitment, by, table or reachable(), NOON)
    assert isinstance(found, NotPossible), found
    return found.sentence


def test_the_owner_calls_the_customer() -> None:
    found = called(owed(missed(CUSTOMER)))

    assert (found.person, found.number, found.shown) == (ANNA.id, MUSTER, BUSINESS_LINE)
    assert found.phones == ANNA.phones
    assert found.display == "Call back Muster GmbH"


def test_whoever_says_so_calls_instead_of_the_owner() -> None:
    assert called(owed(missed(CUSTOMER)), by=CARL.id).person == CARL.id


def test_what_a_desk_owns_is_called_by_whoever_says_so_and_by_nobody_else() -> None:
    of_the_desk = owed(missed(UNKNOWN))

    assert "belongs to a desk" in why_not(of_the_desk)
    assert called(of_the_desk, by=CARL.id).number == STRANGER


def test_the_customer_sees_the_business_line_that_they_called() -> None:
    of_the_hotline = owed(missed(Party(account=1, caller=MUSTER, line=HOTLINE.id)))

    assert called(of_the_hotline, table=reachable(HOTLINE)).shown == HOTLINE.number


def test_a_salespersons_line_is_never_shown() -> None:
    of_svens_line = owed(missed(Party(account=1, caller=MUSTER, line=SVENS)))

    assert called(of_svens_line).shown == BUSINESS_LINE


def test_without_a_business_line_nobody_is_called() -> None:
    svens_too = Line(
        id=BUSINESS, number=BUSINESS_LINE, label="Sven 2", kind=LineKind.SALESPERSON, person=ANNA.id, desk=1
    )

    assert "no business line" in why_not(owed(missed(CUSTOMER)), table=reachable(svens_too))


@pytest.mark.parametrize("gone", [away(ANNA), left(ANNA), replace(ANNA, phones=())])
def test_whoever_is_not_there_calls_nobody(gone: Entity) -> None:
    assert "Anna" in why_not(owed(missed(CUSTOMER)), by=ANNA.id, table=reachable(gone))


def test_what_is_kept_already_is_not_called() -> None:
    kept = owed(missed(CUSTOMER), Kept(by=ANNA.id, call_id=None, note="", at=NOON + minutes(5)))

    assert "kept already" in why_not(kept)


@pytest.mark.parametrize(
    ("caller", "why"),
    [
        ("", "withheld"),
        ("0301234", "needs a plus"),
        (SVENS_LINE, "one of our own lines"),
        ("+12025550111", "ROUTER_EXTERNAL_PREFIXES allows +49"),
        ("+499001234567", "premium"),
    ],
)
def test_a_number_that_must_not_be_called_is_not(caller: str, why: str) -> None:
    party = WITHHELD if not caller else Party(account=None, caller=caller, line=BUSINESS)

    assert why in why_not(owed(missed(party)), by=CARL.id)
