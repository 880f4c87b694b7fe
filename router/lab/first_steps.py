"""What does somebody do first for whom the demo stays up?

Three steps that work as they stand here, word for word: a test carries them out.
"""

import shlex
from pathlib import Path

from router.lab import sample

COMMAND = ".venv/bin/router"
DEFAULT = Path("var/router.db")  # where every command looks that isn't told otherwise
CHANGED_RULE = 1  # of the sample company: it leads Hazel Hotels to Lena, and then to Ida
CHANGE = f'{{"label": "Hazel Hotels: Ida knows the file", "person_id": {sample.IDA}}}'


def first_steps(address: str, database: Path, rule_version: int, *, places_calls: bool, here: Path) -> str:
    """Read, get a key, change a rule and see the difference; as rows of text, the commands begin with `  $ `.

    `database` is the file of the sample company, `here` where they are typed, `rule_version` that of CHANGED_RULE.
    Where no calls can be placed, the difference is asked for (`explain`).
    """
    command = COMMAND if database == here / DEFAULT else f"ROUTER_DATABASE=sqlite:///{database} {COMMAND}"
    tried = (
        f"{command} {'test-call' if places_calls else 'explain'} --caller {sample.HAZEL} --line {sample.BUSINESS_LINE}"
    )
    difference = "a real call, who takes it, and why" if places_calls else "who would answer, and why"
    return f"""\
1 Read the API, and try it: {address}/api/v1/docs in a browser. Authorize takes the key of step 2.

2 Make a key for yourself.
  $ KEY=$({command} key new me --role admin); echo "$KEY"

3 Change a rule, and see the difference: {difference}.
  $ {tried}
  $ curl -sS -X PATCH {address}/api/v1/rules/{CHANGED_RULE} -H "Authorization: Bearer $KEY" \\
      -H 'Content-Type: application/json' -H 'If-Match: "{rule_version}"' \\
      -d {shlex.quote(CHANGE)}; echo
  $ {tried}
"""
