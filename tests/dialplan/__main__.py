"""Does asterisklint find anything wrong with the shipped dialplan?"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.dialplan.reading import EXTENSIONS

# What asterisklint 0.4 doesn't know: `(+)` adds to a section, and WaitForCondition, MSet, MessageSend and
# CHANNEL_EXISTS are not in its list.
KNOWN = (
    "E_CONF_BAD_LINE: expected variable = value, line starts with '[general](+)'",
    "app 'WaitForCondition'",
    "app 'MSet'",
    "app 'MessageSend'",
    "function 'CHANNEL_EXISTS'",
)

# what an administrator says of external phones, in the words of the contract
OUTSIDE = """
[router-outside]
exten => _+1212XXXXXXX,1,Return(PJSIP/${EXTEN:1}@my-trunk)
exten => most,1,Return(8)
exten => prompt,1,Return(custom/press-one-to-take-the-call)
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "extensions.conf").write_text(f"[general]\n[globals]\n{EXTENSIONS.read_text()}{OUTSIDE}")
        lint = subprocess.run(
            [Path(sys.executable).with_name("asterisklint"), "dialplan-check", "extensions.conf"],
            cwd=folder, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    found = [line for line in (lint.stdout + lint.stderr).splitlines() if line and not any(k in line for k in KNOWN)]
    for line in found:
        print(line)  # noqa: T201
    print(f"asterisklint: {len(found)} findings")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
