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

set_up_logs({form!r}, "info")
structlog.get_logger().info("call taken", call_id="pbx:1")
structlog.get_logger().debug("phone rings", call_id="pbx:1")
logging.getLogger("uvicorn.error").info("a request")
logging.getLogger("uvicorn.error").warning("a %s", "library's warning")
def divide(secret):
    return 1 / (len(secret) - len(secret))
try:
    divide("a " + "caller's number")
except ZeroDivisionError:
    structlog.get_logger().exception("event not understood")
"""


def said(form: str) -> list[str]:
    """What a process says that sets up its logs in this form; in its own, because logs are set up once."""
    ended = subprocess.run(
        [sys.executable, "-c", SAYS.format(form=form)], capture_output=True, text=True, timeout=WITHIN, check=True
    )
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_for_machines_each_line_is_one_object() -> None:
    lines = [json.loads(line) for line in said("json")]

    assert [line["event"] for line in lines] == ["call taken", "a library's warning", "event not understood"]
    assert lines[0]["call_id"] == "pbx:1"
    assert all(line["timestamp"] and line["level"] for line in lines)
    assert lines[2]["exception"]


@pytest.mark.parametrize("sentence", ["call taken", "a library's warning", "ZeroDivisionError"])
def test_for_people_the_sentence_stands_in_the_line(sentence: str) -> None:
    assert any(sentence in line for line in said("console"))


def test_no_traceback_shows_what_its_variables_held() -> None:
    ours, terminal = pty.openpty()
    subprocess.run([sys.executable, "-c", SAYS.format(form="console")], stderr=terminal, timeout=WITHIN, check=True)
    os.close(terminal)
    on_a_terminal = os.read(ours, 65_536).decode()
    os.close(ours)

    for told in (on_a_terminal, "\n".join(said("console")), "\n".join(said("json"))):
        assert "ZeroDivisionError" in told
        assert "a caller's number" not in told
