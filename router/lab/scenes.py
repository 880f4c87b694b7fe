"""Which calls does the demo place, and whose phones may answer each?"""

from dataclasses import dataclass

from router.lab import sample
from router.lab.scenarios import PlacedCall

COORDINATORS = frozenset({"anna", "ben", "carla"})
SERVICE = frozenset({"dora", "emil"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One call of the demo: who calls which number, and whose phones may answer."""

    title: str
    caller: str
    dialled: str
    answers: frozenset[str]

    def call(self) -> PlacedCall:
        """The call to place; a withheld caller says so in the From header, as carriers do."""
        if self.caller == "anonymous":
            return PlacedCall(
                caller=self.caller,
                dialled=self.dialled,
                from_header='"Anonymous" <sip:anonymous@anonymous.invalid>',
                talks=0.2,
            )
        return PlacedCall(caller=self.caller, dialled=self.dialled, talks=0.2)


SCENES = (
    Scene(
        title="an unknown caller dials a salesperson's line",
        caller=sample.STRANGER,
        dialled=sample.FELIX_LINE,
        answers=COORDINATORS,
    ),
    Scene(
        title="a customer with a running job dials the salesperson",
        caller=sample.BIRCH,
        dialled=sample.FELIX_LINE,
        answers=frozenset({"jonas"}),
    ),
    Scene(
        title="a customer without a job dials the business line",
        caller=sample.CEDAR,
        dialled=sample.BUSINESS_LINE,
        answers=frozenset({"jonas"}),
    ),
    Scene(
        title="the account manager is away: the deputy",
        caller=sample.DOGWOOD,
        dialled=sample.BUSINESS_LINE,
        answers=frozenset({"lena"}),
    ),
    Scene(
        title="two running jobs: the dialled salesperson tells which",
        caller=sample.ELM,
        dialled=sample.GRETA_LINE,
        answers=frozenset({"jonas"}),
    ),
    Scene(
        title="a number of a customer's own block",
        caller=sample.FIR,
        dialled=sample.BUSINESS_LINE,
        answers=frozenset({"jonas"}),
    ),
    Scene(
        title="a stranger dials the business line",
        caller="+16465550101",
        dialled=sample.BUSINESS_LINE,
        answers=COORDINATORS,
    ),
    Scene(
        title="two rules fit: the lower number decides",
        caller=sample.HAZEL,
        dialled=sample.BUSINESS_LINE,
        answers=frozenset({"lena"}),
    ),
    Scene(
        title="a rule for a region leads to another desk",
        caller=sample.DENVER,
        dialled=sample.FELIX_LINE,
        answers=SERVICE,
    ),
    Scene(
        title="the number of somebody who has left",
        caller="+16465550102",
        dialled=sample.HUGO_LINE,
        answers=COORDINATORS,
    ),
    Scene(
        title="a line that is closed these days: the desk on duty",
        caller="+16465550105",
        dialled=sample.SHOWROOM_LINE,
        answers=SERVICE,
    ),
    Scene(
        title="a line that is diverted: the other desk",
        caller="+16465550106",
        dialled=sample.FAIR_LINE,
        answers=SERVICE,
    ),
    Scene(
        title="the account manager has left: the successor, before the deputy",
        caller=sample.LARCH,
        dialled=sample.BUSINESS_LINE,
        answers=frozenset({"ida"}),
    ),
    Scene(
        title="a caller who hides their number",
        caller="anonymous",
        dialled=sample.BUSINESS_LINE,
        answers=COORDINATORS,
    ),
    Scene(
        title="a dialled number that is no line",
        caller="+16465550103",
        dialled=sample.NO_LINE,
        answers=COORDINATORS,
    ),
)

# Whoever sits at the desk Service signs out before, and in again afterwards.
SIGNED_OUT = (
    Scene(
        title="everybody at the desk Service has signed out by dialling *60: the next desk",
        caller=sample.DENVER[:-1] + "4",
        dialled=sample.GRETA_LINE,
        answers=COORDINATORS,
    ),
)

# All four at once to the desk Service, where two people sit: the last two have to wait, and one doesn't want to.
BOTH_TALK = tuple(PlacedCall(caller=sample.DENVER[:-1] + last, dialled=sample.FELIX_LINE, talks=2.5) for last in "56")
WAITS = PlacedCall(caller=sample.DENVER[:-1] + "7", dialled=sample.FELIX_LINE, talks=8.0)
PRESSES_1 = PlacedCall(caller=sample.DENVER[:-1] + "8", dialled=sample.FELIX_LINE, talks=None, keys="1", key_after=0.8)

WITHOUT_ROUTER = (
    Scene(
        title="the router is stopped: the same call",
        caller="+16465550104",
        dialled=sample.FELIX_LINE,
        answers=COORDINATORS,
    ),
    Scene(
        title="the router is stopped: a customer with a running job",
        caller=sample.BIRCH[:-1] + "9",
        dialled=sample.GRETA_LINE,
        answers=COORDINATORS,
    ),
)
