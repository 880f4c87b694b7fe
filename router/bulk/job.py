"""What is a child process asked to do, and what does it answer?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from router.storage.import_schema import ImportState

# Seconds for one job: a hundred thousand accounts take half a minute on a machine that is busy. Who waits for longer
# has a database that stands still.
WITHIN = 30 * 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An import of `files` (noun in the plural, what it is called, and its path) or of the `form` of an HTTP request
    (its content type and path), the taking back of version `undo`, or
    the export of `export` into the file `into`. The child can read these paths.
    """

    database: str
    region: str
    time_zone: str
    external_prefixes: Sequence[str] = ()
    now: datetime
    actor: str = ""
    key: str | None = None
    files: Sequence[tuple[str, str, str]] = ()
    form: tuple[str, str] | None = None
    export: str = ""
    into: str = ""
    undo: int | None = None
    dry_run: bool = False
    replace: bool = False
    remove_up_to: int | None = None
    private: bool = True
    everything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it. `told` is the rest of it as JSON: `difference`, `faults`, `remarks`, `nowhere`."""

    state: ImportState
    sentence: str
    version: int | None = None
    told: dict[str, Any] = field(default_factory=dict)
