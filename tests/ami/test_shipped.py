"""Is the shipped dialplan read as Asterisk reads it, so that the two can be compared?"""

from hypothesis import given
from hypothesis import strategies as st

from router.ami.dialplan import SAFETY_NET, SLOTS
from router.ami.framing import Message
from router.ami.shipped import Priority, contexts_of, loaded, shipped
from tests.dialplan.reading import EXTENSIONS, priorities


def test_every_priority_of_the_shipped_file_is_read() -> None:
    read = shipped().contexts

    assert sum(map(len, read.values())) == len(priorities(EXTENSIONS.read_text()))
    assert {"router-in", "router-deliver", "router-fallback"} <= set(read)
    assert "general" not in read


def test_every_queue_of_the_pool_is_read() -> None:
    queues = shipped().queues

    assert len(queues) == len(set(queues)) == 3 * SLOTS + 1
    assert SAFETY_NET in queues


def test_a_priority_is_numbered_and_a_semicolon_freed() -> None:
    text = "[one]\nexten => s,1,NoOp(a\\;b)\n same => n(here),Set(X=${Y})\nexten => _X.,1,Hangup()\n"

    assert contexts_of(text)["one"] == {
        Priority(exten="s", number=1, label="", app="NoOp", args="a;b"),
        Priority(exten="s", number=2, label="here", app="Set", args="X=${Y}"),
        Priority(exten="_X.", number=1, label="", app="Hangup", args=""),
    }


WORDS = st.text("abcdefgh$-{}.=,", max_size=8)


@given(st.lists(st.tuples(st.from_regex("[a-z]{1,6}", fullmatch=True), WORDS), min_size=1, max_size=5))
def test_what_is_written_is_what_asterisk_lists(steps: list[tuple[str, str]]) -> None:
    written = [
        f"{'exten => s,1' if number == 0 else ' same => n'},{app}({args})" for number, (app, args) in enumerate(steps)
    ]
    listed = [
        Message(fields={"extension": "s", "priority": str(number), "application": app, "appdata": args})
        for number, (app, args) in enumerate(steps, start=1)
    ]

    assert contexts_of("\n".join(["[one]", *written]))["one"] == loaded(listed)
