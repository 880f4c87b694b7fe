"""How is everything of a noun written, so that importing it changes nothing?

The same company gives the same file, byte for byte: rows in the order of their ids, cells in the words that the import
reads. The column `id` is there only when two objects can't be told apart otherwise, and only theirs is filled.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from router.bulk.columns import Columns
from router.bulk.company import Whole, called_in
from router.bulk.matching import ambiguous
from router.changes.nouns import Declared
from router.changes.showing import fields_from
from router.routing.configuration import Noun

ROWS_AT_ONCE = 500  # of one piece of a file


def nouns_for(declared: Declared) -> set[Noun]:
    """Which nouns have to be known for this one to be exported: itself, and those it names."""
    return {declared.noun, *(reference.to for reference in declared.references)}


def export(declared: Declared, whole: Whole, region: str, *, private: bool) -> Iterator[str]:
    """The file, in pieces; without `private` the numbers of people's external phones are hidden."""
    columns = Columns(declared, called_in(whole.objects, nouns_for(declared), region), region)
    there = whole.objects[declared.noun]
    alike = ambiguous(there)
    names: Sequence[str] = ("id", *columns.names) if alike else columns.names
    yield _piece([names])
    rows = iter(there.items())
    while some := list(islice(rows, ROWS_AT_ONCE)):
        cells = [
            {"id": str(identity) if identity in alike else ""}
            | columns.write(fields_from(declared, kept), private=private)
            for identity, kept in some
        ]
        yield _piece([[one[name] for name in names] for one in cells])


def _piece(rows: Sequence[Sequence[str]]) -> str:
    piece = io.StringIO(newline="")
    csv.writer(piece, lineterminator="\r\n").writerows(rows)
    return piece.getvalue()
