"""Do the shipped files keep what the design promises of them?"""

import re

import pytest

from router.ami import dialplan as names
from router.ami.mailboxes import MAILBOXES as MAILBOXES_GUARDED
from router.calls.calling_back import MARK, Failed, What
from router.calls.calling_in import MARK as TEST_MARK
from router.calls.orders import Word
from router.routing.model import Strategy
from router.routing.reach import ROOM_FOR_A_KEY
from router.routing.standing_in import UNANSWERED_AT_MOST
from tests.dialplan.reading import (
    EXTENSIONS,
    GUARD_USER,
    ORIGINATE_USER,
    QUEUES,
    ROUTER_USER,
    Jump,
    Priority,
    jumps,
    priorities,
)

TEXT = EXTENSIONS.read_text()
PLAN = priorities(TEXT)
CONTEXTS = sorted({priority.context for priority in PLAN})
ENTRY = names.CONTEXT_IN
MAILBOXES = {
    "VoiceMail",
    "VoiceMailMain",
    "VMAuthenticate",
    "Voicemail",
    "MiniVM",
    "MinivmGreet",
    "MinivmRecord",
    "Record",
}


def extensions_of(context: str) -> set[str]:
    return {priority.exten for priority in PLAN if priority.context == context}


def labels_of(context: str, exten: str) -> set[str]:
    here = [p for p in PLAN if p.context == context and p.exten == exten]
    return {p.label for p in here if p.label} | ({"1"} if here else set())


def test_every_name_that_python_shares_stands_in_the_dialplan() -> None:
    shared = [
        names.VAR_PLAN, names.GLOBAL_BEAT, names.GLOBAL_TOKEN, names.DB_ENDED, names.DB_LINE, names.DB_LAST_RESORT,
        names.EVENT_ARRIVED, names.EVENT_PATH, names.EVENT_LEG_BEGUN, names.EVENT_LEG_ENDED, names.EVENT_TAKEN,
        names.VAR_HAND_OVER, names.EVENT_TRANSFER, names.EVENT_HANDED_OVER,
        names.VAR_CALL_BACK, names.EVENT_CALL_BACK, names.EVENT_CALL_BACK_ENDED, MARK,
        names.VAR_TEST, TEST_MARK,
        names.EVENT_ENDED, names.EVENT_PRESENCE, names.VAR_ANSWER, names.VAR_GUARDED,
    ]  # fmt: skip
    assert [name for name in shared if name not in TEXT] == []
    assert {names.CONTEXT_IN, names.CONTEXT_FALLBACK, names.CONTEXT_DELIVER, names.CONTEXT_MEMBER} <= set(CONTEXTS)
    assert {names.CONTEXT_HAND_OVER, names.CONTEXT_TRANSFER} <= set(CONTEXTS)
    assert {names.CONTEXT_TEST, names.CONTEXT_TEST_CALLER} <= set(CONTEXTS)
    assert {names.CONTEXT_CODES, names.CONTEXT_EXTERNAL, names.CONTEXT_GUARDED} <= set(CONTEXTS)
    assert f"> {names.BEAT_STALE}]?" in TEXT


def test_every_event_carries_the_token_and_the_call() -> None:
    events = [priority.args for priority in PLAN if priority.app == "UserEvent"]
    assert events
    assert [args for args in events if "Token: ${GLOBAL(ROUTER_TOKEN)},Call: " not in args] == []


def test_all_that_a_calls_end_tells_is_set_before_its_end_can_come() -> None:
    arrive = [priority.args for priority in PLAN if priority.context == "router-arrive" and priority.exten == "s"]
    pushed = next(place for place, args in enumerate(arrive) if "hangup_handler_push" in args)
    set_before = {args.split("=")[0].lstrip("_") for args in arrive[:pushed]}
    assert {"ROUTER_CALL", "ROUTER_CHAN", "ROUTER_ARRIVED"} <= set_before


def test_every_jump_leads_somewhere() -> None:
    astray = [jump for jump in jumps(PLAN) if not leads_somewhere(jump)]
    assert astray == []


