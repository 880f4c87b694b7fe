"""Does a text contain what somebody looks for?"""

from typing import Any

from sqlalchemy import Column, ColumnElement, func


def contains(column: Column[Any], words: str) -> ColumnElement[bool]:
    """Whether the words stand anywhere in it, in capitals or not; what LIKE takes for a sign is none here."""
    escaped = words.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return func.lower(column).like(f"%{escaped}%", escape="\\")
