"""What is to be said of a file, and of which row and column?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from router.routing.hiding import without_ends

PRIVATE = "phones"  # the column, of people alone, in which there are numbers that take a right of their own
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


def told(remarks: Sequence[Remark], *, everything: bool = False, private: bool = True) -> dict[str, Any]:
    """As JSON: how many there are, and the first of them. Without `private` people's own numbers lose their ends."""
    first = remarks if everything else remarks[:TOLD_AT_MOST]
    return {"count": len(remarks), "first": [asdict(remark if private else _hidden(remark)) for remark in first]}


def _hidden(remark: Remark) -> Remark:
    return replace(remark, sentence=without_ends(remark.sentence)) if remark.column == PRIVATE else remark
