"""What is wrong with this installation, and what is to be done about it?

Every look has a limit, and one that hangs or fails keeps none of the others. Nothing is changed; the PBX is asked to
raise a few events of its own that nobody else listens for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from router.installation.checks.database import DATABASE, Known, look_at_database
from router.installation.checks.dropins import FILES, look_at_drop_ins
from router.installation.checks.files import SETTINGS, look_at_files
from router.installation.checks.outside import API, MAIL, look_at_api, look_at_mail
from router.installation.checks.pbx import AMI, GUARD, look_at_guard, look_at_pbx
from router.installation.checks.table import PROBLEMS, look_at_table
from router.installation.finding import Finding, Verdict, fault
from router.installation.premises import Premises

# seconds; a frozen database, a PBX that takes each question and answers none, a mail server that is asked three things
WITHIN = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All findings, in the order in which they are told."""

    findings: Sequence[Finding]

    @property
    def content(self) -> bool:
        """Whether there is no fault; warnings don't count."""
        return not any(finding.verdict is Verdict.FAULT for finding in self.findings)


async def examine(
    premises: Premises, tell: Callable[[Finding], None] = lambda finding: None, *, within: float = WITHIN
) -> Diagnosis:
    """Look everywhere; `tell` hears each finding as soon as it and those before it are known. Raises nothing.

    `within` are the seconds for each place that is looked at. No finding has a number in clear.
    """
    told: list[Finding] = []
    known = Known()

    def say(findings: Iterable[Finding]) -> None:
        for finding in findings:
            told.append(finding.masked())
            tell(told[-1])

    async with asyncio.TaskGroup() as beside:
        others = [
            beside.create_task(_looked(name, look, within))
            for name, look in (
                (API, look_at_api(premises)),
                (MAIL, look_at_mail(premises)),
                (GUARD, look_at_guard(premises)),
            )
        ]
        say(_at_once(SETTINGS, look_at_files(premises)))
        say(await _looked(DATABASE, look_at_database(premises, known), within))
        say(_at_once(FILES, look_at_drop_ins(premises)))
        say(await _looked(AMI, look_at_pbx(premises, known.table), within))
        for other in others:
            say(await other)
    say(await _looked(PROBLEMS, look_at_table(premises, known.table, known.presences), within))
    return Diagnosis(findings=tuple(told))


async def _looked(name: str, look: AsyncIterator[Finding], within: float) -> list[Finding]:
    """What this look found, up to where it hung or failed."""
    found: list[Finding] = []
    try:
        async with asyncio.timeout(within):
            async for finding in look:
                found.append(finding)
    except TimeoutError:
        found.append(fault(name, f"looking took longer than {within:g} s: look whether it hangs or is overloaded"))
    except Exception as slip:
        found.append(_slip(name, slip))
    return found


def _at_once(name: str, look: Iterable[Finding]) -> Iterator[Finding]:
    try:
        yield from look
    except Exception as slip:
        yield _slip(name, slip)


def _slip(name: str, slip: Exception) -> Finding:
    # One place that surprises us must not hide what is wrong at the others. What it says may hold a secret.
    return fault(name, f"could not be looked at ({type(slip).__name__}): that is a fault of this command, report it")
