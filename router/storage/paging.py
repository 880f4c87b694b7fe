"""Which part of a long list comes next?

A page ends with a cursor: the order, where in it the last object stands, and its id, which tells those apart that stand
at the same place. So nothing is shown twice or left out, whatever is added meanwhile. Every list takes this way.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, Integer, Select, String, Text, and_, or_

from router.storage.columns import UtcTime
from router.storage.database import StorageError


class BadCursor(StorageError):
    """A cursor that no answer of ours contained; the message says what to do."""


def in_order(query: Select[Any], order: str, column: Column[Any], key: Column[Any], cursor: str | None) -> Select[Any]:
    """The query in this order, from the cursor on. `order` names the column, which is never empty, - in front falls.

    Raises BadCursor.
    """
    falls = order.startswith("-")
    query = query.order_by(*(one.desc() if falls else one.asc() for one in (column, key)))
    if cursor is None:
        return query
    last, last_key = _read(cursor, order, column, key)
    beyond = [one < value if falls else one > value for one, value in ((column, last), (key, last_key))]
    return query.where(or_(beyond[0], and_(column == last, beyond[1])))


def cursor_after(order: str, value: object, key: object) -> str:
    """The cursor of what follows an object that has this value in that order, and this id."""
    told = value.isoformat() if isinstance(value, datetime) else value
    return urlsafe_b64encode(json.dumps([order, told, key]).encode()).decode().rstrip("=")


def _read(cursor: str, order: str, column: Column[Any], key: Column[Any]) -> tuple[Any, Any]:
    try:
        its_order, last, last_key = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(column.type, UtcTime | DateTime):
            last = datetime.fromisoformat(last)
        right = its_order == order and _fits(last, column) and _fits(last_key, key)
    except (ValueError, TypeError, binascii.Error):
        right, last, last_key = False, None, None
    if not right:
        raise BadCursor("this cursor is none of ours, or of another order: begin without one, and take the next's")
    return last, last_key


def _fits(value: object, column: Column[Any]) -> bool:
    """Whether the database can compare it with the column."""
    match column.type, value:
        case ((UtcTime() | DateTime()), datetime(tzinfo=zone)):
            return zone is not None
        case Integer(), int():
            return type(value) is int and abs(value) < 2**31
        case ((String() | Text()), str()):
            return "\0" not in value
        case _:
            return False
