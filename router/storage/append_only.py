"""How does the database itself see to it that nothing on record is changed or removed afterwards?

Triggers refuse to remove an entry of the audit, and to change one: who did what, to which object and when stays as it
was written. One thing alone may happen to an entry later: digits in `before` and `after` become stars, one for one,
when the numbers in them are too old to be kept or were to be forgotten; then `hidden_at` says so.
"""

from sqlalchemy import DDL, Table, event

REFUSAL = "the audit is only ever added to"

_STAYS = ("id", "at", "actor", "key", "source", "kind", "object", "action", "version", "undoes")
# SQLite takes patterns of up to 50,000 bytes; with every character escaped that is less than twice as long as this.
_SQLITE_PATTERN = 20_000


def keep_append_only(audit: Table) -> None:
    """Let the triggers be made with the table."""
    of_each = {"sqlite": sqlite_triggers(), "postgresql": postgresql_triggers()}
    for dialect, statements in of_each.items():
        for statement in statements:
            doubled = statement.replace("%", "%%")  # SQLAlchemy puts names into what it is given
            made = DDL(doubled).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            event.listen(audit, "after_create", made)


def sqlite_triggers() -> list[str]:
    """An INSERT OR REPLACE would remove an entry without any trigger for that, so it is refused as well."""
    same = " AND ".join(f'new."{column}" IS old."{column}"' for column in _STAYS)
    hides = " AND ".join(_hides_in_sqlite(column) for column in ("before", "after"))
    return [
        f"CREATE TRIGGER audit_never_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        "CREATE TRIGGER audit_never_replaced BEFORE INSERT ON audit"
        " WHEN EXISTS (SELECT 1 FROM audit WHERE id = new.id)"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
        "CREATE TRIGGER audit_never_changed BEFORE UPDATE ON audit"
        f" WHEN NOT (new.hidden_at IS NOT NULL AND {same} AND {hides})"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    ]


def postgresql_triggers() -> list[str]:
    olds, news = (", ".join(f'{row}."{column}"' for column in _STAYS) for row in ("old", "new"))
    hides = " AND ".join(_hides_in_postgresql(column) for column in ("before", "after"))
    return [
        "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF tg_op = 'UPDATE' THEN IF new.hidden_at IS NOT NULL AND ROW({news}) IS NOT DISTINCT FROM ROW({olds})"
        f" AND {hides} THEN RETURN new; END IF; END IF;"
        f" RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER audit_never_changed BEFORE UPDATE OR DELETE ON audit"
        " FOR EACH ROW EXECUTE FUNCTION audit_stays()",
        "CREATE TRIGGER audit_never_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_stays()",
    ]


def _hides_in_sqlite(column: str) -> str:
    """Both are the same with all digits as stars; and what is no star in the new one stands so in the old one."""

    def starred(value: str) -> str:
        for digit in "0123456789":
            value = f"replace({value}, '{digit}', '*')"
        return value

    new, old = f"coalesce(new.\"{column}\", '')", f"coalesce(old.\"{column}\", '')"
    like = _as_pattern(new)
    return f"{starred(new)} = {starred(old)} AND (length({new}) > {_SQLITE_PATTERN} OR {old} LIKE {like} ESCAPE '\\')"


def _hides_in_postgresql(column: str) -> str:
    new, old = (f"coalesce(CAST({row}.\"{column}\" AS text), '')" for row in ("new", "old"))
    digits, stars = "0123456789", "*" * 10
    return (
        f"translate({new}, '{digits}', '{stars}') = translate({old}, '{digits}', '{stars}')"
        f" AND {old} LIKE {_as_pattern(new)}"
    )


def _as_pattern(value: str) -> str:
    for special in ("\\", "%", "_"):
        value = f"replace({value}, '{special}', '\\{special}')"
    return f"replace({value}, '*', '_')"
