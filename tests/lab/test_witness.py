"""Does the witness read out of SIPp's logs what the phones saw, whatever the messages contain?"""

from pathlib import Path

import pytest

from router.lab.sip_log import messages
from router.lab.witness import evidence, legs

HEAD = "-" * 47


def _log(path: Path, *entries: tuple[str, str, str]) -> Path:
    """A message log: second, sent or received, and the message, whose line ends become SIP's."""
    with path.open("wb") as log:
        for second, what, text in entries:
            raw = text.replace("\n", "\r\n").encode("utf-8", "surrogateescape")
            log.write(f"{HEAD} 2026-03-01T09:00:{second}Z\nUDP message {what} [{len(raw)}] bytes:\n\n".encode())
            log.write(raw + b"\n")
    return path


def _request(method: str, call_id: str, user: str, from_header: str, more: str = "") -> str:
    first = f"{method} sip:{user}@127.0.0.1 SIP/2.0\nFrom: {from_header};tag=a\n"
    return f"{first}Call-ID: {call_id}\nCSeq: 1 {method}\n{more}\n"


def _response(code: int, call_id: str, method: str = "INVITE") -> str:
    return f"SIP/2.0 {code} X\nFrom: <sip:x@y>;tag=a\nCall-ID: {call_id}\nCSeq: 1 {method}\n\n"


def test_both_sides_of_a_call_are_joined_by_the_callers_number(tmp_path: Path) -> None:
    anna = '"Main line · \\"Acme\\"" <sip:+15550100001@127.0.0.1>'
    callers = _log(
        tmp_path / "callers",
        ("00.000000", "sent", _request("INVITE", "c1", "+15550100", "<sip:+15550100001@127.0.0.2>")),
        ("00.100000", "received", _response(180, "c1")),
        ("02.000000", "received", _response(200, "c1")),
        ("03.000000", "sent", _request("BYE", "c1", "+15550100", "<sip:+15550100001@127.0.0.2>")),
    )
    phones = _log(
        tmp_path / "phones",
        ("00.003500", "received", _request("INVITE", "p1", "anna", anna)),
        ("00.004000", "sent", _response(180, "p1")),
        ("01.999000", "sent", _response(200, "p1")),
        ("03.001000", "received", _request("BYE", "p1", "anna", anna)),
    )

    heard = evidence([callers], [phones]).of("+15550100001")

    assert heard.placed.dialled == "+15550100"
    assert (heard.answered_by, heard.intercept_ms, heard.answer_ms) == (("anna",), 3.5, 2000.0)
    assert heard.rung[0].display == 'Main line · "Acme"'
    assert heard.placed.hung_up
    assert not heard.gave_up


@pytest.mark.parametrize("why", ['Reason: SIP;cause=200;text="Call completed elsewhere"\n', ""])
def test_a_phone_that_answered_too_late_is_told_so_and_does_not_count(why: str, tmp_path: Path) -> None:
    caller = "<sip:1@127.0.0.1>"
    callers = _log(
        tmp_path / "callers",
        ("00.000000", "sent", _request("INVITE", "c1", "desk", caller)),
        ("01.000000", "received", _response(200, "c1")),
    )
    phones = _log(
        tmp_path / "phones",
        ("00.001000", "received", _request("INVITE", "p1", "anna", caller)),
        ("00.001000", "received", _request("INVITE", "p2", "bert", caller)),
        ("00.900000", "sent", _response(200, "p1")),
        ("00.900100", "sent", _response(200, "p2")),
        ("00.901000", "received", _request("BYE", "p2", "bert", caller, why)),
    )

    said = evidence([callers], [phones])

    assert said.calls[0].answered_by == ("anna",)
    assert said.twice == ()


def test_two_phones_that_both_talk_are_one_call_answered_twice(tmp_path: Path) -> None:
    caller = "<sip:1@127.0.0.1>"
    callers = _log(
        tmp_path / "callers",
        ("00.000000", "sent", _request("INVITE", "c1", "desk", caller)),
        ("01.000000", "received", _response(200, "c1")),
    )
    phones = _log(
        tmp_path / "phones",
        ("00.001000", "received", _request("INVITE", "p1", "anna", caller)),
        ("00.001000", "received", _request("INVITE", "p2", "bert", caller)),
        ("00.900000", "sent", _response(200, "p1")),
        ("00.900100", "sent", _response(200, "p2")),
    )

    assert [call.caller for call in evidence([callers], [phones]).twice] == ["1"]


