"""Who sits before an installation, and what have they read?"""

from dataclasses import dataclass, field


@dataclass
class Person:
    """Agrees to everything but to questions with one of the words in `but`. As `unattended` nobody sits there."""

    unattended: bool = False
    but: tuple[str, ...] = ()
    read: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        self.read.append(sentence)

    def show(self, text: str) -> None:
        self.read.append(text)

    def agrees(self, question: str) -> bool:
        self.asked.append(question)
        return not any(word in question for word in self.but)
