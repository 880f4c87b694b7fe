"""How does an installation talk to who installs?"""

from typing import Protocol


class Talk(Protocol):
    """Who installs: reads what is said, and answers; or nobody does, and a program answers for them."""

    @property
    def unattended(self) -> bool:
        """Whether nobody sits there: then what is safe is done, and nothing else."""

    def say(self, sentence: str) -> None:
        """A line that is read."""

    def show(self, text: str) -> None:
        """Many lines, such as a difference."""

    def agrees(self, question: str) -> bool:
        """Whether they want it."""
