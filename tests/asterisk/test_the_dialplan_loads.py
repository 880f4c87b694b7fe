"""Does a real Asterisk have everything that the shipped dialplan uses?

It loads a misspelt application without a word and drops the caller who comes to it, so each is asked for by name.
"""

import pytest

from router.ami import dialplan as names
from router.lab.asterisk import PrivateAsterisk
from tests.dialplan.reading import EXTENSIONS, FUNCTION, jumps, priorities

pytestmark = pytest.mark.asterisk

PLAN = priorities(EXTENSIONS.read_text())
APPLICATIONS = sorted({priority.app for priority in PLAN} | {"WaitForCondition"})
FUNCTIONS = sorted({name for priority in PLAN for found in FUNCTION.findall(priority.args) for name in found if name})


@pytest.mark.parametrize("application", APPLICATIONS)
def test_asterisk_has_every_application(pbx: PrivateAsterisk, application: str) -> None:
    assert "not registered" not in pbx.cli(f"core show application {application}").splitlines()[0]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_asterisk_has_every_function(pbx: PrivateAsterisk, function: str) -> None:
    assert "No function by that name" not in pbx.cli(f"core show function {function}")


def test_what_asterisk_does_not_have_would_be_noticed(pbx: PrivateAsterisk) -> None:
    assert "not registered" in pbx.cli("core show application WaitForConditions").splitlines()[0]
    assert "No function by that name" in pbx.cli("core show function FILTERS")


def test_asterisk_has_every_context_and_loses_none_at_a_reload(pbx: PrivateAsterisk) -> None:
    contexts = {priority.context for priority in PLAN}
    pbx.cli("dialplan reload")
    shown = pbx.cli("dialplan show")
    assert [context for context in sorted(contexts) if f"Context '{context}' created by" not in shown] == []


def test_asterisk_has_every_place_that_is_jumped_to(pbx: PrivateAsterisk) -> None:
    places = {
        (jump.context, jump.exten) for jump in jumps(PLAN) if "$" not in jump.exten and jump.exten[:1] not in "_x"
    }
    missing = [
        place for place in sorted(places) if "There is no existence" in pbx.cli(f"dialplan show {place[1]}@{place[0]}")
    ]
    assert missing == []


def test_asterisk_has_the_whole_pool_of_queues(pbx: PrivateAsterisk) -> None:
    assert pbx.cli("queue show").count(" strategy (") == 3 * names.SLOTS + 1


def test_the_routers_user_may_do_what_it_needs_and_no_more(pbx: PrivateAsterisk) -> None:
    shown = pbx.cli("manager show user router")
    assert "read perm: user\n" in shown
    assert "write perm: call,agent,user,reporting\n" in shown
    assert "VarSet,Newexten" in pbx.cli("manager show settings")


def test_loading_it_makes_asterisk_complain_of_nothing(pbx: PrivateAsterisk) -> None:
    assert pbx.unexpected_warnings() == []
