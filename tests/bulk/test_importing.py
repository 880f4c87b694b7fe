"""Do files become the company they tell of, whole or not at all?"""

import pytest
from sqlalchemy import func, select

from router.bulk.difference import lines
from router.bulk.importing import Imported
from router.bulk.plan import Options
from router.bulk.remarks import ImportRefused
from router.changes.carrying import UNDONE_AT_ONCE, Carrying
from router.changes.faults import LeadsNowhere, TooMuch
from router.changes.wishes import Undo
from router.storage.access_schema import audit
from router.storage.database import Database
from router.storage.tables import current_version
from tests.bulk.files import exported, imported, undone
from tests.sample_database import MONDAY_NOON


def told(done: Imported) -> list[str]:
    return [line for of_one in done.difference for line in lines(of_one)]


def faults(refused: pytest.ExceptionInfo[ImportRefused]) -> list[str]:
    return [fault.line for fault in refused.value.faults]


async def test_files_that_refer_to_each_other_make_a_company_and_the_difference_is_told(furnished: Database) -> None:
    files = {
        "people": "name\tshort_number\tphones\nPaula\t90\tdesk:paula (15 s, call waiting); external:+19175550190\n",
        "accounts": "ref\tname\tmanager\tdeputies\tnumbers\n"
        "crm-90\tMaple Mills\tpaula\tAnna|Ben\t12025550170.0; +1202555018*\n"
        "crm-91\tOak Ovens\t12\t\t+12025550171\n",
        "lines": "number;label;kind;person;desk;aliases\n"
        "+1 (212) 555-0190;Sales Paula;salesperson;90;coordinators;190\n",
        "jobs": "account;title;manager\ncrm-90;New roof;Paula\n+12025550111;Cellar;Ida\n",
    }

    dry = await imported(furnished, files, dry_run=True)
    assert dry.version is None
    done = await imported(furnished, files)

    assert done.version == await current_version(furnished) == 2
    assert told(dry) == told(done)
    assert told(done)[:2] == ["people: 1 new, 0 changed, 0 removed, 0 the same", "  + person 'Paula'"]
    after = await exported(furnished)
    assert ',Paula,active,,,,,90,"desk:paula (15 s, call waiting); external:+19175550190"' in after["people"]
    assert "crm-90,Maple Mills,Paula,,0,Anna; Ben,+1202555018*; +12025550170" in after["accounts"]
    assert "crm-91,Oak Ovens,Ben" in after["accounts"]
    assert "+12125550190,Sales Paula,salesperson,Paula,Coordinators,,wait,,190" in after["lines"]
    assert "crm-90,New roof,Paula" in after["jobs"]
    assert [remark.line for remark in done.remarks] == [
        "accounts.csv, row 2, numbers: 12025550170.0 was read as +12025550170"
    ]


async def test_only_the_columns_that_are_there_change_field_by_field_and_the_rest_stays(furnished: Database) -> None:
    before = (await exported(furnished))["accounts"].splitlines()

    done = await imported(furnished, {"accounts": "name,manager\nBirch & Sons,Jonas\nCedar Bakery,Jonas\n"})

    assert told(done) == [
        "accounts: 0 new, 1 changed, 0 removed, 1 the same",
        "  ~ account 'Birch & Sons' (id 1)",
        "      manager: Ida → Jonas",
    ]
    after = (await exported(furnished))["accounts"].splitlines()
    assert [line for line in after if line not in before] == [before[1].replace("Ida", "Jonas")]


async def test_everything_that_is_wrong_is_told_at_once_by_row_and_column_and_nothing_is_changed(
    furnished: Database,
) -> None:
    before = await exported(furnished)
    files = {
        "accounts": "name;manager;priority;numbers\nBirch & Sons;Annna;much;1.20255E+11\n"
        "Pine;;;+12025550133\nPine;;;\n",
        "people": "name;state;phones\nPaula;asleep;external:+19005550190\nAnna;active;desk:ben\n",
    }

    with pytest.raises(ImportRefused) as refused:
        await imported(furnished, files)

    found = faults(refused)
    assert any("row 2, manager: no person is called 'Annna'; do you mean Anna" in one for one in found)
    assert any("row 2, priority: 'much' is no whole number" in one for one in found)
    assert any("row 2, numbers: a spreadsheet has rounded" in one for one in found)
    assert any("accounts.csv, row 4: row 3 means the same" in one for one in found)
    assert any("people.csv, row 2, state" in one for one in found)
    assert await exported(furnished) == before
    assert await current_version(furnished) == 1


