"""How do the lab's phones and callers behave, and how is that told to SIPp?

SIPp's scenarios have fixed times and one way through, so one is written for each run: a branch per distinct behaviour.
The pieces stand in scenarios/*.xml.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from xml.sax.saxutils import quoteattr

PIECES = Path(__file__).with_name("scenarios")

RINGS_AT_MOST = 600.0  # seconds; longer than any step of a plan, so only a fault reaches it
CANCEL_WITHIN = 2.0  # seconds; an Asterisk that says nothing to INVITE and CANCEL threw them away unread
SOONEST_GIVE_UP = 0.02  # seconds; SIPp drops a call when an answer comes in while it still has something to send
TALKS_AT_MOST = 3600.0  # seconds; a call that nobody ends would otherwise outlive the run

REFUSALS = (
    400,
    401,
    403,
    404,
    408,
    410,
    480,
    481,
    482,
    484,
    486,
    487,
    488,
    500,
    501,
    502,
    503,
    504,
    600,
    603,
    604,
    606,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Rings for `after` seconds, answers, and hangs up after `talks` seconds (None: the caller does).

    Before that it presses each of `keys`, every time after `key_after` seconds. `early`: it is heard before it answers.
    `transfers_to`: after `transfers_after` seconds it presses its transfer key and this number (a SIP REFER).
    `again` is what it does when the same caller rings it once more; the same, when it isn't given.
    """

    after: float = 0.05
    talks: float | None = None
    keys: str = ""
    key_after: float = 0.5
    early: bool = False
    transfers_to: str = ""
    transfers_after: float = 0.5
    again: "Behaviour | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverAnswers:
    """Rings until the other side has had enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuses:
    """Rings for `after` seconds (0: not at all) and refuses with a SIP code."""

    code: int
    after: float = 0.0
    to: str = ""  # where a redirection leads


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Gives no sign of life: switched off, or unreachable."""


Behaviour = Answers | NeverAnswers | Refuses | Mute

BUSY = Refuses(code=486)
UNAVAILABLE = Refuses(code=480)
DECLINES = Refuses(code=603)  # the red key of a desk phone


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCall:
    """One call to place.

    `caller` becomes the From header `<sip:caller@…>` unless `from_header` gives the whole of it, raw. `dialled` is the
    user part of the Request-URI, raw. `headers` are further header lines, raw. `gives_up` are seconds after the last
    sign of life while nobody answers (None: never), `talks` seconds after the answer (None: until the other side hangs
    up). The answer may be the PBX's own, in a waiting line. After it each of `keys` is pressed, every time after
    `key_after` seconds.
    """

    caller: str
    dialled: str
    from_header: str | None = None
    headers: tuple[str, ...] = ()
    gives_up: float | None = None
    talks: float | None = 0.5
    keys: str = ""
    key_after: float = 0.5


def phones_scenario(phones: Mapping[str, Behaviour]) -> str:
    """SIPp's scenario for the phones of one port, by the name in the Request-URI."""
    manners = list(dict.fromkeys(phones.values()))
    manners += [manner.again for manner in manners if isinstance(manner, Answers) and manner.again is not None]
    matches, jumps, branches = [], [], []
    for number, manner in enumerate(manners):
        names = "|".join(re.escape(name) for name, one in phones.items() if one == manner)
        if names:
            matches.append(_match("phone", names, f"is{number}"))
            jumps.append(f'  <nop next="branch-{number}" test="is{number}"/>')
        again = manners.index(manner.again) if isinstance(manner, Answers) and manner.again is not None else None
        branches.append(_phone_branch(number, manner, again))
    # Only where it is needed: what was seen grows with every call, and SIPp has room for some hundreds.
    remembers = any(isinstance(manner, Answers) and manner.again is not None for manner in manners)
    return _piece(
        "phones",
        globals='  <Global variables="seen"/>\n' if remembers else "",
        remembers=f"{_piece('phone_remembers')}\n" if remembers else "",
        references=",uri,caller,both,again,seen" if remembers else "",
        matches="\n".join(matches),
        jumps="\n".join(jumps),
        branches="\n".join(branches),
    )


