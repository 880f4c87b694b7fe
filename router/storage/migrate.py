"""Has the database the tables this version needs?"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from router.storage.database import NotMigrated, normalised, translated

_one_at_a_time = threading.Lock()  # alembic keeps what it works on in a module, for the whole process

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def upgrade(url: str) -> None:
    """Bring the database to the newest tables, or make them; nothing happens when they are there.

    It runs an event loop of its own: call it before there is one, or in a thread. Raises StorageError: NotMigrated when
    the database is newer than this version.
    """
    if normalised(url).get_backend_name() == "sqlite":
        Path(str(normalised(url).database)).parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time, translated(), _in_our_words():
        command.upgrade(config_for(url), "head")


async def upgraded(database: str) -> None:
    """`upgrade` in a thread that a stop doesn't wait for: a frozen database may hold it for ever. Raises as that."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(fault: Exception | None) -> None:
        if done.cancelled():
            return
        if fault is None:
            done.set_result(None)
        else:
            done.set_exception(fault)

    def work() -> None:
        try:
            upgrade(database)
        except Exception as fault:
            loop.call_soon_threadsafe(tell, fault)
        else:
            loop.call_soon_threadsafe(tell, None)

    threading.Thread(target=work, name="migrations", daemon=True).start()
    await done


def downgrade(url: str, revision: str) -> None:
    """Bring the database back to an older revision, or to `base`: without any table. Raises as `upgrade`."""
    with translated(), _in_our_words():
        command.downgrade(config_for(url), revision)


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except CommandError as fault:
        raise NotMigrated(f"{fault}: it belongs to another version of the router") from fault


def config_for(url: str) -> Config:
    """What alembic's commands need, without a file and from any working directory."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["url"] = url
    return config