async def test_what_only_one_may_have_is_refused_also_between_two_rows(furnished: Database) -> None:
    files = {
        "accounts": "name;numbers\nPine;+12025550111\nPlum;+12025550170\nPear;+12025550170\n",
        "people": "name;short_number;phones\nPaula;11;desk:ben\n",
        "lines": "number;label;desk;aliases\n+12125550190;New;Service;5550100\n",
    }

    with pytest.raises(ImportRefused) as refused:
        await imported(furnished, files)

    assert [one.partition(" is that")[0] for one in faults(refused)] == [
        "people.csv, row 2, short_number: 11",
        "people.csv, row 2, phones: ben",
        "lines.csv, row 2, aliases: 5550100",
        "accounts.csv, row 2, numbers: +12025550111",
        "accounts.csv, row 4, numbers: +12025550170",
    ]


async def test_numbers_and_extensions_can_change_hands_in_one_import(furnished: Database) -> None:
    files = {
        "accounts": "name;numbers\nBirch & Sons;+12025550122\nCedar Bakery;+12025550111\n",
        "people": "name;short_number;phones\nAnna;12;desk:ben\nBen;11;desk:anna\n",
        "lines": "id;number\n1;+12125550101\n2;+12125550100\n",
    }

    await imported(furnished, files)

    after = await exported(furnished)
    assert "Birch & Sons,Ida,,0,Lena,+12025550122" in after["accounts"]
    assert ",Anna,active,,,,,12,desk:ben" in after["people"]
    assert ",+12125550101,Business," in after["lines"]
    assert after == await exported(furnished)


async def test_what_a_file_leaves_out_stays_unless_it_shall_be_replaced_and_few_are_left_out(
    furnished: Database,
) -> None:
    accounts = (await exported(furnished))["accounts"].splitlines()
    without_one = "\n".join(line for line in accounts if "Kauri" not in line)

    assert told(await imported(furnished, {"accounts": without_one})) == [
        "accounts: 0 new, 0 changed, 0 removed, 10 the same"
    ]
    done = await imported(furnished, {"accounts": without_one}, Options(replace=True))
    assert told(done)[1:] == ["  - account 'Kauri Kayaks' (id 10)"]
    cut_off = {"accounts": "\n".join(accounts[:5])}
    with pytest.raises(ImportRefused, match=r"leaves out 6 of 10 accounts, and 1 at most .* remove-up-to 6"):
        await imported(furnished, cut_off, Options(replace=True))
    with pytest.raises(ImportRefused, match=r"'Hazel Hotels' .* would be removed, but .* still name it"):
        await imported(furnished, cut_off, Options(replace=True, remove_up_to=6))


async def test_names_that_two_have_are_never_guessed(furnished: Database) -> None:
    await imported(furnished, {"people": "ref;name;phones\nhr-1;Anna;\nhr-2;Max;max\nhr-3;Max;max.2\n"})

    with pytest.raises(ImportRefused) as refused:
        await imported(furnished, {"accounts": "name;manager\nCedar Bakery;Max\n", "people": "name;state\nAnna;away\n"})

    assert any(
        "several are called 'Max': id:15 (hr-2, Max, max), id:16 (hr-3, Max, max.2)" in one for one in faults(refused)
    )
    assert any("2 people are called so (id 1, id 14): give the ref, or the id" in one for one in faults(refused))
    await imported(furnished, {"accounts": "name;manager\nCedar Bakery;hr-3\n"})
    assert ",Cedar Bakery,hr-3,,0,," in (await exported(furnished))["accounts"]


async def test_a_new_name_that_differs_from_one_that_is_there_by_a_space_or_capitals_is_asked_about(
    furnished: Database,
) -> None:
    with pytest.raises(ImportRefused, match=r"is that 'Birch & Sons' \(id 1\)\? Write it just so"):
        await imported(furnished, {"accounts": "name\nbirch &  sons\n"})


