"""What did the phones see? SIPp's message logs of callers and phones, joined by the caller's number.

All instants are aware and in UTC, with microseconds, from one clock: both sides run on this machine. SIPp takes the
time after sending a message, so a span that begins with one is too short by as long as SIPp waited for a core: 0.1 ms
usually, and on a busy machine enough to make it negative now and then.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from router.lab.sip_log import Message, dialogues, messages

# How long an external phone may still be asked when another has taken the call, and how late the end of a talk may be
# seen on a busy machine. Witnessed calls talk for longer.
LET_GO_WITHIN = timedelta(seconds=0.5)
STILL_TALKS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One phone that was rung: from the INVITE it received to its end.

    `status` is its final answer to the INVITE (200: it took the call; 487: it was told to stop; 0: none).
    `display` and `caller` are what the phone could show.
    """

    phone: str
    caller: str
    display: str
    invited_at: datetime
    rang_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    status: int
    messages: tuple[Message, ...]

    @property
    def accepted_at(self) -> datetime | None:
        """When the key 1 was pressed there, as far as SIP tells (INFO)."""
        pressed = (message.at for message in self.messages if message.method == "INFO" and "Signal=1" in message.text)
        return next(pressed, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One call as its caller saw it: answered by a person, or by the PBX itself, which SIP doesn't tell apart.

    `status` is the final answer to its INVITE (0: none). `hung_up` says that the caller ended it, by CANCEL or BYE.
    """

    caller: str
    dialled: str
    invited_at: datetime
    rang_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    status: int
    hung_up: bool
    messages: tuple[Message, ...]

    @property
    def unheard(self) -> bool:
        """Nothing ever came back: Asterisk threw the messages away as no SIP at all."""
        return all(message.sent for message in self.messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One call from both sides: its caller, and every phone that was rung for it, in the order of their INVITEs."""

    placed: Placed
    rung: tuple[Rung, ...]

    @property
    def caller(self) -> str:
        return self.placed.caller

    @property
    def phones(self) -> tuple[str, ...]:
        return tuple(rung.phone for rung in self.rung)

    @property
    def answered_by(self) -> tuple[str, ...]:
        """The phones that talked to the caller, in the order in which they rang: one, unless it was handed over.

        A phone whose answer came too late, when another had the call, is sent home without a word: it doesn't count.
        Nor does an external phone that was only asked whether it takes the call: what counts is that it shares the
        caller's talk.
        """
        return tuple(rung.phone for rung in self.rung if rung.answered_at is not None and self._talked(rung))

    def _talked(self, rung: Rung) -> bool:
        if not rung.phone.startswith("+"):
            return not _sent_home(rung) and not self._let_go_before_the_caller_heard_anybody(rung)
        begins, ends = self.placed.answered_at, self.placed.ended_at
        if begins is not None and rung.answered_at is not None and begins < rung.answered_at:
            # The caller waited with music when it was picked up: what they share only counts from the key on.
            begins = rung.accepted_at
        if begins is None or ends is None or rung.ended_at is None:
            return begins is not None and rung.ended_at is None
        return min(ends, rung.ended_at) - begins > LET_GO_WITHIN

    def _let_go_before_the_caller_heard_anybody(self, rung: Rung) -> bool:
        """Two were lifted in the same moment: the PBX connects one and hangs up the other, not always with a reason."""
        connected = self.placed.answered_at
        if connected is None or rung.answered_at is None or rung.ended_at is None:
            return False
        return rung.answered_at <= connected and rung.ended_at <= connected

    @property
    def gave_up(self) -> bool:
        """The caller hung up before a person answered: while it rang, or while they waited with music.

        Also where a phone was lifted in that very moment: who was never answered has talked to nobody.
        """
        return self.placed.hung_up and (self.placed.answered_at is None or not self.answered_by)

    @property
    def let_go(self) -> bool:
        """The PBX answered by itself and hung up by itself: with a promise, if the records say so too."""
        ended = self.placed.answered_at is not None and self.placed.ended_at is not None
        return ended and not self.placed.hung_up and not self.answered_by

    @property
    def answered_together(self) -> bool:
        """Whether two phones talked to the caller at the same time.

        One that was rung after another had answered, and talks when that one has let go, was handed the call.
        """
        talks = [rung for rung in self.rung if rung.answered_at is not None and self._talked(rung)]
        talks.sort(key=lambda rung: rung.answered_at or STILL_TALKS)
        return any(_overlap(first, second) for first, second in pairwise(talks))

    @property
    def intercept_ms(self) -> float | None:
        """From the caller's INVITE to the first phone's, in milliseconds; None when no phone was rung."""
        if not self.rung:
            return None
        return (self.rung[0].invited_at - self.placed.invited_at) / timedelta(milliseconds=1)

    @property
    def answer_ms(self) -> float | None:
        """From the caller's INVITE until they heard a person, in milliseconds."""
        if self.placed.answered_at is None:
            return None
        return (self.placed.answered_at - self.placed.invited_at) / timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What all phones and callers of one run saw. `strangers` were rung for a caller who placed no call here."""

    calls: tuple[Heard, ...]
    strangers: tuple[Rung, ...]

    @property
    def offered(self) -> int:
        return len(self.calls)

    @property
    def answered(self) -> int:
        return sum(1 for call in self.calls if call.placed.answered_at is not None and len(call.answered_by) >= 1)

    @property
    def gave_up(self) -> int:
        return sum(1 for call in self.calls if call.gave_up)

    @property
    def let_go(self) -> int:
        return sum(1 for call in self.calls if call.let_go)

    @property
    def lost(self) -> tuple[Heard, ...]:
        """Neither answered by a phone, nor given up by the caller, nor let go with a promise."""
        return tuple(
            call
            for call in self.calls
            if not (call.gave_up or call.let_go) and (call.placed.answered_at is None or not call.answered_by)
        )

    @property
    def twice(self) -> tuple[Heard, ...]:
        """Answered by more than one phone at the same time."""
        return tuple(call for call in self.calls if call.answered_together)

    def of(self, caller: str) -> Heard:
        """The one call of this caller. Raises KeyError when there is none, or more than one."""
        found = [call for call in self.calls if call.caller == caller]
        if len(found) != 1:
            raise KeyError(f"{caller} placed {len(found)} calls")
        return found[0]


def evidence(callers: Sequence[Path], phones: Sequence[Path], *, one_at_a_time: bool = False) -> Evidence:
    """Join the message logs of callers and phones, as `joined` does."""
    return joined(
        [call for log in callers for call in placed(log)],
        [leg for log in phones for leg in legs(log)],
        one_at_a_time=one_at_a_time,
    )


def joined(calls: Iterable[Placed], legs: Iterable[Rung], *, one_at_a_time: bool = False) -> Evidence:
    """Put together what both sides saw.

    A phone's leg belongs to the call of the same caller number that was placed last before it. `one_at_a_time` says
    that no two calls overlapped: then numbers are not looked at, and callers who show none or a forged one are joined.
    """
    in_order = sorted(calls, key=lambda call: call.invited_at)
    of_caller: dict[str, list[int]] = {}
    for number, call in enumerate(in_order):
        of_caller.setdefault("" if one_at_a_time else call.caller, []).append(number)
    rung: dict[int, list[Rung]] = {}
    strangers = []
    for leg in sorted(legs, key=lambda leg: leg.invited_at):
        same = of_caller.get("" if one_at_a_time else leg.caller, [])
        # the first one if none was placed before: SIPp's clock is read after sending
        before = bisect_right(same, leg.invited_at, key=lambda number: in_order[number].invited_at)
        if same:
            rung.setdefault(same[max(before - 1, 0)], []).append(leg)
        else:
            strangers.append(leg)
    heard = tuple(Heard(placed=call, rung=tuple(rung.get(number, ()))) for number, call in enumerate(in_order))
    return Evidence(calls=heard, strangers=tuple(strangers))


def placed(log: Path) -> list[Placed]:
    """The calls in a log of Callers."""
    return [call_of(dialogue) for dialogue in dialogues(log)]


def legs(log: Path) -> list[Rung]:
    """The phones rung in a log of Phones."""
    return [leg_of(dialogue) for dialogue in dialogues(log)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a phone was given for its display."""

    phone: str
    text: str
    at: datetime


def texts(log: Path) -> list[Text]:
    """The texts that phones in a log of Phones were sent, in order, each once."""
    sent: dict[str, Text] = {}
    for message in messages(log):
        if message.method == "MESSAGE" and not message.sent:
            body = message.text.partition("\r\n\r\n")[2].strip()
            text = Text(phone=_user(message.first_line), text=body, at=message.at)
            sent.setdefault(message.header("Call-ID"), text)
    return list(sent.values())


def call_of(dialogue: tuple[Message, ...]) -> Placed:
    """The call that these messages, of one Call-ID and beginning with an INVITE, are about, as its caller saw it."""
    invite = dialogue[0]
    final = _final(dialogue)
    ends = [message for message in dialogue if message.method in ("CANCEL", "BYE")]
    return Placed(
        caller=_user(invite.header("From")),
        dialled=_user(invite.first_line),
        invited_at=invite.at,
        rang_at=_rang_at(dialogue),
        answered_at=final.at if final is not None and final.status == 200 else None,
        ended_at=_ended_at(dialogue, final),
        status=0 if final is None else final.status,
        hung_up=bool(ends) and ends[0].sent,
        messages=dialogue,
    )


def leg_of(dialogue: tuple[Message, ...]) -> Rung:
    """The leg that these messages, of one Call-ID and beginning with an INVITE, are about, as its phone saw it."""
    invite = dialogue[0]
    final = _final(dialogue)
    return Rung(
        phone=_user(invite.first_line),
        caller=_user(invite.header("From")),
        display=_display(invite.header("From")),
        invited_at=invite.at,
        rang_at=_rang_at(dialogue),
        answered_at=final.at if final is not None and final.status == 200 else None,
        ended_at=_ended_at(dialogue, final),
        status=0 if final is None else final.status,
        messages=dialogue,
    )


def _final(dialogue: Sequence[Message]) -> Message | None:
    """The first final answer to the INVITE."""
    answers = (message for message in dialogue if message.status >= 200 and message.header("CSeq").endswith("INVITE"))
    return next(answers, None)


def _rang_at(dialogue: Sequence[Message]) -> datetime | None:
    return next((message.at for message in dialogue if message.status in (180, 183)), None)


def _ended_at(dialogue: Sequence[Message], final: Message | None) -> datetime | None:
    bye = next((message.at for message in dialogue if message.method == "BYE"), None)
    if bye is not None or final is None or final.status == 200:
        return bye
    return final.at


def _sent_home(rung: Rung) -> bool:
    """Told that another phone had the call: by a CANCEL, or, when the answers crossed, by a BYE that says so."""
    told = [message for message in rung.messages if message.method in ("CANCEL", "BYE") and not message.sent]
    return any(message.method == "CANCEL" or message.header("Reason").startswith("SIP;cause=200") for message in told)


def _overlap(first: Rung, second: Rung) -> bool:
    if first.answered_at is None or second.answered_at is None or second.invited_at < first.answered_at:
        return True
    return second.answered_at < (_let_go_at(first) or STILL_TALKS) - LET_GO_WITHIN


def _let_go_at(rung: Rung) -> datetime | None:
    """When this phone let the caller go: it hung up, was hung up, or its transfer key was accepted."""
    passed = next((m.at for m in rung.messages if m.status == 202 and m.header("CSeq").endswith("REFER")), None)
    return passed or rung.ended_at


def _user(text: str) -> str:
    """The user part of the first SIP URI in a header or request line."""
    found = re.search(r"sips?:([^@;>\s]*)@", text)
    return found[1] if found else ""


def _display(header: str) -> str:
    name = header.partition("<")[0].strip()
    if name.startswith('"') and name.endswith('"') and len(name) > 1:
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name
