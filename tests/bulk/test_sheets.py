"""What stands in a CSV file, whoever wrote it?"""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.bulk.sheets import read_sheet

KNOWN = ("ref", "name", "numbers", "manager")

cells = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@pytest.mark.parametrize(
    "content",
    [
        b"name,numbers\r\nBirch,+12025550111\r\n",
        b"\xef\xbb\xbfname;numbers\nBirch;+12025550111",
        b"Name\tNumbers\nBirch\t+12025550111\n\n",
        b'"numbers","name"\n"+12025550111","Birch"\n,\n',
    ],
)
def test_separators_marks_line_ends_quotes_and_the_order_of_columns_make_no_difference(content: bytes) -> None:
    sheet = read_sheet("accounts.csv", content, KNOWN)

    assert sheet.faults == []
    assert [dict(row.cells) for row in sheet.rows] == [{"name": "Birch", "numbers": "+12025550111"}]


@given(st.lists(st.tuples(cells, cells), max_size=5), st.sampled_from(",;\t"))
def test_whatever_a_writer_of_csv_wrote_is_read_again(rows: list[tuple[str, str]], separator: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([("name", "ref"), *rows])

    sheet = read_sheet("accounts.csv", text.getvalue().encode(), KNOWN)

    assert sheet.faults == []
    read = [(row.cells["name"], row.cells["ref"]) for row in sheet.rows]
    assert read == [row for row in rows if any(cell.strip() for cell in row)]


def test_an_unknown_column_is_refused_with_the_nearest_known_one() -> None:
    sheet = read_sheet("accounts.csv", b"name;numbrs\nBirch;+12025550111\n", KNOWN)

    assert [fault.line for fault in sheet.faults] == [
        "accounts.csv, row 1, numbrs: there is no column 'numbrs'; do you mean numbers?"
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        ("name\nMüller\n".encode("latin-1"), "line 2 is not UTF-8"),
        (b"name\n\0\n", "NUL"),
        (b"name,name\nBirch,Birch\n", "twice"),
        (b"name,ref\nBirch\n", "1 cells instead of 2"),
        (b'name\n"Birch\n', "no CSV"),
    ],
)
def test_what_is_no_such_file_says_so_and_what_to_do(content: bytes, says: str) -> None:
    assert says in read_sheet("accounts.csv", content, KNOWN).faults[0].line
