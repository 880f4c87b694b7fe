"""How does somebody have a number taken out of all records, from the command line?"""

import sys
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from router.commands.console import err, fail, out, with_database
from router.routing.numbers import read_number
from router.settings import load_settings
from router.storage.database import Database
from router.storage.forgetting import Forgotten, forget, stands_in_table


def forget_number(number: str, /, *, yes: Annotated[bool, Parameter(negative=())] = False) -> None:
    """Erase a number from all records: calls, phones rung, commitments, notices, orders, audit. It can't be undone.

    What the number's calls came to stays on record, without the number. Says what was erased, and where the number
    has to stay for now.

    Parameters
    ----------
    number
        The number, with its country code or in the company's national form.
    yes
        Don't ask.
    """
    settings = load_settings()
    wanted = read_number(number, settings.region).e164
    if not wanted:
        fail(f"{number!r} is no telephone number: write it with + and its country code", code=2)
    if not yes and not _sure(wanted):
        fail("Nothing was erased.")

    async def work(db: Database) -> tuple[Forgotten, tuple[str, ...]]:
        return await forget(db, wanted, settings.region, datetime.now(UTC)), await stands_in_table(db, wanted)

    forgotten, in_table = with_database(settings, work)
    _tell(wanted, forgotten, in_table)


def _sure(number: str) -> bool:
    if not sys.stdin.isatty():
        fail("this can't be undone, and nobody is there to be asked: say --yes", code=2)
    err.print(
        f"Erase {number} from all records? It can't be undone. [y/N] ",
        end="",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _tell(number: str, forgotten: Forgotten, in_table: tuple[str, ...]) -> None:
    def say(sentence: str) -> None:
        out.print(sentence, highlight=False, soft_wrap=True)

    if forgotten.records:
        counted = ", ".join(f"{count} {what}" for what, count in forgotten.records.items())
        say(f"Erased {number} from {counted}.")
    else:
        say(f"{number} stands in no record that could be changed.")
    for commitment in forgotten.owed:
        say(f"Commitment {commitment} is owed to it and keeps it until it is closed: then forget it again.")
    for call in forgotten.living:
        say(f"Call {call} lives: forget it again when the call has ended.")
    for place in in_table:
        say(f"The table has it still: {place}.")
    say("The PBX's own journal of ended calls keeps numbers for a week, and old records may hold it without its end.")
