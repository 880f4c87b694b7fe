"""What can be asked of the door?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router.changes.fields import Fields
from router.changes.nouns import Declared
from router.storage.kept import Kept
from router.storage.schema import Action, Source

Versions = frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who asks: a name, the prefix of the key that was shown, and which way it came."""

    actor: str
    key: str | None = None
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make a new object; `as_id` only where one that was removed comes back."""

    declared: Declared
    fields: Fields
    as_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend:
    """Change an object by a JSON Merge Patch, if it is still at one of these versions (None: at any)."""

    declared: Declared
    id: int
    patch: Mapping[str, Any]
    only_if: Versions | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Let the object with this reference of the customer's own be exactly so; it is made when there is none."""

    declared: Declared
    ref: str
    fields: Fields
    only_if: Versions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    declared: Declared
    id: int
    only_if: Versions | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Take back the change that this entry of the audit is of, with all that was changed by it at once."""

    entry: int


Wish = Create | Amend | Replace | Remove | Undo


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one object. `before` and `after` are alike when there was nothing to change."""

    declared: Declared
    action: Action
    before: Kept | None
    after: Kept | None
    undoes: int | None = None

    @property
    def kept(self) -> Kept:
        """The object as it is now, or as it was last."""
        found = self.after or self.before
        assert found is not None
        return found
