"""Which secrets has systemd handed to this process?

With `LoadCredential=router:FOLDER` each file of that folder is a credential: `FOLDER/ami_secret` becomes
`router_ami_secret` in the folder that CREDENTIALS_DIRECTORY names, which nobody but this process (and root) can read.
The names are those of the variables ROUTER_AMI_SECRET and so on, in small letters. One that isn't there isn't used.
"""

import os
from typing import Any

FOLDER = "CREDENTIALS_DIRECTORY"
SECRETS = (("ami", "secret"), ("guard", "secret"), ("originate", "secret"), ("mail", "password"))
DATABASE = "database_password"


def handed(folder: str | None) -> dict[str, Any]:
    """Settings that say in which files the secrets lie; empty when systemd has handed us none. Raises nothing."""
    if not folder:
        return {}
    files = {group: os.path.join(folder, f"router_{group}_{secret}") for group, secret in SECRETS}
    found: dict[str, Any] = {
        group: {f"{secret}_file": files[group]} for group, secret in SECRETS if os.path.isfile(files[group])
    }
    database = os.path.join(folder, f"router_{DATABASE}")
    return found | ({f"{DATABASE}_file": database} if os.path.isfile(database) else {})
