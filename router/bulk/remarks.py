"""What is to be said of a file, and of which row and column?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

TOLD_AT_MOST = 100  # of each kind; who has more of them has one fault in many rows, and sees which


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about a cell. Rows are counted as spreadsheets do: the header is row 1; 0 means the whole file."""

    file: str
    row: int = 0
    column: str = ""
    sentence: str

    @property
    def line(self) -> str:
        """All of it as one line of text."""
        where = [self.file, f"row {self.row}" if self.row else "", self.column]
        return f"{', '.join(part for part in where if part)}: {self.sentence}"


class ImportRefused(Exception):
    """An import that is not made; everything that is wrong with it, at once. Nothing was changed."""

    def __init__(self, faults: Sequence[Remark], remarks: Sequence[Remark] = ()) -> None:
        super().__init__("; ".join(fault.line for fault in faults[:TOLD_AT_MOST]))
        self.faults = tuple(faults)
        self.remarks = tuple(remarks)


def told(remarks: Sequence[Remark], *, everything: bool = False) -> dict[str, Any]:
    """As JSON: how many there are, and the first of them."""
    first = remarks if everything else remarks[:TOLD_AT_MOST]
    return {"count": len(remarks), "first": [asdict(remark) for remark in first]}
