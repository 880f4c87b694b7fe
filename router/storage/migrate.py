"""Has the database the tables this version needs?"""

from pathlib import Path

from alembic import command
from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to the newest tables, or make them; nothing happens when they are there.

    It runs an event loop of its own: call it before there is one, or in a thread. Raises StorageError, and
    alembic's CommandError when the database is newer than this version.
    """
    command.upgrade(config_for(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Bring the database back to an older revision, or to `base`: without any table. Raises as `upgrade`."""
    command.downgrade(config_for(url), revision)


def config_for(url: str) -> Config:
    """What alembic's commands need, without a file and from any working directory."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["url"] = url
    return config