def leads_somewhere(jump: Jump) -> bool:
    if (
        jump.context == "router-clean" != jump.by.context
    ):  # its extension is the filtered number, which its one pattern takes
        return re.fullmatch(r"(\$\{[^x]+\})?x(9|1|\$\{LEN\(\$\{(EXTEN|ROUTER_RAW)\}\)\})", jump.exten) is not None
    if jump.by.context == names.CONTEXT_TEST and jump.context == ENTRY:  # what was dialled: a trunk's call enters so
        return jump.exten == "${EXTEN}" and jump.target == "1"
    if jump.context == names.CONTEXT_OUTSIDE:  # the administrator's: looked for before each jump
        looked_for = f"DIALPLAN_EXISTS({jump.context},{jump.exten},{jump.target})"
        here = [priority.args for priority in PLAN if priority.context == jump.by.context]
        return any(looked_for in args for args in here)
    if jump.by.context == names.CONTEXT_CODES:  # a word and digits, which the one pattern there takes
        return jump.context == "router-code" and re.fullmatch(r"[a-z]{2,}(\$\{EXTEN:3\})?", jump.exten) is not None
    if jump.target == "${ROUTER_WORD}":  # one of the words that the answer was measured against
        return {word.value for word in Word} <= labels_of(jump.context, jump.exten)
    return jump.target in labels_of(jump.context, jump.exten)


# The administrator includes it into a context of their own, whose `i` and `t` are theirs: it only leads elsewhere.
INCLUDED = names.CONTEXT_CODES


@pytest.mark.parametrize("context", [context for context in CONTEXTS if context != INCLUDED])
def test_no_context_lets_a_channel_fall_out(context: str) -> None:
    assert {"i", "t", "T", "e"} <= extensions_of(context)


def test_a_caller_can_dial_no_special_extension_but_those_that_lead_to_the_filter() -> None:
    assert "h" not in extensions_of(ENTRY)
    assert {"s", "i", "t", "T", "e"} <= extensions_of(ENTRY)
    assert {priority.args.split(",")[0] for priority in PLAN if priority.context == ENTRY} == {"router-clean"}


def test_the_codes_are_all_that_the_company_s_own_context_gets() -> None:
    codes = (names.CODE_SIGN_IN, names.CODE_SIGN_OUT, names.CODE_PAUSE, names.CODE_AWAY)
    assert all(re.fullmatch(rf"_?({'|'.join(map(re.escape, codes))})X*", exten) for exten in extensions_of(INCLUDED))
    assert set(codes) <= extensions_of(INCLUDED)
    assert {priority.app for priority in PLAN if priority.context == INCLUDED} == {"Goto"}


def test_every_word_that_the_router_may_say_is_one_the_dialplan_takes() -> None:
    (accepted,) = re.findall(r'REGEX\("\^1~[^"]+~\(([a-z|]+)\)~[^"]+\$" \$\{ROUTER_COPY\}\)', TEXT)
    assert set(accepted.split("|")) == {word.value for word in Word}


def test_who_dials_a_code_is_known_by_the_endpoint_alone() -> None:
    raised = [p.args for p in PLAN if p.app == "UserEvent" and p.args.startswith(names.EVENT_PRESENCE)]
    assert len(raised) == 1
    assert "Phone: ${CHANNEL(endpoint)}," in raised[0]
    assert "CALLERID" not in raised[0]


def test_callers_text_is_read_only_where_it_is_filtered() -> None:
    raw = re.compile(r"CALLERID\((?!num\)=|name\)=|pres\)=)|PJSIP_HEADER|CONNECTEDLINE|REDIRECTING")
    readers = {priority.context for priority in PLAN if raw.search(priority.args)}
    assert readers <= {"router-clean", "router-caller-id", names.CONTEXT_GUARDED}


def test_a_call_out_of_a_mailbox_is_filtered_and_may_begin_one_line_late() -> None:
    guarded = [priority for priority in PLAN if priority.context == names.CONTEXT_GUARDED and priority.exten == "s"]

    assert [priority.app for priority in guarded[:2]] == ["NoOp", "NoOp"], "Asterisk may count on once"
    assert guarded[-1].args == "router-clean,${FILTER(+0-9,${ROUTER_RAW})}x${LEN(${ROUTER_RAW})},1"
    raw = [priority.args for priority in guarded if re.search(r"FROM_DID|CALLERID", priority.args)]
    assert all(re.fullmatch(r"ROUTER_RAW=\$\{[^{}]+\}", args) for args in raw), "it is data, and nothing else"


