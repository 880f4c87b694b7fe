"""Which operations does the API's description tell of?"""

from collections.abc import Iterator
from typing import Any

from router.web.describing import METHODS


def named(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each by its method and path."""
    return {
        f"{method.upper()} {path}": operations[method]
        for path, operations in description["paths"].items()
        for method in METHODS
        if method in operations
    }


def operations_of(description: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All of them."""
    yield from named(description).values()


def streams(operation: dict[str, Any]) -> bool:
    """Whether its answer has no end."""
    return any("text/event-stream" in answer.get("content", {}) for answer in operation["responses"].values())
