"""How far have old records lost the ends of their numbers?"""

from enum import StrEnum

from sqlalchemy import Column, Table, Text

from router.storage.columns import UtcTime, metadata, one_of


class Kind(StrEnum):
    """What is gone through, each in an order in which nothing comes in behind.

    Legs go with their call, and what was told of a commitment goes with it.
    """

    CALLS = "calls"
    COMMITMENTS = "commitments"
    ORDERS = "orders"
    AUDIT = "audit"
    IMPORTS = "imports"


# Everything up to `reached` (at `reached_at`, where the order is one of time) has been gone through. Whoever first
# moves `next_at` on does the next pass.
retention = Table(
    "retention",
    metadata,
    Column("kind", one_of("kind", Kind).type, primary_key=True),
    Column("reached_at", UtcTime),
    Column("reached", Text, nullable=False),
    Column("next_at", UtcTime, nullable=False),
)