@pytest.mark.parametrize("let_go", [True, False])
def test_two_phones_that_talk_one_after_the_other_are_a_hand_over(let_go: bool, tmp_path: Path) -> None:
    caller = "<sip:1@127.0.0.1>"
    callers = _log(
        tmp_path / "callers",
        ("00.000000", "sent", _request("INVITE", "c1", "desk", caller)),
        ("01.000000", "received", _response(200, "c1")),
    )
    phones = _log(
        tmp_path / "phones",
        ("00.001000", "received", _request("INVITE", "p1", "anna", caller)),
        ("00.900000", "sent", _response(200, "p1")),
        *([("05.000000", "received", _request("BYE", "p1", "anna", caller))] if let_go else []),
        ("05.010000", "received", _request("INVITE", "p2", "bert", caller)),
        ("05.500000", "sent", _response(200, "p2")),
    )

    said = evidence([callers], [phones])

    assert said.calls[0].answered_by == ("anna", "bert")
    assert [call.caller for call in said.twice] == ([] if let_go else ["1"])


def test_nobody_answered_and_the_caller_did_not_hang_up_is_lost(tmp_path: Path) -> None:
    callers = _log(
        tmp_path / "callers",
        ("00.000000", "sent", _request("INVITE", "c1", "desk", "<sip:1@127.0.0.1>")),
        ("01.000000", "received", _response(486, "c1")),
        ("01.000000", "sent", _request("INVITE", "c2", "desk", "<sip:2@127.0.0.1>")),
        ("02.000000", "sent", _request("CANCEL", "c2", "desk", "<sip:2@127.0.0.1>")),
        ("02.000100", "received", _response(487, "c2")),
    )

    said = evidence([callers], [])

    assert [call.caller for call in said.lost] == ["1"]
    assert (said.offered, said.answered, said.gave_up) == (2, 0, 1)


def test_a_phone_rung_for_nobody_we_know_is_a_stranger(tmp_path: Path) -> None:
    phones = _log(
        tmp_path / "phones",
        ("00.000000", "received", _request("INVITE", "p1", "anna", "<sip:anonymous@anonymous.invalid>")),
    )

    assert [leg.phone for leg in evidence([], [phones]).strangers] == ["anna"]


def test_a_message_that_looks_like_the_log_is_still_one_message(tmp_path: Path) -> None:
    forged = f"{HEAD} 2026-03-01T09:00:00.000000Z\nUDP message sent [5] bytes:\n\nBYE x"
    log = _log(
        tmp_path / "phones",
        ("00.000000", "received", _request("INVITE", "p1", "anna", "<sip:1@x>", f"\n{forged}")),
        ("01.000000", "sent", _response(486, "p1")),
    )

    assert [message.first_line.split()[0] for message in messages(log)] == ["INVITE", "SIP/2.0"]
    assert legs(log)[0].status == 486


def test_a_repeated_message_counts_once_and_bytes_stay_as_they_were(tmp_path: Path) -> None:
    invite = _request("INVITE", "p1", "anna", '"\udcff" <sip:1@x>')
    log = _log(tmp_path / "phones", ("00.000000", "received", invite), ("00.500000", "received", invite))

    [leg] = legs(log)

    assert len(leg.messages) == 1
    assert b'"\xff"' in leg.messages[0].raw


def test_withheld_callers_are_told_apart_by_time(tmp_path: Path) -> None:
    nobody = "<sip:anonymous@anonymous.invalid>"
    callers = _log(
        tmp_path / "callers",
        ("00.000000", "sent", _request("INVITE", "c1", "desk", nobody)),
        ("05.000000", "sent", _request("INVITE", "c2", "desk", nobody)),
    )
    phones = _log(
        tmp_path / "phones",
        ("00.001000", "received", _request("INVITE", "p1", "anna", nobody)),
        ("05.001000", "received", _request("INVITE", "p2", "bert", nobody)),
    )

    assert [call.phones for call in evidence([callers], [phones]).calls] == [("anna",), ("bert",)]


def test_calls_one_at_a_time_are_joined_whatever_number_the_phone_shows(tmp_path: Path) -> None:
    callers = _log(tmp_path / "callers", ("00.000000", "sent", _request("INVITE", "c1", "desk", "<sip:%0d%0a@x>")))
    phones = _log(tmp_path / "phones", ("00.001000", "received", _request("INVITE", "p1", "anna", "<sip:asterisk@x>")))

    assert evidence([callers], [phones], one_at_a_time=True).calls[0].phones == ("anna",)
    assert evidence([callers], [phones]).calls[0].phones == ()