async def test_an_import_that_leaves_callers_without_a_person_is_refused_with_the_way_there(
    furnished: Database,
) -> None:
    nobody = "name,state\nAnna,away\nBen,away\nCarla,away\n"

    with pytest.raises(LeadsNowhere, match="Coordinators"):
        await imported(furnished, {"people": nobody})

    assert await current_version(furnished) == 1


async def test_each_object_is_on_record_with_what_it_was_and_whose_import_it_is(furnished: Database) -> None:
    await imported(furnished, {"accounts": "name,priority,numbers\nBirch & Sons,3,+12025550111\nPine,0,\n"})

    async with furnished.reading() as look:
        entries = await look.rows(select(audit).order_by(audit.c.id))
    assert [(one.kind, one.object, one.action, one.source, one.version) for one in entries] == [
        ("account", 1, "changed", "import", 2),
        ("account", 12, "created", "import", 2),
    ]
    assert (entries[0].before["priority"], entries[0].after["priority"]) == (0, 3)
    assert entries[0].after["version"] == entries[0].before["version"] + 1


async def test_importing_the_same_again_writes_nothing(furnished: Database) -> None:
    accounts = {"accounts": "name,priority,numbers\nBirch & Sons,3,+12025550111\nPine,0,\n"}
    await imported(furnished, accounts)

    again = await imported(furnished, accounts)

    assert again.version is None
    assert told(again) == ["accounts: 0 new, 0 changed, 0 removed, 2 the same"]
    async with furnished.reading() as look:
        assert (await look.rows(select(func.count()).select_from(audit)))[0][0] == 2


async def test_private_numbers_stay_hidden_and_stay_as_they_are(furnished: Database) -> None:
    whole = await exported(furnished)
    hidden = (await exported(furnished, private=False))["people"]
    assert "+1917" not in hidden
    assert "external:hidden" in hidden

    done = await imported(furnished, {"people": hidden.replace("hidden\r\n", "hidden (10 s)\r\n", 1)}, private=False)

    assert told(done)[1:] == [
        "  ~ person 'Felix' (id 6)",
        "      phones: external:hidden → external:hidden (10 s)",
    ]
    after = await exported(furnished)
    assert after["people"] == whole["people"].replace("+19175550101", "+19175550101 (10 s)")


async def test_an_import_is_taken_back_as_one_and_everything_is_as_it_was(furnished: Database) -> None:
    before = await exported(furnished)
    people = before["people"].replace("Felix,active,,,,,21,", "Felix,active,,,,,20,desk:felix; ")
    accounts = "\r\n".join(line for line in before["accounts"].splitlines() if "Kauri" not in line)
    files = {
        "people": people + ",Paula,active,,,,,21,desk:paula\r\n",
        "accounts": accounts + "\r\n,Pine,Paula,,0,,\r\n",
    }
    done = await imported(furnished, files, Options(replace=True))
    assert done.version is not None

    back = await undone(furnished, done.version)

    assert await exported(furnished) == before
    assert [(one.plural, one.new, one.changed, one.removed) for one in back.difference] == [
        ("people", 0, 1, 1),
        ("accounts", 1, 0, 1),
    ]
    async with furnished.reading() as look:
        entries = await look.rows(select(audit).order_by(audit.c.id))
    assert sorted(one.undoes for one in entries if one.version == back.version) == [
        one.id for one in entries if one.version == done.version
    ]


async def test_an_import_is_not_taken_back_over_what_somebody_has_changed_since(furnished: Database) -> None:
    done = await imported(furnished, {"accounts": "name,priority\nBirch & Sons,3\nCedar Bakery,3\n"})
    assert done.version is not None
    await imported(furnished, {"accounts": "name,priority\nBirch & Sons,4\n"})

    with pytest.raises(ImportRefused, match=r"accounts/1 has been changed again since entry"):
        await undone(furnished, done.version)


async def test_a_big_import_is_not_taken_back_object_by_object_while_others_wait(furnished: Database) -> None:
    rows = "".join(f"Customer {nth}\n" for nth in range(UNDONE_AT_ONCE + 1))
    done = await imported(furnished, {"accounts": f"name\n{rows}"})

    with pytest.raises(TooMuch, match=r"201 objects .*'router import --undo 2'"):
        async with furnished.writing() as transaction:
            await Carrying(transaction, MONDAY_NOON, ()).carry_out(Undo(entry=1))

    assert (await undone(furnished, 2)).version == 3
    assert done.version == 2