def test_the_guards_user_may_hear_of_applications_and_move_a_channel_and_no_more() -> None:
    text = GUARD_USER.read_text()
    said = dict(re.findall(r"^(\w+) = (.*)$", text, re.MULTILINE))

    assert (said["read"], said["write"]) == ("dialplan", "call")
    told = re.findall(r"^eventfilter\(.*header\(Application\),method\(exact\)\) = (\w+)$", text, re.MULTILINE)
    assert tuple(told) == MAILBOXES_GUARDED
    router = dict(re.findall(r"^(\w+) = (.*)$", ROUTER_USER.read_text(), re.MULTILINE))
    off = set(router["disabledevents"].split(","))
    assert off - set(said["disabledevents"].split(",")) == {"Newexten"}


def test_a_transfer_key_leads_into_our_own_context_with_digits_alone() -> None:
    led = [(priority.context, priority.args) for priority in PLAN if "TRANSFER_CONTEXT" in priority.args]
    there = f"__TRANSFER_CONTEXT={names.CONTEXT_TRANSFER}"
    assert led == [("router-arrive", there), (names.CONTEXT_CALL_BACK, there)]
    read = [p.args for p in PLAN if p.context == names.CONTEXT_TRANSFER and "EXTEN" in p.args]
    assert [
        args for args in read if args != "ROUTER_SHORT=${FILTER(0-9,${EXTEN})}" and "LEN(${EXTEN})" not in args
    ] == []


def test_the_user_that_places_calls_may_do_nothing_else() -> None:
    said = dict(re.findall(r"^(\w+) =[ ]?(.*)$", ORIGINATE_USER.read_text(), re.MULTILINE))

    assert (said["read"], said["write"]) == ("", "originate")
    assert said["permit"] == "127.0.0.1/255.255.255.255"


def test_a_test_call_enters_as_a_trunks_call_only_after_its_variable_was_measured() -> None:
    here = [p for p in PLAN if p.context.startswith(names.CONTEXT_TEST) and f"{names.VAR_TEST}}}" in p.args]
    assert {p.args for p in here} == {f"ROUTER_COPY=${{{names.VAR_TEST}}}"}
    entering = [f"{p.app}({p.args})" for p in PLAN if p.context == names.CONTEXT_TEST and p.app != "Hangup"]
    assert entering[1:3] == ["Gosub(router-test-read,s,1)", 'GotoIf($["${ROUTER_ID}" = "${UNIQUEID}"]?:no)']
    assert entering[-1] == f"Goto({ENTRY},${{EXTEN}},1)"


def test_a_filter_that_lets_a_hyphen_pass_names_it_as_a_range() -> None:
    # a hyphen that stands last begins a range without an end, and is taken out of ids and names
    assert re.findall(r"FILTER\([^,]*-,", TEXT) == []


def test_a_call_back_reads_its_variable_only_after_it_was_measured() -> None:
    here = [p for p in PLAN if p.context.startswith(names.CONTEXT_CALL_BACK) and f"{names.VAR_CALL_BACK}}}" in p.args]
    assert {(p.context, p.exten) for p in here} == {(names.CONTEXT_CALL_BACK, which) for which in ("owner", "customer")}
    assert {p.args for p in here} == {f"ROUTER_COPY=${{{names.VAR_CALL_BACK}}}"}
    for which in ("owner", "customer"):
        lines = [f"{p.app}({p.args})" for p in PLAN if p.context == names.CONTEXT_CALL_BACK and p.exten == which]
        assert lines[1] == "Gosub(router-callback-read,s,1)"
        checked = next(place for place, line in enumerate(lines) if "GotoIf" in line and "ROUTER_ID" in line)
        assert checked < min(place for place, line in enumerate(lines) if "Dial(" in line or "UserEvent(" in line)
    said = set(re.findall(r"UserEvent\(RouterCallBack,.*,What: (\w+),", TEXT))
    assert said == {what.value for what in What if what is not What.TAKEN}
    assert {"forbidden", "capped"} < {failed.value for failed in Failed}


def test_the_plan_of_a_hand_over_is_gone_once_it_has_been_read() -> None:
    here = [p.args for p in PLAN if p.context == names.CONTEXT_HAND_OVER and p.exten == "s"]
    read = here.index(f"ROUTER_COPY=${{{names.VAR_HAND_OVER}}}")
    assert here[read + 1].startswith(f"{names.VAR_HAND_OVER}=,")


def test_no_mailbox_application_is_reachable() -> None:
    assert {priority.app for priority in PLAN} & MAILBOXES == set()


