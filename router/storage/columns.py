"""What are the columns of our tables made of, and what are their constraints called?"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, DateTime, Dialect, Enum, MetaData, TypeDecorator, text

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

BEFORE = text("'1970-01-01 00:00:00'")  # when a row was written that nobody kept the time of

metadata = MetaData(naming_convention=NAMES)


class UtcTime(TypeDecorator[datetime]):
    """An instant: aware and in UTC in Python, whatever the database makes of it. A naive one raises ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} says no time zone: instants are aware and in UTC")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def updated_at() -> Column[datetime]:
    """When the row was last written, by the clock of who wrote it: for programs that ask what is new since they asked.

    It is given by itself with every insert and update, so that nothing that writes a row can forget it.
    """
    return Column("updated_at", UtcTime, nullable=False, default=_now, onupdate=_now, server_default=BEFORE)


def _now() -> datetime:
    return datetime.now(UTC)


def one_of(name: str, choices: type[StrEnum], *, nullable: bool = False, length: int = 16) -> Column[str]:
    """An enumeration, kept as the words it is told in; a CHECK refuses all others."""

    def values(of: type[StrEnum]) -> Sequence[str]:
        return [choice.value for choice in of]

    kind = Enum(choices, name=name, native_enum=False, create_constraint=True, values_callable=values, length=length)
    return Column(name, kind, nullable=nullable)


def holds(name: str, condition: str) -> CheckConstraint:
    """A condition that every row fulfils; its name begins with the table's."""
    return CheckConstraint(condition, name=name)
