"""Could a call be lost: by the table, or by the PBX?"""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from router.commands.console import in_loop, newest_table, out, with_database
from router.settings import Settings, load_settings


def check(
    *,
    pbx: Annotated[bool, Parameter(negative=())] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Could a call be lost? Names what is wrong with the table, and the way there. Exits with 1 when something is.

    Everybody who could call in the coming year is asked about: each line, kind of caller, opening and holiday.

    Parameters
    ----------
    pbx
        Ask the PBX of ROUTER_AMI_* instead, whether it has what the table needs. Changes nothing there.
    as_json
        Everything as JSON.
    """
    settings = load_settings()
    sys.exit(_check_pbx(settings, as_json=as_json) if pbx else _check_table(settings, as_json=as_json))


def _check_table(settings: Settings, *, as_json: bool) -> int:
    from router.routing.problem import as_json as problem_as_json
    from router.routing.problem import is_warning, path, say
    from router.routing.problems import problems

    zone = ZoneInfo(settings.time_zone)
    table = with_database(settings, lambda db: newest_table(db, settings))
    found = problems(table, datetime.now(UTC))
    wrong = [problem for problem in found if not is_warning(problem)]
    if as_json:
        told = [problem_as_json(problem, zone) for problem in found]
        out.print_json(json.dumps({"table": table.version, "problems": told}))
        return 1 if wrong else 0
    for problem in found:
        mark, style = ("warning", "yellow") if is_warning(problem) else ("problem", "red")
        out.print(f"{mark}  {say(problem, zone)}", style=style, highlight=False, soft_wrap=True)
        for hop in path(problem, zone):
            out.print(f"           {hop}", style="dim", highlight=False, soft_wrap=True)
    counted = (
        f"{len(table.lines)} lines, {len(table.people)} people, {len(table.desks)} desks,"
        f" {len(table.accounts)} accounts"
    )
    verdict = f"problems: {len(wrong)}, warnings: {len(found) - len(wrong)}" if found else "no problem within a year"
    out.print(f"Table {table.version}: {counted}; {verdict}.", style="bold", highlight=False, soft_wrap=True)
    return 1 if wrong else 0


def _check_pbx(settings: Settings, *, as_json: bool) -> int:
    from router.ami.lacks import costs_calls, say
    from router.ami.survey import survey
    from router.installation.premises import Premises

    premises = Premises(settings=settings)
    ami, originate = premises.ami(), premises.originator()
    table = with_database(settings, lambda db: newest_table(db, settings))
    found = in_loop(survey(ami, table, datetime.now(UTC), originate=originate, shipped=premises.files()))
    told = [(costs_calls(lack), type(lack).__name__, say(lack)) for lack in found.lacks]
    told.sort(key=lambda one: not one[0])  # what costs calls first
    if as_json:
        lacks = [{"lack": kind, "costs_calls": costs, "sentence": sentence} for costs, kind, sentence in told]
        out.print_json(json.dumps({"version": found.version, "lacks": lacks}))
    else:
        for costs, _, sentence in told:
            mark, style = ("lacks", "red") if costs else ("warns", "yellow")
            out.print(f"{mark}  {sentence}", style=style, highlight=False, soft_wrap=True)
        grave = sum(costs for costs, _, _ in told)
        verdict = f"{grave} that cost calls, {len(told) - grave} warnings" if told else "nothing lacks"
        where = f"Asterisk {found.version or '?'} at {ami.host}:{ami.port}"
        out.print(
            f"{where}: {found.desks} desks, {found.phones} phones looked at; {verdict}.",
            style="bold",
            highlight=False,
            soft_wrap=True,
        )
    return 1 if any(costs for costs, _, _ in told) else 0
