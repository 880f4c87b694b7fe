"""Is every line of the log of one form, whoever says it?"""

import json
import os
import pty
import subprocess
import sys

import pytest

WITHIN = 30.0  # seconds for a process that takes less than one

SAYS = """
import logging, structlog
from router.logs import set_up_logs

set_up_logs({form!r}, "info", mask_numbers={mask!r})
structlog.get_logger().info("call taken", call_id="pbx:1763759123.7", phone="+12025550111", after_ms=12345678)
structlog.get_logger().debug("phone rings", call_id="pbx:1")
logging.getLogger("uvicorn.error").info("a request")
logging.getLogger("uvicorn.error").warning("a %s", "library's warning")
logging.getLogger("panoramisk").warning("no idea what %r is", "+12025550112")
def divide(secret):
    return 1 / (len(secret) - len(secret))
try:
    divide("a " + "caller's number")
except ZeroDivisionError:
    structlog.get_logger().exception("event not understood")
try:
    raise ValueError("no line (202) 555-0113")
except ValueError as fault:
    structlog.get_logger().exception("event not understood", why=fault, numbers=["+12025550114"])
"""


def said(form: str, *, mask: bool = True) -> list[str]:
    """What a process says that sets up its logs in this form; in its own, because logs are set up once."""
    ended = subprocess.run(
        [sys.executable, "-c", SAYS.format(form=form, mask=mask)],
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=True,
    )
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_for_machines_each_line_is_one_object() -> None:
    lines = [json.loads(line) for line in said("json")]

    first, second, third, *others = [line["event"] for line in lines]
    assert (first, second, others) == ("call taken", "a library's warning", ["event not understood"] * 2)
    assert third.startswith("no idea")
    assert (lines[0]["call_id"], lines[0]["after_ms"]) == ("pbx:1763759123.7", 12345678)
    assert all(line["timestamp"] and line["level"] for line in lines)
    assert lines[3]["exception"]


@pytest.mark.parametrize("sentence", ["call taken", "a library's warning", "ZeroDivisionError"])
def test_for_people_the_sentence_stands_in_the_line(sentence: str) -> None:
    assert any(sentence in line for line in said("console"))


def test_no_traceback_shows_what_its_variables_held() -> None:
    for told in (on_a_terminal(), "\n".join(said("console")), "\n".join(said("json"))):
        assert "ZeroDivisionError" in told
        assert "a caller's number" not in told


@pytest.mark.parametrize("form", ["console", "json", "terminal"])
def test_no_line_holds_a_whole_number_whoever_says_it(form: str) -> None:
    told = on_a_terminal() if form == "terminal" else "\n".join(said(form))
    for end in ("0111", "0112", "0113", "0114"):
        assert end not in told
    assert told.count("+1202555****") == 3
    assert told.count("(202) 555-****") >= 2  # why, and the traceback


def test_numbers_are_in_the_log_where_the_setting_says_so() -> None:
    told = "\n".join(said("json", mask=False))
    assert "+12025550111" in told
    assert "****" not in told


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_log_on_a_disk_that_is_full_is_lost_and_nothing_else(form: str) -> None:
    program = SAYS.format(form=form, mask=True) + "\nprint('went on')\n"
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=full, text=True, timeout=WITHIN, check=False
        )

    assert ended.stdout == "went on\n"


def on_a_terminal() -> str:
    ours, terminal = pty.openpty()
    program = SAYS.format(form="console", mask=True)
    subprocess.run([sys.executable, "-c", program], stderr=terminal, timeout=WITHIN, check=True)
    os.close(terminal)
    told = os.read(ours, 65_536).decode()
    os.close(ours)
    return told
