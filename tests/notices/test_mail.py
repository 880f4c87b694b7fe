"""Does a mail say what its reader needs, and does a failure say whether to try again?"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from router.commitments.notice import NoticeKind
from router.notices.letters import Letter, letter
from router.notices.mail import Encryption, Mailer, MailFailed, MailRefused, MailSettings
from tests.notices.post_office import PostOffice, post_office

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
FACTS = {
    "who": "Birch & Sons",
    "caller": "+12025550111",
    "line": "Business",
    "why": "gave up waiting",
    "owner": "Ida",
    "due_at": "2026-03-02T17:30:00+00:00",
    "urgency": 2,
    "attempts": 0,
    "note": "",
}


def mailer(office: PostOffice) -> Mailer:
    return Mailer(
        settings=MailSettings(
            host="127.0.0.1", port=office.port, sender="router@example.org", encryption=Encryption.NONE
        )
    )


def letter_about(kind: NoticeKind, **facts: object) -> Letter:
    zone = ZoneInfo("America/New_York")
    return letter(7, "ida@example.org", kind, 12, FACTS | facts, zone=zone, now=NOON)


def test_a_mail_says_whom_to_call_on_which_number_and_until_when() -> None:
    mail = letter_about(NoticeKind.REMINDER)
    assert mail.subject == "Reminder: call back Birch & Sons by 12:30"
    assert mail.text.splitlines()[0] == "Birch & Sons gave up waiting (Business, 2 times)."
    assert "Number: +12025550111" in mail.text
    assert len(mail.text.splitlines()) < 10


def test_a_due_time_on_another_day_is_told_with_its_day() -> None:
    assert "Tue 03 Mar 08:30" in letter_about(NoticeKind.OPENED, due_at="2026-03-03T13:30:00+00:00").subject


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_of_notice_has_its_words_in_one_line(kind: NoticeKind) -> None:
    subject = letter_about(kind, who="Birch\r\nBcc: everybody@example.org").subject
    assert "Birch Bcc: everybody@example.org" in subject
    assert "\n" not in subject


async def test_the_same_mail_sent_twice_can_be_known_as_one() -> None:
    async with post_office() as office:
        for _ in range(2):
            await mailer(office).send(letter_about(NoticeKind.LATE))
    first, second = office.mails
    assert first["Message-ID"] == second["Message-ID"] == "<router-7@example.org>"
    assert (first["From"], first["To"]) == ("router@example.org", "ida@example.org")


async def test_without_a_mail_server_a_mail_is_tried_again() -> None:
    async with post_office() as office:
        await office.shut()
        with pytest.raises(MailFailed, match=str(office.port)) as failure:
            await mailer(office).send(letter_about(NoticeKind.LATE))
    assert not isinstance(failure.value, MailRefused)


@pytest.mark.parametrize(
    ("verb", "answer", "never"),
    [
        ("RCPT", "550 no such user", True),
        ("RCPT", "451 greylisted", False),
        ("DATA", "554 no spam here", True),
        ("MAIL", "452 disk full", False),
        ("EHLO", "421 too busy", False),
    ],
)
async def test_a_refusal_for_good_is_told_from_one_for_now(verb: str, answer: str, never: bool) -> None:
    async with post_office() as office:
        office.answers = {verb: answer, **({"HELO": answer} if verb == "EHLO" else {})}
        with pytest.raises(MailFailed) as failure:
            await mailer(office).send(letter_about(NoticeKind.LATE))
    assert isinstance(failure.value, MailRefused) is never


async def test_an_address_that_no_header_can_hold_is_refused() -> None:
    async with post_office() as office:
        with pytest.raises(MailRefused):
            await mailer(office).send(Letter(number=1, to="ida@example.org\nBcc: x@example.org", subject="", text=""))
    assert office.mails == []
