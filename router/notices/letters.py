"""In which words does a person learn what we owe a caller, and what somebody who left has left behind?

No more than it takes to call back: mail is read on telephones, in trains, and by the provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, assert_never

from router.commitments.notice import NoticeKind

SUBJECT_AT_MOST = 120  # characters; what is longer no list of mails shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail to one address. `number` is the same however often it is sent, so that a reader sees it once."""

    number: int
    to: str
    subject: str
    text: str


def letter(
    number: int, to: str, kind: NoticeKind, commitment: int, facts: Mapping[str, Any], *, zone: tzinfo, now: datetime
) -> Letter:
    """The mail for a notice; `facts` are those of commitments/facts.py, times are told by the clock of `zone`."""
    due = datetime.fromisoformat(facts["due_at"]).astimezone(zone)
    by = f"{due:%H:%M}" if due.date() == now.astimezone(zone).date() else f"{due:%a %d %b %H:%M}"
    who = facts["who"]
    subject = " ".join(_subject(kind, who, by).split())
    return Letter(number=number, to=to, subject=subject[:SUBJECT_AT_MOST], text=_text(commitment, facts, by))


def letter_of_what_was_left_behind(number: int, to: str, facts: Mapping[str, Any]) -> Letter:
    """The mail about somebody who has left, and what nobody was found for. Raises KeyError for other facts."""
    who, behind = facts["person"], facts["left_behind"]
    subject = " ".join(f"{who} has left, and left something behind: name a successor".split())
    lines = [
        f"{who} has left. Since that was agreed to, something new came to name them, and nobody was found for it:",
        "",
        *(f"- {sentence}" for sentence in behind),
        "",
        "Calls pass them by: they go on to whoever stands in, or to the desk. Give each of these to somebody else.",
    ]
    return Letter(number=number, to=to, subject=subject[:SUBJECT_AT_MOST], text="\n".join(lines) + "\n")


def _subject(kind: NoticeKind, who: str, by: str) -> str:
    match kind:
        case NoticeKind.OPENED | NoticeKind.REPEATED | NoticeKind.CORRECTED:
            return f"Call back {who} by {by}"
        case NoticeKind.REMINDER:
            return f"Reminder: call back {who} by {by}"
        case NoticeKind.TRY_AGAIN:
            return f"Try {who} again (due {by})"
        case NoticeKind.LATE:
            return f"Late: {who} should have been called back by {by}"
        case NoticeKind.DESK_TOLD | NoticeKind.LEAD_TOLD:
            return f"Nobody has called {who} back (due {by})"
        case NoticeKind.HANDED_OVER:
            return f"Now yours: call back {who} by {by}"
        case NoticeKind.CLAIMED | NoticeKind.TRIED:
            return f"{who} is being called back"
        case NoticeKind.KEPT | NoticeKind.VOIDED:
            return f"Done: {who}"
        case _:
            assert_never(kind)


def _text(commitment: int, facts: Mapping[str, Any], by: str) -> str:
    calls = f"{facts['urgency']} times" if facts["urgency"] > 1 else "once"
    lines = [
        f"{facts['who']} {facts['why']} ({facts['line']}, {calls}).",
        "",
        f"Number: {facts['caller'] or 'withheld'}",
        f"Due:    {by}",
        f"Owner:  {facts['owner']}",
    ]
    if facts["attempts"]:
        lines.append(f"Tried:  {facts['attempts']} times, nobody answered")
    if facts["note"]:
        lines += ["", facts["note"]]
    lines += ["", f"Commitment {commitment}: router commitments claim {commitment} --by NAME, then keep {commitment}."]
    return "\n".join(lines) + "\n"
