"""What does every list take?"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from router.changes.fields import LARGEST, PRINTABLE, Instant

PAGE = 50  # objects when nobody says how many: a screen or two
PAGE_AT_MOST = 200

ISO = "2026-03-02T09:00:00Z"


def _with_plus(number: str) -> str:
    """A + in a query arrives as a space unless it was written %2B."""
    return "+" + number[1:] if number.startswith(" ") else number


def _with_offset(instant: object) -> object:
    return re.sub(r" (\d\d:?\d\d)$", r"+\1", instant) if isinstance(instant, str) else instant


QueryId = Annotated[int, Field(ge=1, le=LARGEST)]
QueryNumber = Annotated[str, Field(max_length=64, pattern=PRINTABLE), AfterValidator(_with_plus)]
QueryInstant = Annotated[Instant, BeforeValidator(_with_offset)]


class PageQuery(BaseModel):
    """Which part of the list, and which of them; each list adds its order and its filters."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=PAGE_AT_MOST)] = PAGE
    cursor: Annotated[str, Field(max_length=600)] | None = Field(default=None, description="`next` of the last answer.")
    updated_since: QueryInstant | None = Field(
        default=None, examples=[ISO], description="Written then or later; best with order=updated_at."
    )
    search: Annotated[str, Field(max_length=100, pattern=PRINTABLE)] | None = Field(
        default=None, description="Part of a name, in capitals or not."
    )
