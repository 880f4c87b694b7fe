"""Is every message cut out whole, however its bytes arrive?"""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from router.ami.framing import Framing, parse


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


STREAM = (
    "Asterisk Call Manager/9.0.0\r\nResponse: Success\r\nMessage: Grüße\r\n\r\nEvent: Ja\r\nName: Zoë 🙂\r\n\r\n"
).encode()


@given(st.lists(st.integers(0, 200), max_size=20))
def test_the_messages_do_not_depend_on_where_the_bytes_are_split(places: list[int]) -> None:
    framing = Framing()
    blocks = [block for part in cut(STREAM, places) for block in framing.feed(part)]
    assert [dict(parse(block).fields) for block in blocks] == [
        {"response": "Success", "message": "Grüße"},
        {"event": "Ja", "name": "Zoë 🙂"},
    ]
    assert framing.version == "9.0.0"


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8))
def test_no_bytes_are_too_strange_to_be_read(data: bytes, places: list[int]) -> None:
    whole, parts = Framing(most=60), Framing(most=60)
    at_once = whole.feed(data)
    in_parts = [block for part in cut(data, places) for block in parts.feed(part)]
    assert in_parts == at_once
    assert all(len(block) <= 60 for block in at_once)
    for block in at_once:
        parse(block)


def test_a_message_without_end_is_forgotten_and_the_next_one_is_heard() -> None:
    framing = Framing(most=100)
    blocks = [block for _ in range(1_000) for block in framing.feed(b"A: " + b"x" * 50)]
    assert framing.too_long == 1  # it is not kept until its end comes, which may be never
    blocks += framing.feed(b"\r\n\r\nEvent: Next\r\n\r\n")
    assert blocks == [b"Event: Next"]
    assert framing.too_long == 1


def test_a_key_that_repeats_keeps_its_first_value_and_is_told() -> None:
    message = parse(b"Token: right\r\nCaller: 1\r\ntoken: forged")
    assert message.fields["token"] == "right"
    assert message.repeated
    assert not message.clean


def test_only_the_channel_variables_of_manager_conf_may_repeat() -> None:
    assert parse(b"Event: UserEvent\r\nChanVariable: A=1\r\nChanVariable: B=2").clean


def test_a_line_without_a_key_or_with_a_control_character_breaks_its_message() -> None:
    for block in (b"Event: A\r\nno key here", b"Event: A\nB: c", b"Event: A\rB: c", b"Event: \x00", b"Event: a\tb"):
        assert parse(block).broken, block
    assert parse(b"Event: A\r\nB: \r\nC: d:e, \xc3\xa9").clean


def test_a_value_keeps_its_spaces_but_the_one_that_separates() -> None:
    assert parse(b"Key:  two \r\nNone:x").fields == {"key": " two ", "none": "x"}
