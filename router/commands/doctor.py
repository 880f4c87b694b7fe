"""How does an administrator ask what is wrong, and read the answer?"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

from cyclopts import Parameter

from router.commands.console import in_loop, out
from router.settings import FILE, PREFIX, Settings, load_settings
from router.settings_of_parts import SettingsError

if TYPE_CHECKING:
    from router.installation.doctor import Diagnosis
    from router.installation.finding import Finding

USUAL = Path("/etc/call-router/settings.toml")  # where `router init` writes as root
WIDE = 17  # characters of the longest name of a check
STYLES = {"good": "green", "warning": "yellow", "fault": "red", "left_out": "dim"}


def doctor(
    *,
    settings: Path | None = None,
    asterisk: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Is everything there that calls need? Each look in a line, with what to do where something is wrong.

    Looks at settings, secrets, database, table, PBX, API and mail, and changes nothing. Exits with 1 when something
    costs calls, or soon will.

    Parameters
    ----------
    settings
        The settings file; ROUTER_SETTINGS, or /etc/call-router/settings.toml, when it isn't given.
    asterisk
        Asterisk's folder, when it isn't /etc/asterisk. It is looked at only where the PBX is on this machine.
    as_json
        Everything as JSON.
    """
    from router.installation.doctor import Diagnosis, examine
    from router.installation.finding import MARKS, Finding, fault
    from router.installation.premises import Premises

    file = use_settings(settings)

    def tell(finding: Finding) -> None:
        mark, style = MARKS[finding.verdict], STYLES[finding.verdict.value]
        out.print(f"[{style}]{mark}[/] [bold]{finding.check:<{WIDE}}[/]", end=" ", highlight=False)
        out.print(finding.sentence, markup=False, highlight=False, soft_wrap=True)

    try:
        read = load_settings()
    except SettingsError as wrong:
        wrongs = tuple(fault("settings", said) for said in str(wrong).split("\n"))
        _end(Diagnosis(findings=wrongs), as_json, (lambda finding: None) if as_json else tell)
    premises = Premises(settings=read, settings_file=file, asterisk=asterisk or asterisk_here(read))
    _end(in_loop(examine(premises, (lambda finding: None) if as_json else tell)), as_json)


def _end(diagnosis: "Diagnosis", as_json: bool, tell: "Callable[[Finding], None]" = lambda finding: None) -> NoReturn:
    """Tell what is still to be told, and end."""
    for finding in diagnosis.findings:
        tell(finding)
    if as_json:
        findings = [finding.as_json() for finding in diagnosis.findings]
        out.print_json(json.dumps({"content": diagnosis.content, "findings": findings}))
    else:
        counted = Counter(finding.verdict.value for finding in diagnosis.findings)
        verdict = f"{counted['fault']} faults, {counted['warning']} warnings, {counted['good']} good"
        out.print(f"{verdict}." if counted["fault"] else f"Nothing that costs calls: {verdict}.", style="bold")
    sys.exit(0 if diagnosis.content else 1)


def use_settings(given: Path | None) -> Path | None:
    """Which settings file this command uses, from now on; None when variables alone say all."""
    file = given or (Path(os.environ[FILE]) if os.environ.get(FILE) else None)
    if file is None and not any(name.startswith(PREFIX) for name in os.environ) and USUAL.exists():
        file = USUAL
    if file is not None:
        os.environ[FILE] = str(file)
    return file


def asterisk_here(settings: Settings) -> Path | None:
    """Asterisk's folder, where the PBX is on this machine."""
    from router.installation.premises import ASTERISK

    here = settings.ami.host in ("localhost", "::1") or settings.ami.host.startswith("127.")
    return ASTERISK if here and ASTERISK.is_dir() else None
