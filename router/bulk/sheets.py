"""What stands in a CSV file, row by row, under which names?

UTF-8 with or without a byte order mark, cells parted by commas, semicolons or tabs, any line ends, quotes as
spreadsheets write them. The first row names the columns, in any order. A file in which something is wrong is read to
its end all the same: everything is told at once.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from router.bulk.remarks import Remark

SEPARATORS = ",;\t"
LONGEST_CELL = 100_000  # characters; an account has at most 1,000 numbers of 17


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    number: int
    cells: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Sheet:
    """A file as it was read; `columns` are the ones it has, in its own order."""

    file: str
    columns: tuple[str, ...] = ()
    rows: list[SheetRow] = field(default_factory=list)
    faults: list[Remark] = field(default_factory=list)

    def fault(self, sentence: str, row: int = 0, column: str = "") -> None:
        self.faults.append(Remark(file=self.file, row=row, column=column, sentence=sentence))


def read_sheet(file: str, content: bytes, known: Sequence[str]) -> Sheet:
    """Read a file whose columns are some of those `known`. Never raises: what is wrong stands in its faults."""
    sheet = Sheet(file=file)
    text = _decoded(sheet, content)
    if text is None:
        return sheet
    head = text[: text.find("\n") + 1] or text
    separator = max(SEPARATORS, key=lambda one: len(set(_cells(head, one)) & set(known)))
    csv.field_size_limit(LONGEST_CELL)
    records = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        sheet.columns = _header(sheet, next(records, []), known)
        if sheet.columns:
            sheet.rows = list(_rows(sheet, records))
    except csv.Error as fault:
        sheet.fault(f"this is no CSV: {fault} (line {records.line_num} of the file)")
    return sheet


def _decoded(sheet: Sheet, content: bytes) -> str | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        sheet.fault(f"line {line} is not UTF-8: save it as 'CSV UTF-8', which every spreadsheet offers")
        return None
    if "\0" in text:
        sheet.fault("it contains NUL characters, so it is no CSV in UTF-8: save it as 'CSV UTF-8'")
        return None
    if not text.strip():
        sheet.fault("it is empty: the first row names the columns")
        return None
    return text


def _cells(line: str, separator: str) -> list[str]:
    try:
        return [_name(cell) for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def _name(cell: str) -> str:
    return cell.strip().casefold().replace(" ", "_")


def _header(sheet: Sheet, names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(_name(name) for name in names)
    for place, column in enumerate(columns):
        if column not in known:
            near = get_close_matches(column, known, 1)
            hint = f"do you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            sheet.fault(f"there is no column {names[place].strip()!r}; {hint}", 1, names[place].strip())
        elif column in columns[:place]:
            sheet.fault("this column stands here twice", 1, column)
    return () if sheet.faults else columns


def _rows(sheet: Sheet, records: Iterator[list[str]]) -> Iterator[SheetRow]:
    for number, cells in enumerate(records, 2):
        if not any(cell.strip() for cell in cells):
            continue  # spreadsheets leave empty rows at the end
        if len(cells) != len(sheet.columns):
            sheet.fault(f"{len(cells)} cells instead of {len(sheet.columns)}: is a quote missing?", number)
            continue
        yield SheetRow(number=number, cells=dict(zip(sheet.columns, cells, strict=True)))