def callers_scenario(calls: Sequence[PlacedCall], own_address: str) -> tuple[str, bytes]:
    """SIPp's scenario for these calls, and its file with a line per call.

    Raises ValueError for a line break and for giving up at once: raw.py can do both.
    """
    shapes: dict[tuple[object, ...], int] = {}
    lines = ["SEQUENTIAL"]
    matches, jumps, branches = [], [], []
    for call in calls:
        if call.gives_up is not None and call.gives_up < SOONEST_GIVE_UP:
            raise ValueError(f"{call.caller} gives up too soon for SIPp, which would meet the first answer on the way")
        values = [call.dialled, call.from_header or f"<sip:{call.caller}@{own_address}>", *call.headers]
        # `;` ends a field, so a value that holds some is written as several fields
        pieces = [value.split(";") for value in values]
        shape = (call.gives_up, call.talks, call.keys, call.key_after, *(len(piece) for piece in pieces))
        if shape not in shapes:
            number = shapes[shape] = len(shapes)
            matches.append(_match("manner", str(number), f"is{number}"))
            jumps.append(f'  <nop next="branch-{number}" test="is{number}"/>')
            branches.append(_caller_branch(number, call, [len(piece) for piece in pieces]))
        lines.append(";".join([str(shapes[shape]), *(part for piece in pieces for part in piece)]))
        if "\n" in lines[-1] or "\r" in lines[-1]:
            raise ValueError(f"a call of {call.caller} holds a line break, which SIPp's file can't carry")
    text = _piece("callers", matches="\n".join(matches), jumps="\n".join(jumps), branches="\n".join(branches))
    return text, ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _phone_branch(number: int, manner: Behaviour, again: int | None) -> str:
    parts = [f'  <label id="branch-{number}"/>']
    if again is not None:
        parts.append(f'  <nop next="branch-{again}" test="again"/>')
    match manner:
        case Answers(after=after, talks=talks, keys=keys, key_after=key_after):
            rings = _piece("phone_is_heard" if manner.early else "phone_rings")
            parts += [rings, _waits(after, f"answers-{number}")] if after else []
            presses = [
                _piece(
                    "phone_presses",
                    label=f"press-{number}-{place}",
                    limit=_limit(key_after, 0, f"press-{number}-{place}"),
                    sequence=2 + place,
                    key=key,
                )
                for place, key in enumerate(keys)
            ]
            if manner.transfers_to:
                limit = _limit(manner.transfers_after, 0, f"transfers-{number}")
                presses.append(
                    _piece(
                        "phone_transfers",
                        label=f"transfers-{number}",
                        limit=limit,
                        to=manner.transfers_to,
                        talks=_limit(talks, TALKS_AT_MOST, f"hangs-up-{number}"),
                        ends=f"hangs-up-{number}",
                    )
                )
            parts.append(
                _piece(
                    "phone_answers",
                    branch=number,
                    presses="\n".join(presses),
                    limit=_limit(talks, TALKS_AT_MOST, f"hangs-up-{number}"),
                )
            )
        case NeverAnswers():
            parts += [_piece("phone_rings"), _waits(RINGS_AT_MOST, f"ends-{number}")]
            parts.append(_piece("phone_refuses", code=480, words="Temporarily Unavailable"))
        case Refuses(code=code, after=after, to=to):
            parts += [_piece("phone_rings"), _waits(after, f"refuses-{number}")] if after else []
            words = f"Refused\nContact: <sip:{to}@[local_ip]:[local_port]>" if to else "Refused"
            parts.append(_piece("phone_refuses", code=code, words=words))
        case Mute():
            parts.append('  <nop next="end"/>')
    return "\n".join(parts)


def _caller_branch(number: int, call: PlacedCall, sizes: Sequence[int]) -> str:
    field = 1
    texts = []
    for size in sizes:
        texts.append(";".join(f"[field{field + part}]" for part in range(size)))
        field += size
    dialled, from_header, *headers = texts
    refusals = "".join(
        f'  <recv response="{code}" optional="true" next="refused-{number}"%{{limit}}/>\n' for code in REFUSALS
    )
    signs = "".join(f'  <recv response="{code}" optional="true"%{{limit}}/>\n' for code in (100, 180, 181, 182, 183))
    limit = "" if call.gives_up is None else f" {_limit(call.gives_up, 0, f'gives-up-{number}')}"
    answer = (
        f'  <recv response="200" next="answered-{number}"%{{limit}}>\n'
        '    <action><ereg regexp=".*" search_in="hdr" header="To:" assign_to="remote"/></action>\n'
        "  </recv>\n"
    )
    patience = _limit(CANCEL_WITHIN, 0, "end")
    # 481 is the answer to a CANCEL that came too late
    then = {code: "gone" if code == 481 else "refused" for code in REFUSALS}
    gone = "".join(
        f'  <recv response="{code}" optional="true" next="{then[code]}-{number}" {patience}/>\n' for code in REFUSALS
    )
    return "\n".join(
        (
            f'  <label id="branch-{number}"/>',
            _piece(
                "caller",
                branch=number,
                dialled=dialled,
                **{"from": from_header},
                headers="".join(f"{header}\n" for header in headers),
                hears=_Piece(signs + refusals + answer).substitute(limit=limit),
                gone=_Piece(signs).substitute(limit=f" {patience}") + gone,
                patience=patience,
                presses="\n".join(
                    _piece(
                        "caller_presses",
                        label=f"caller-presses-{number}-{place}",
                        limit=_limit(call.key_after, 0, f"caller-presses-{number}-{place}"),
                        **{"from": from_header},
                        sequence=2 + place,
                        key=key,
                    )
                    for place, key in enumerate(call.keys)
                ),
                talks=_limit(call.talks, TALKS_AT_MOST, f"hangs-up-{number}"),
            ),
        )
    )


def _waits(seconds: float, then: str) -> str:
    return _piece("phone_waits", milliseconds=round(seconds * 1000), then=then)


def _limit(seconds: float | None, most: float, then: str) -> str:
    milliseconds = round((most if seconds is None else seconds) * 1000)
    return f'timeout="{max(milliseconds, 1)}" ontimeout="{then}"'


def _match(variable: str, names: str, assign_to: str) -> str:
    expression = quoteattr(f"^({names})$")
    return f'      <ereg regexp={expression} search_in="var" variable="{variable}" assign_to="{assign_to}"/>'


def _piece(name: str, **values: object) -> str:
    return _Piece((PIECES / f"{name}.xml").read_text()).substitute(values).rstrip("\n")


class _Piece(Template):
    """`%{name}` is ours; `$` is SIPp's."""

    delimiter = "%"
