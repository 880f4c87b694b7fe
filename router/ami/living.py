"""Which calls live, as the PBX sees it?"""

from router.ami.connection import must
from router.ami.counters import Dropped, Tally
from router.ami.ended import AskEach
from router.ami.fields import CHANNEL
from router.ami.outbound import UNIQUEID

MOST_UNCLEAR = 200  # channels of a list that are asked for one by one, because a caller's text hides which they are


async def live_calls(pbx: str, ask_each: AskEach, tally: Tally) -> frozenset[str]:
    """The ids of all channels that live; those of calls are among them. Raises LinkFailed."""
    live: set[str] = set()
    unclear: list[str] = []
    async for answer in ask_each([{"Action": "CoreShowChannels"}], many=True):
        must(answer, "CoreShowChannels")
        for item in answer.items:
            uniqueid = item.fields.get("uniqueid", "")
            if item.clean and UNIQUEID.fullmatch(uniqueid):
                live.add(uniqueid)
            elif CHANNEL.fullmatch(channel := item.fields.get("channel", "")) and len(unclear) < MOST_UNCLEAR:
                # The channel's name comes before any caller's text; what follows may be cut off or forged.
                unclear.append(channel)
            else:
                tally.dropped[Dropped.MALFORMED] += 1
    asked = [{"Action": "Getvar", "Channel": channel, "Variable": "UNIQUEID"} for channel in unclear]
    async for answer in ask_each(asked):
        if answer.success and UNIQUEID.fullmatch(uniqueid := answer.fields.get("value", "")):
            live.add(uniqueid)
    return frozenset(f"{pbx}:{uniqueid}" for uniqueid in live)
