"""What may be written of people and of desks?"""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from router.changes.fields import (
    E164,
    DeskId,
    Email,
    Endpoint,
    Fields,
    Flag,
    HoursId,
    Id,
    Instant,
    Name,
    Part,
    PersonId,
    ShortNumber,
    Whole,
    Wrong,
    one_of_each,
)
from router.routing.model import ClosedBy, PersonState, PhoneKind, Strategy

PHONES_AT_MOST = 10  # of one person; they ring all at once


class PhoneFields(Part):
    """One way to ring a person: `desk` is a SIP endpoint of the PBX, `external` a number outside.

    The number of an external phone is private: a key without that right reads null. A phone that is sent with its `id`
    and without a number keeps the one it has.
    """

    id: Id | None = Field(default=None, description="Given by the router; send it to keep this phone as it is known.")
    kind: PhoneKind
    endpoint: Endpoint | None = None
    number: E164 | None = None
    ring_seconds: Annotated[Whole, Field(ge=1, le=20)] = 20
    call_waiting: Flag = Field(default=False, description="Ring it also while its person is on the phone.")
    enabled: Flag = True


class PersonFields(Fields):
    """Somebody who works here, or did, with the phones on which they are rung."""

    beside: ClassVar = frozenset({"ref", "email"})

    name: Name
    state: PersonState = PersonState.ACTIVE
    away_until: Instant | None = None
    leaves_at: Instant | None = None
    email: Email | None = None
    hours: HoursId | None = Field(default=None, alias="hours_id")
    short_number: ShortNumber | None = Field(default=None, description="To be dialled from the company's phones.")
    phones: Annotated[tuple[PhoneFields, ...], Field(max_length=PHONES_AT_MOST)] = ()

    def wrong(self) -> Iterator[Wrong]:
        for place, phone in enumerate(self.phones):
            at = f"/phones/{place}"
            if phone.kind is PhoneKind.DESK and phone.endpoint is None:
                yield f"{at}/endpoint", "a desk phone needs the name of its SIP endpoint"
            if phone.kind is PhoneKind.DESK and phone.number is not None:
                yield f"{at}/number", "a desk phone has an endpoint and no number: leave it out, or say external"
            if phone.kind is PhoneKind.EXTERNAL and phone.endpoint is not None:
                yield f"{at}/endpoint", "an external phone has a number and no endpoint: leave it out, or say desk"
            if phone.kind is PhoneKind.EXTERNAL and phone.number is None:
                yield f"{at}/number", "an external phone needs its number, with + and the country code"
        for name in ("id", "endpoint", "number"):
            seen = [getattr(phone, name) for phone in self.phones if getattr(phone, name) is not None]
            if len(set(seen)) != len(seen):
                yield "/phones", f"two phones have the same {name}: leave one of them out"


class DeskFields(Fields):
    """A team that answers together. Its queue in the PBX is found by the router: of each strategy there are 64."""

    name: Name
    strategy: Strategy = Strategy.ALL
    ring_seconds: Annotated[Whole, Field(ge=1, le=3600)] = 300
    wrap_up_seconds: Annotated[Whole, Field(ge=0, le=3600)] = 0
    hours: HoursId | None = Field(default=None, alias="hours_id")
    closed_by: ClosedBy = Field(default=ClosedBy.WAIT, description="What closed hours mean.")
    duty_desk: DeskId | None = Field(default=None, alias="duty_desk_id")
    next_desk: DeskId | None = Field(default=None, alias="next_desk_id")
    lead: PersonId | None = Field(default=None, alias="lead_id")
    safety_net: Flag = Field(
        default=False,
        description="The desk that takes what nobody else takes. There is one: saying true here takes the mark from"
        " the desk that had it.",
    )
    last_resort: E164 | None = Field(default=None, description="An external number, when nobody is left.")
    members: Annotated[tuple[PersonId, ...], AfterValidator(one_of_each), Field(max_length=200)] = Field(
        default=(), alias="member_ids"
    )

    def wrong(self) -> Iterator[Wrong]:
        if self.closed_by is ClosedBy.DUTY and self.duty_desk is None:
            yield "/duty_desk_id", "closed_by says duty: name the desk that is on duty"
