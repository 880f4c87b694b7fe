"""What is a child process asked to do, and what does it answer?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from router.storage.import_schema import ImportState


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An import of `files` (noun in the plural and path), of the `form` of an HTTP request (its content type and path),
    or the export of `export` into the file `into`. Paths are of files that the child can read.
    """

    database: str
    region: str
    time_zone: str
    external_prefixes: Sequence[str] = ()
    now: str
    actor: str = ""
    key: str | None = None
    files: Sequence[tuple[str, str]] = ()
    form: tuple[str, str] | None = None
    export: str = ""
    into: str = ""
    dry_run: bool = False
    replace: bool = False
    remove_up_to: int | None = None
    private: bool = True
    everything: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        return cls(**told)

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it. `told` is the rest of it as JSON: `difference`, `faults`, `remarks`, `nowhere`."""

    state: ImportState
    sentence: str
    version: int | None = None
    told: dict[str, Any] = field(default_factory=dict)
