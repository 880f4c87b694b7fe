"""Who may use the API, said from the command line?"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from router.commands.console import err, fail, out, who_asks, with_database
from router.settings import load_settings
from router.storage.access_schema import Role

if TYPE_CHECKING:
    from router.storage.keys import KeyBy

app = App(name="key", help="Who may use the API: make a key, list them, revoke one.")


@app.command
def new(name: str, *, role: Role, from_file: Path | None = None) -> None:
    """Make an API key. It is shown this once; only its hash is kept.

    Parameters
    ----------
    name
        Whose it is, so that you know later what to revoke.
    role
        What it may do, each more than the one before; a service pushes data and reads it.
    from_file
        Take the key's text from this file, where somebody else has drawn it; again with the same text nothing happens.
    """
    from router.storage.keys import keep_key, new_key

    if from_file is not None:
        try:
            text = from_file.read_text(encoding="ascii").strip()
            made = with_database(load_settings(), lambda db: keep_key(db, text, name, role, by=_key_by()))
        except (OSError, ValueError) as fault:
            fail(f"{from_file}: {fault}")
        said = "made" if made else "known already: nothing was changed"
        err.print(f"The key of {name!r} in {from_file}, role {role.value}: {said}.", highlight=False)
        return
    key = with_database(load_settings(), lambda db: new_key(db, name, role, by=_key_by()))
    out.print(key, highlight=False, soft_wrap=True)
    err.print(f"This is the key of {name!r}, role {role.value}. It can't be shown again.", highlight=False)


@app.command(name="list")
def list_() -> None:
    """Which keys were made, for whom, and which still open the API."""
    from router.storage.keys import list_keys

    now = datetime.now(UTC)
    for key in with_database(load_settings(), list_keys):
        expired = key.expires_at is not None and key.expires_at <= now
        state = "revoked" if key.revoked_at else ("expired" if expired else "valid")
        out.print(f"{key.prefix}  {key.role.value:<11}  {state:<7}  {key.name}", highlight=False, soft_wrap=True)


@app.command
def revoke(prefix: str) -> None:
    """Let a key open the API no longer.

    Parameters
    ----------
    prefix
        The eight characters after rtr_ in the key, as `router key list` shows them.
    """
    from router.storage.keys import revoke_key

    by = _key_by()
    if not with_database(load_settings(), lambda db: revoke_key(db, prefix, by.at, by=by)):
        fail(f"no key begins with rtr_{prefix}_: `router key list` shows them")
    out.print(f"The key rtr_{prefix}_… opens nothing any more.", highlight=False)


def _key_by() -> "KeyBy":
    from router.storage.access_schema import Source
    from router.storage.keys import KeyBy

    return KeyBy(at=datetime.now(UTC), actor=who_asks(), key=None, source=Source.COMMAND)