def test_we_answer_the_caller_only_in_the_waiting_line_and_to_promise_a_call() -> None:
    speaking = {"Playback", "MusicOnHold", "BackGround", "Background", "Read", "WaitExten"}
    # the one that asks is told to a phone that answered, on its own channel; who dialled a code is no caller
    waiting, no_callers = {"router-waiting", "router-promise"}, {"router-confirm", "router-code-told"}
    no_callers |= {names.CONTEXT_TEST_CALLER}  # who took a test call hears it; nobody calls
    assert {priority.context for priority in PLAN if priority.app in speaking} == waiting | no_callers
    answers = {priority.context for priority in PLAN if priority.app == "Answer"}
    assert answers - no_callers == {"router-answer"}
    answering = {priority.context for priority in PLAN if "Gosub(router-answer" in f"{priority.app}({priority.args}"}
    assert answering | {p.context for p in PLAN if "?Gosub(router-answer" in p.args} == {"router-desk", *waiting}
    to_the_codes = {jump.by.context for jump in jumps(PLAN) if jump.context.startswith("router-code")}
    assert to_the_codes == {INCLUDED, "router-code", "router-code-told"}, "and no call is led there"


def test_the_key_in_the_waiting_line_leads_to_a_call_back() -> None:
    (context,) = re.findall(r"^context=(.*)$", QUEUES.read_text(), re.MULTILINE)
    (first, *_) = [priority for priority in PLAN if priority.context == context and priority.exten == "1"]
    assert (first.app, first.args) == ("Set", "ROUTER_PROMISE=asked")


def test_every_way_round_has_a_pause() -> None:
    waiting = [priority for priority in PLAN if priority.context == "router-waiting" and priority.exten == "s"]
    again = next(place for place, priority in enumerate(waiting) if priority.args == "router-tail,s,1")
    assert waiting[again - 1].app == "WaitExten"
    assert waiting[again - 1].args.startswith("5,m(")


def test_nothing_is_executed_that_has_no_name() -> None:
    # ExecIf with nothing to do in one of its branches hangs the caller up
    executed = [priority.args for priority in PLAN if priority.app == "ExecIf"]
    assert [args for args in executed if "]?:" in args or args.endswith(":)")] == []


def test_an_external_phone_that_answered_is_not_connected_unless_it_pressed_one() -> None:
    screen = [priority for priority in PLAN if priority.context == "router-confirm" and priority.exten == "s"]
    connects = [p for p in screen if "GOSUB_RESULT=)" in p.args]

    assert screen[0].args == "GOSUB_RESULT=CONTINUE"
    assert [p.args for p in connects] == ['$["${ROUTER_KEY}" = "1"]?Set(GOSUB_RESULT=)']
    assert "ABORT" not in " ".join(p.args for p in screen)
    assert all(",U(router-confirm" in p.args or "U(router-confirm" in p.args for p in PLAN if "ROUTER_TO}," in p.args)


def test_every_dial_hides_who_answers_and_every_wait_at_a_desk_has_a_limit() -> None:
    dials = [p for p in PLAN if p.app == "Dial"]
    queues = [p for p in PLAN if p.app == "Queue"]
    assert all(re.search(r",\w*Ii", dial.args) for dial in dials)
    limits = {"${ROUTER_QUEUE},rcIi,,,${ROUTER_LEFT}", "${ROUTER_QUEUE},cIi,,,${ROUTER_LIMIT}"}
    assert {queue.args for queue in queues} == limits
    assert dials
    assert queues


def test_the_pool_has_a_queue_for_every_strategy_and_slot() -> None:
    defined = set(re.findall(r"^\[(router-\w+-(?:\d\d|net))\]", QUEUES.read_text(), re.MULTILINE))
    wanted = {names.queue_name(strategy, slot) for strategy in Strategy for slot in range(names.SLOTS + 1)}
    assert defined == wanted


def test_the_ring_time_of_a_desk_is_the_same_in_both_files() -> None:
    said = set(re.findall(r"__ROUTER_RING=(\d+)", TEXT))
    kept = re.search(r"^timeout=(\d+)$", QUEUES.read_text(), re.MULTILINE)
    assert kept
    assert {int(seconds) + ROOM_FOR_A_KEY for seconds in said} == {int(kept[1])}
    assert f":{UNANSWERED_AT_MOST}" in TEXT
    assert f"{ROOM_FOR_A_KEY}:0)" in TEXT


def test_the_reader_itself_refuses_what_it_does_not_understand() -> None:
    with pytest.raises(ValueError, match="not a priority"):
        priorities("[a]\nexten = s,1,NoOp()")
    assert priorities("[a]\nexten => s,1(x),NoOp()") == [
        Priority(context="a", exten="s", label="x", app="NoOp", args="")
    ]
