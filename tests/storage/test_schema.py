"""Does the database itself refuse what the model doesn't allow?

Each row of REFUSED is one statement against the sample company that breaks one constraint, and nothing else.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, Enum, Executable, Index, UniqueConstraint, text, update
from sqlalchemy.exc import StatementError

from router.lab.sample import BIRCH, BUSINESS_LINE
from router.storage.database import Conflict, Database, Refused
from router.storage.schema import metadata, people

A_DAY = "INSERT INTO hours_days (hours, position, first_day, last_day, opens, closes, label) VALUES (1, 9,"

AN_ENTRY = (
    "INSERT INTO audit (at, actor, source, kind, object, action)"
    " VALUES ('2026-03-02 12:00:00', 'one', 'api', 'person', 1, 'created')"
)
LEAVING = (
    "INSERT INTO leavings (person, state, at, successors, asked_at, asked_by, moved, left_behind) VALUES"
    " (9, 'planned', '2026-03-02 12:00:00', '{}', '2026-03-02 12:00:00', '{}', '[]', '[]')"
)
REFUSED = {
    "uq_hours_name": "INSERT INTO hours (id, name, time_zone, version, updated_at)"
    " VALUES (9, 'Around the clock', 'UTC', 1, '2026-03-02 12:00:00')",
    "ck_hours_week_weekday": "UPDATE hours_week SET weekday = 7 WHERE weekday = 6",
    "ck_hours_week_opens": "UPDATE hours_week SET opens = -1 WHERE weekday = 6",
    "ck_hours_week_closes": "UPDATE hours_week SET closes = 2881 WHERE weekday = 6",
    "ck_hours_days_days": f"{A_DAY} '2026-03-03', '2026-03-02', NULL, NULL, '')",
    "ck_hours_days_opens": f"{A_DAY} '2026-03-02', '2026-03-02', 1440, 1500, '')",
    "ck_hours_days_closes": f"{A_DAY} '2026-03-02', '2026-03-02', 480, 480, '')",
    "ck_hours_days_both": f"{A_DAY} '2026-03-02', '2026-03-02', 480, NULL, '')",
    "ck_people_name": "UPDATE people SET name = ''",
    "ck_people_short_number": "UPDATE people SET short_number = '1a' WHERE id = 1",
    "ck_people_state": "UPDATE people SET state = 'asleep'",
    "uq_people_short_number": "UPDATE people SET short_number = '11'",
    "ck_phones_kind": "UPDATE phones SET kind = 'fax' WHERE id = 1",
    "ck_phones_reached": "UPDATE phones SET endpoint = NULL WHERE id = 1",
    "ck_phones_endpoint": "UPDATE phones SET endpoint = 'anna&ben' WHERE id = 1",
    "ck_phones_number": "UPDATE phones SET number = '+1917,5550101' WHERE number = '+19175550101'",
    "ck_phones_ring_seconds": "UPDATE phones SET ring_seconds = 21 WHERE id = 1",
    "uq_phones_endpoint": "UPDATE phones SET endpoint = 'anna' WHERE endpoint = 'ben'",
    "ck_desks_name": "UPDATE desks SET name = '' WHERE id = 1",
    "ck_desks_strategy": "UPDATE desks SET strategy = 'random' WHERE id = 1",
    "ck_desks_slot": "UPDATE desks SET slot = 65 WHERE id = 1",
    "ck_desks_ring_seconds": "UPDATE desks SET ring_seconds = 0 WHERE id = 1",
    "ck_desks_wrap_up_seconds": "UPDATE desks SET wrap_up_seconds = -1 WHERE id = 1",
    "ck_desks_closed_by": "UPDATE desks SET closed_by = 'mailbox' WHERE id = 1",
    "ck_desks_duty_desk": "UPDATE desks SET closed_by = 'duty' WHERE id = 1",
    "ck_desks_other_desks": "UPDATE desks SET next_desk = 2 WHERE id = 2",
    "ck_desks_last_resort": "UPDATE desks SET last_resort = '0015550100' WHERE id = 1",
    "uq_desks_name": "UPDATE desks SET name = 'Service' WHERE id = 1",
    "uq_desks_strategy_slot": "UPDATE desks SET strategy = 'longest_idle' WHERE id = 1",
    "uq_desks_safety_net": "UPDATE desks SET safety_net = true WHERE id = 2",
    "uq_desk_members_desk_position": "UPDATE desk_members SET position = 1 WHERE desk = 1",
    "ck_lines_number": "UPDATE lines SET number = '2125550100' WHERE id = 1",
    "ck_lines_kind": "UPDATE lines SET kind = 'fax' WHERE id = 1",
    "ck_lines_person": "UPDATE lines SET person = NULL WHERE id = 2",
    "ck_lines_closed_by": "UPDATE lines SET closed_by = 'mailbox' WHERE id = 1",
    "ck_lines_duty_desk": "UPDATE lines SET closed_by = 'duty' WHERE id = 1",
    "uq_lines_number": f"UPDATE lines SET number = '{BUSINESS_LINE}' WHERE id = 2",
    "ck_line_aliases_dialled": "UPDATE line_aliases SET dialled = 'sales' WHERE line = 1",
    "ck_accounts_name": "UPDATE accounts SET name = ''",
    "ck_account_numbers_number": f"UPDATE account_numbers SET number = 911 WHERE number = {int(BIRCH)}",
    "uq_deputies_account_person": "INSERT INTO deputies (account, position, person) VALUES (1, 2, 12)",
    "ck_jobs_state": "UPDATE jobs SET state = 'lost'",
    "ck_jobs_dates": "UPDATE jobs SET starts_on = '2026-03-02', ends_on = '2026-03-01'",
    "ck_rules_caller": "UPDATE rules SET caller = '1303', account = 1 WHERE id = 2",
    "ck_rules_prefix": "UPDATE rules SET caller = NULL WHERE id = 2",
    "ck_rules_caller_kind": "UPDATE rules SET caller_kind = 'friend'",
    "ck_rules_during": "UPDATE rules SET during = 'lunch'",
    "ck_rules_then": "UPDATE rules SET \"then\" = 'mailbox'",
    "ck_rules_leads_to_person": "UPDATE rules SET person = NULL WHERE id = 1",
    "ck_rules_leads_to_desk": "UPDATE rules SET desk = NULL WHERE id = 2",
    "ck_rules_validity": "UPDATE rules SET valid_from = '2026-03-02 12:00:00', valid_until = '2026-03-02 12:00:00'",
    "uq_rules_priority": "UPDATE rules SET priority = 10",
    "ck_covers_scope": "UPDATE covers SET scope = 'some'",
    "ck_covers_by": "UPDATE covers SET by_desk = 1",
    "ck_covers_somebody_else": "UPDATE covers SET by_person = person",
    "ck_covers_ends_at": "UPDATE covers SET ends_at = starts_at",
    "ck_overrides_action": "UPDATE overrides SET action = 'mailbox', to_desk = NULL",
    "ck_overrides_of": "UPDATE overrides SET line = NULL",
    "ck_overrides_to_desk": "UPDATE overrides SET to_desk = NULL",
    "ck_overrides_other_desk": "UPDATE overrides SET line = NULL, desk = to_desk",
    "ck_overrides_ends_at": "UPDATE overrides SET ends_at = starts_at",
    "ck_calls_presented": "UPDATE calls SET presented = 'shouted'",
    "ck_calls_caller_kind": "UPDATE calls SET caller_kind = 'friend'",
    "ck_calls_path": "UPDATE calls SET path = 'detour'",
    "ck_calls_ended": "UPDATE calls SET ended = 'mailbox'",
    "ck_calls_promise": "UPDATE calls SET promise = 'perhaps'",
    "ck_call_legs_result": "UPDATE call_legs SET result = 'mailbox'",
    "ck_call_passings_how": "UPDATE call_passings SET how = 'by post'",
    "ck_orders_kind": "UPDATE orders SET kind = 'make_coffee'",
    "ck_orders_state": "UPDATE orders SET state = 'forgotten'",
    "ck_orders_expires_at": "UPDATE orders SET expires_at = asked_at",
    "ck_commitments_why": "UPDATE commitments SET why = 'boredom'",
    "ck_commitments_state": "UPDATE commitments SET state = 'forgotten'",
    "ck_commitments_urgency": "UPDATE commitments SET urgency = 0",
    "ck_commitments_attempts": "UPDATE commitments SET attempts = -1",
    "ck_commitments_level": "UPDATE commitments SET level = 5",
    "ck_commitments_claimed": "UPDATE commitments SET state = 'claimed'",
    "ck_commitments_void_reason": "UPDATE commitments SET state = 'void', closed_at = due_at",
    "ck_commitments_closed_at": "UPDATE commitments SET state = 'kept'",
    "uq_commitments_party": "UPDATE commitments SET party = 'account:1'",
    "ck_call_backs_became": "UPDATE call_backs SET became = 'weary', ended_at = asked_at WHERE id = 201",
    "ck_call_backs_ended_at": "UPDATE call_backs SET became = 'lost' WHERE id = 201",
    "uq_call_backs_call_id": "UPDATE call_backs SET call_id = 'pbx:9'",
    "uq_call_backs_commitment": "UPDATE call_backs SET commitment = 1",
    "ck_notices_about": "UPDATE notices SET about = 'weather', commitment = NULL WHERE id = 101",
    "ck_notices_kind": "UPDATE notices SET kind = 'gossip'",
    "ck_notices_of_call": "UPDATE notices SET nth = NULL WHERE id = 102",
    "ck_notices_of_commitment": "UPDATE notices SET commitment = NULL WHERE id = 101",
    "uq_notices_call_nth": "UPDATE notices SET nth = 1 WHERE id = 103",
    "ck_outbox_state": "UPDATE outbox SET state = 'lost'",
    "ck_outbox_attempts": "UPDATE outbox SET attempts = -1",
    "ck_outbox_sent_at": "UPDATE outbox SET state = 'sent'",
    "uq_outbox_notice_target": "UPDATE outbox SET target = 'ida@example.org'",
    "ck_api_keys_role": "UPDATE api_keys SET role = 'root'",
    "uq_api_keys_prefix": "UPDATE api_keys SET prefix = 'aaaa'",
    "uq_api_keys_sha256": "UPDATE api_keys SET sha256 = 'h1'",
    "ck_leavings_state": "UPDATE leavings SET state = 'fired'",
    "ck_leavings_done_version": "UPDATE leavings SET state = 'done'",
    "uq_leavings_person": LEAVING,
    "ck_audit_source": AN_ENTRY.replace("'api'", "'rumour'"),
    "ck_audit_action": AN_ENTRY.replace("'created'", "'lost'"),
    "ck_imports_state": "INSERT INTO imports (asked_at, actor, asked, state, progress, outcome, told_at)"
    " VALUES ('2026-03-02 12:00:00', 'anna', '{}', 'lost', '{}', '{}', '2026-03-02 12:00:00')",
    "ck_retention_kind": "INSERT INTO retention (kind, reached, next_at) VALUES ('x', '', '2026-03-02 12:00:00')",
}
RECORDS = (
    "INSERT INTO presence (person, signed_in, since) VALUES (1, false, '2026-03-02 12:00:00')",
    "INSERT INTO calls (id, dialled, caller, presented, arrived_at, why, is_test)"
    " VALUES ('pbx:1', '', '', 'number', '2026-03-02 12:00:00', '', false)",
    "INSERT INTO call_legs (call, leg, position, step, phone, began_at)"
    " VALUES ('pbx:1', '1', 1, 1, 'anna', '2026-03-02 12:00:00')",
    'INSERT INTO call_passings (call, at, phone, "to", how, sentence)'
    " VALUES ('pbx:1', '2026-03-02 12:00:05', 'anna', 'Jonas', 'key', '')",
    "INSERT INTO orders (pbx, kind, payload, asked_by, asked_at, expires_at, state, result)"
    " VALUES ('pbx', 'hand_over', '{}', 'anna', '2026-03-02 12:00:00', '2026-03-02 12:00:10', 'asked', '')",
    "INSERT INTO commitments (id, version, party, caller, why, desk, opened_at, due_at, latest_at, urgency, state,"
    " attempts, level, void_reason, note) VALUES"
    " (1, 1, 'account:1', '', 'gave_up', 1, '2026-03-02 12:00:00', '2026-03-02 12:30:00', '2026-03-02 12:00:00', 1,"
    " 'open', 0, 0, '', ''),"
    " (2, 1, 'account:2', '', 'gave_up', 1, '2026-03-02 12:00:00', '2026-03-02 12:30:00', '2026-03-02 12:00:00', 1,"
    " 'open', 0, 0, '', '')",
    "INSERT INTO orders (id, pbx, kind, payload, asked_by, asked_at, expires_at, state, result) VALUES"
    " (201, 'pbx', 'call_back', '{}', 'anna', '2026-03-02 12:00:00', '2026-03-02 12:00:10', 'taken', ''),"
    " (202, 'pbx', 'call_back', '{}', 'anna', '2026-03-02 12:00:00', '2026-03-02 12:00:10', 'taken', '')",
    "INSERT INTO call_backs (id, commitment, pbx, number, shown, asked_by, asked_at, sentence) VALUES"
    " (201, 1, 'pbx', '', '', 'anna', '2026-03-02 12:00:00', ''),"
    " (202, 2, 'pbx', '', '', 'anna', '2026-03-02 12:00:00', '')",
    "INSERT INTO commitment_calls (call, commitment) VALUES ('pbx:1', 1)",
    "INSERT INTO notices (id, at, about, kind, commitment, call, nth, payload) VALUES"
    " (101, '2026-03-02 12:00:00', 'commitment', 'opened', 1, NULL, NULL, '{}'),"
    " (102, '2026-03-02 12:00:00', 'call', 'ringing', NULL, 'pbx:1', 1, '{}'),"
    " (103, '2026-03-02 12:00:00', 'call', 'ended', NULL, 'pbx:1', 2, '{}')",
    "INSERT INTO outbox (id, notice, target, state, attempts, next_try_at, error) VALUES"
    " (1, 101, 'ida@example.org', 'waiting', 0, '2026-03-02 12:00:00', ''),"
    " (2, 101, 'lena@example.org', 'waiting', 0, '2026-03-02 12:00:00', '')",
    "INSERT INTO api_keys (name, prefix, sha256, role, sees_private)"
    " VALUES ('one', 'aaaa', 'h1', 'admin', false), ('two', 'bbbb', 'h2', 'admin', false)",
    AN_ENTRY,
    LEAVING,
)


@pytest.mark.parametrize("constraint", REFUSED)
async def test_a_row_that_breaks_a_constraint_is_refused(shared: Database, constraint: str) -> None:
    with pytest.raises(Refused) as refusal:
        await run(shared, *RECORDS, REFUSED[constraint])
    assert _names(refusal.value, constraint)


def test_no_constraint_is_without_its_case() -> None:
    own_keys_apart = {name for name in _constraints() if not name.endswith("_ref")}  # `ref` is alike everywhere
    assert own_keys_apart == set(REFUSED)


@pytest.mark.parametrize("table", ["people", "phones", "desks", "lines", "accounts", "jobs", "rules"])
async def test_a_customers_own_key_is_unique(shared: Database, table: str) -> None:
    with pytest.raises(Conflict):
        await run(shared, f"UPDATE {table} SET ref = 'crm-1'")


REFERENCES = tuple([column for table in metadata.tables.values() for column in table.columns if column.foreign_keys])


@pytest.mark.parametrize("column", REFERENCES, ids=str)
async def test_what_is_referred_to_must_exist(shared: Database, column: Column[Any]) -> None:
    nothing = "'nothing'" if column.type.python_type is str else "9999"
    table, name = column.table.name, column.name
    instead = {"covers.by_desk": ", by_person = NULL", "overrides.desk": ", line = NULL"}.get(str(column), "")
    first = 101 if table == "notices" else 1
    a_row = f"id = {first}" if column.nullable else f"{name} = (SELECT min({name}) FROM {table})"
    with pytest.raises(Conflict) as conflict:
        await run(shared, *RECORDS, f"UPDATE {table} SET {name} = {nothing}{instead} WHERE {a_row}")
    assert "foreign key" in str(conflict.value).lower()


@pytest.mark.parametrize("table", ["people", "desks", "lines", "accounts", "hours"])
async def test_what_is_referred_to_cant_go(shared: Database, table: str) -> None:
    with pytest.raises(Conflict):
        await run(shared, f"DELETE FROM {table} WHERE id = 1")


async def test_an_instant_without_a_time_zone_is_refused(shared: Database) -> None:
    naive = datetime(2026, 3, 2, 12)  # noqa: DTZ001
    with pytest.raises(StatementError, match="says no time zone"):
        await run(shared, update(people).values(away_until=naive))


def test_every_enumeration_is_checked() -> None:
    enums = [c.type for table in metadata.tables.values() for c in table.columns if isinstance(c.type, Enum)]
    assert enums
    assert all(enum.create_constraint for enum in enums)


async def run(db: Database, *statements: str | Executable) -> None:
    async with db.writing() as transaction:
        for statement in statements:
            await transaction.run(text(statement) if isinstance(statement, str) else statement)


def _constraints() -> Iterator[str]:
    for table in metadata.tables.values():
        for constraint in table.constraints:
            if isinstance(constraint, CheckConstraint | UniqueConstraint):
                yield str(constraint.name)
        for index in table.indexes:
            if isinstance(index, Index) and index.unique:
                yield str(index.name)


def _names(refusal: Refused, constraint: str) -> bool:
    """SQLite names a CHECK, but of a unique constraint only the columns."""
    in_sqlite = "UNIQUE constraint failed: " + ", ".join(_unique_columns(constraint))
    return constraint in str(refusal) or (constraint.startswith("uq_") and in_sqlite in str(refusal))


def _unique_columns(constraint: str) -> list[str]:
    return [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for unique in (*table.constraints, *table.indexes)
        if isinstance(unique, UniqueConstraint | Index) and unique.name == constraint
        for column in unique.columns
    ]
