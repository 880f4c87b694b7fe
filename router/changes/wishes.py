"""What can be asked of the door?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from router.changes.fields import Fields
from router.changes.nouns import Declared
from router.storage.access_schema import Action, Source
from router.storage.kept import Kept

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


class Verb(StrEnum):
    """What an item of a list asks for: make is POST, replace PUT by reference, merge PATCH, remove DELETE."""

    MAKE = "make"
    REPLACE = "replace"
    MERGE = "merge"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One of several changes that are made as one; it is read when its turn comes, and may name what others made.

    `at` is where it stands (`/changes/3`). The object is named by `id` or by its `ref`, and in `body` each reference
    either by its id or as `{"ref": …}`.
    """

    at: str
    declared: Declared
    verb: Verb
    id: int | None = None
    ref: str | None = None
    only_if: Versions | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


Wish = Create | Amend | Replace | Remove | Undo | Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one object. `before` and `after` are alike when there was nothing to change.

    `version` is that of the table which the whole change made, None when it changed nothing.
    """

    declared: Declared
    action: Action
    before: Kept | None
    after: Kept | None
    undoes: int | None = None
    version: int | None = None

    @property
    def kept(self) -> Kept:
        """The object as it is now, or as it was last."""
        found = self.after or self.before
        assert found is not None
        return found
