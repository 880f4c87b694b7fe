"""Which rows are kept of what the outside shall learn, and of how it is told?"""

from enum import StrEnum

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from router.storage.columns import UtcTime, holds, metadata, one_of


class About(StrEnum):
    CALL = "call"
    COMMITMENT = "commitment"
    TABLE = "table"
    PERSON = "person"


class Kind(StrEnum):
    """Everything that a notice can tell: of calls (CallNews), of commitments (NoticeKind), of the table, of people."""

    RINGING = "ringing"
    WAITING = "waiting"
    ANSWERED = "answered"
    HANDED_OVER = "handed_over"
    ENDED = "ended"
    OPENED = "opened"
    REPEATED = "repeated"
    CORRECTED = "corrected"
    CLAIMED = "claimed"
    TRIED = "tried"
    REMINDER = "reminder"
    TRY_AGAIN = "try_again"
    LATE = "late"
    DESK_TOLD = "desk_told"
    LEAD_TOLD = "lead_told"
    KEPT = "kept"
    VOIDED = "voided"
    PUBLISHED = "published"
    LEFT_BEHIND = "left_behind"


class MailState(StrEnum):
    """waiting: to be sent, perhaps again · sent · refused: the mail server will never take it."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"


# What the outside shall learn, in the order in which it happened; `payload` is all that a reader needs, in names.
# `nth` counts what was told of one call, so that nothing is told twice. No foreign key to the call: the notice of one
# whose record is refused later is still true.
notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    one_of("about", About),
    one_of("kind", Kind),
    Column("call", Text),
    Column("nth", Integer),
    Column("commitment", Integer, ForeignKey("commitments.id", ondelete="RESTRICT")),
    Column("payload", JSON, nullable=False),
    UniqueConstraint("call", "nth"),
    holds("of_call", "(about = 'call') = (call IS NOT NULL AND nth IS NOT NULL)"),
    holds("of_commitment", "(about = 'commitment') = (commitment IS NOT NULL)"),
    Index(None, "commitment"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

# `kinds` are names of events, none of them: every event. The secret is read by the sender alone.
webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("failing_since", UtcTime),
    Column("error", Text, nullable=False),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("notice", Integer, ForeignKey("notices.id", ondelete="RESTRICT"), nullable=False),
    Column("target", Text, nullable=False),
    Column("webhook", Integer),  # none: a mail; `target` names the webhook, which may be gone since
    one_of("state", MailState),
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("error", Text, nullable=False),
    UniqueConstraint("notice", "target"),  # nobody is told the same twice
    holds("attempts", "attempts >= 0"),
    holds("sent_at", "(state = 'sent') = (sent_at IS NOT NULL)"),
    sqlite_autoincrement=True,
)
WAITING = text("state = 'waiting'")
Index("ix_outbox_next_try_at", outbox.c.next_try_at, sqlite_where=WAITING, postgresql_where=WAITING)
