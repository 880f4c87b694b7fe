"""In which form does the log come out?

One line for each thing said, on the standard error: for people, or one JSON object a line for machines. What libraries
say through the standard library's logging comes out in the same form.
"""

import io
import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from router.routing.hiding import in_data, without_ends

# Their warnings are worth reading; what they tell of every request or migration is not.
QUIET = ("alembic", "asyncio", "uvicorn", "panoramisk", "sqlalchemy")


class _Unfailing(io.TextIOBase):
    """A stream that loses what it can't write: a log on a disk that is full must cost no call, and no start."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def set_up_logs(form: Literal["console", "json"], level: str, *, mask_numbers: bool = True) -> None:
    """To be called once, at the start of a command. With `mask_numbers` no line holds a whole telephone number."""
    shared: Sequence[Processor] = (
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    )
    # Tracebacks never show what variables held: callers' numbers, keys, secrets.
    renderer: Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
        as_data = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        tracebacks: Sequence[Processor] = (structlog.processors.ExceptionRenderer(as_data),)
    elif sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        tracebacks = (structlog.processors.format_exc_info,)
    else:  # into a file or a journal: the same words, at a tenth of the time for laying them out
        renderer = structlog.processors.LogfmtRenderer(key_order=("timestamp", "level", "event"))
        tracebacks = (structlog.processors.format_exc_info,)
    # What an exception says, ours or the database's, can repeat what a caller sent: so it is looked through last.
    hiding: Sequence[Processor] = (_hide_numbers,) if mask_numbers else ()
    stream = cast(TextIO, _Unfailing(sys.stderr))
    numeric = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *tracebacks, *hiding, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tracebacks, *hiding, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _hide_numbers(_logger: WrappedLogger, _method: str, said: EventDict) -> EventDict:
    return {name: _without_numbers(value) for name, value in said.items()}


def _without_numbers(value: object) -> object:
    # What JSON doesn't know is written as its repr, which holds what its fields hold.
    plain = value is None or isinstance(value, str | int | float | dict | list | tuple)
    return in_data(value if plain else repr(value), without_ends)
