"""What becomes of one object?"""

from dataclasses import dataclass

from router.changes.nouns import Declared
from router.storage.access_schema import Action
from router.storage.kept import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One object that becomes another, is new (`before` is None) or goes (`after` is None)."""

    declared: Declared
    before: Kept | None
    after: Kept | None
    undoes: int | None = None

    @property
    def id(self) -> int:
        found = self.after or self.before
        assert found is not None
        return found.entity.id

    @property
    def action(self) -> Action:
        return Action.CREATED if self.before is None else Action.REMOVED if self.after is None else Action.CHANGED
