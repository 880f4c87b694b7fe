"""What stands in the configuration of a private Asterisk: the lab's surroundings, and the files that are shipped?"""

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TRUNK_ADDRESS = "127.0.0.2"  # what a caller from outside sends from; phones are at 127.0.0.1
OUTSIDE_PREFIX = "+1917555"  # the external phones of the lab's companies; no other number leaves it
OUTSIDE_MOST = "LAB_OUTSIDE_MOST"  # the global that says how many external legs there may be at once
TEMPLATES = Path(__file__).with_name("etc")

# What an administrator adds to the files of an Asterisk: these lines, at their end.
INCLUDES: Mapping[str, Sequence[str]] = {
    "extensions.conf": ("extensions_router.conf",),
    "queues.conf": ("queues_router.conf",),
    "manager.conf": ("manager.d/router.conf",),
}

GUARD_USER = "manager.d/router_guard.conf"  # shipped as a sample, because it is an option
ORIGINATE_USER = "manager.d/router_originate.conf"  # as well

# Where the company's own phones dial, unless a test says otherwise.
OWN_PHONES = "[lab-phones]\ninclude => router-codes\n"

# Files that Asterisk looks for although nothing needs them here: without them it complains at every start.
EMPTY_FILES = (
    "acl.conf",
    "ccss.conf",
    "cel.conf",
    "features.conf",
    "pjproject.conf",
    "queuerules.conf",
    "udptl.conf",
    "websocket_client.conf",
)

# Modules that only some uses need, by the name under which they are asked for.
OPTIONAL_MODULES: Mapping[str, Sequence[str]] = {
    "agi": ("res_speech.so", "res_agi.so"),
    "ari": (
        "res_http_websocket.so",
        "res_websocket_client.so",
        "res_stasis.so",
        "res_stasis_answer.so",
        "res_stasis_device_state.so",
        "res_stasis_playback.so",
        "res_stasis_recording.so",
        "res_stasis_snoop.so",
        "app_stasis.so",
        "res_ari_model.so",
        "res_ari.so",
        "res_ari_applications.so",
        "res_ari_asterisk.so",
        "res_ari_bridges.so",
        "res_ari_channels.so",
        "res_ari_endpoints.so",
        "res_ari_events.so",
    ),
    "config": ("func_config.so",),
    "voicemail": ("app_voicemail.so", "func_config.so"),  # the second tells the guard whether it would be deaf
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """What surrounds the shipped files in one private Asterisk.

    `phones` are SIP endpoints and the UDP port on loopback where each of them listens. `extra` is text added at the
    end of a file of etc/, or a whole further file. At `outside_port` on loopback (0: nowhere) every number that begins
    with OUTSIDE_PREFIX is reached. `options` are keys of OPTIONAL_MODULES. `guard` installs the voicemail
    guard's AMI user as well; the one that places calls is always there. `system_name` becomes the beginning of
    every Uniqueid.
    """

    phones: Mapping[str, int] = field(default_factory=dict)
    phones_context: str = "lab-phones"
    trunk_context: str = "router-in"
    outside_port: int = 0
    extra: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    http: bool = False
    system_name: str = ""
    ami_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    guard: bool = False
    guard_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    originate_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))


def files_of(lab: Lab, shipped: Path | None, values: Mapping[str, str | int]) -> dict[str, str]:
    """The text of each file below etc/: the lab's own with `values` for their names, and what stands in `shipped`."""
    texts = {path.name: _Conf(path.read_text()).substitute(values) for path in sorted(TEMPLATES.glob("*.conf"))}
    texts |= dict.fromkeys(EMPTY_FILES, "; nothing\n")
    texts["modules.conf"] += "".join(
        f"load = {module}\n" for option in lab.options for module in OPTIONAL_MODULES[option]
    )
    texts["pjsip.conf"] += "".join(_phone(name, port) for name, port in lab.phones.items())
    if lab.outside_port:
        texts["pjsip.conf"] += _outside(lab.outside_port)
        texts["router_external.conf"] = _ways_outside()
    texts["router_secret.conf"] = f"secret = {lab.ami_secret}\n"
    if lab.system_name:
        texts["asterisk.conf"] += f"systemname = {lab.system_name}\n"
    if shipped is not None:
        _install(shipped, lab, texts)
    for target, text in lab.extra.items():
        texts[target] = texts.get(target, "") + text
    return texts


def _install(shipped: Path, lab: Lab, texts: dict[str, str]) -> None:
    """What an administrator does: the files as they are, a line that includes each, the secrets."""
    for path in sorted(shipped.rglob("*.conf")):
        texts[str(path.relative_to(shipped))] = path.read_text()
    for target, includes in INCLUDES.items():
        texts[target] += "".join(f"#include {include}\n" for include in includes)
    texts["extensions.conf"] += OWN_PHONES
    texts[ORIGINATE_USER] = (shipped / f"{ORIGINATE_USER}.sample").read_text()
    texts["manager.conf"] += f"#include {ORIGINATE_USER}\n"
    texts["router_originate_secret.conf"] = f"secret = {lab.originate_secret}\n"
    if lab.guard:
        texts[GUARD_USER] = (shipped / f"{GUARD_USER}.sample").read_text()
        texts["manager.conf"] += f"#include {GUARD_USER}\n"
        texts["router_guard_secret.conf"] = f"secret = {lab.guard_secret}\n"


class _Conf(string.Template):
    """`%{name}` is ours; `$` and `@` are Asterisk's."""

    delimiter = "%"


def _phone(name: str, port: int) -> str:
    return (
        f"\n[{name}](lab-phone)\naors = {name}\ncallerid = {name} <>\n"
        f"\n[{name}](lab-aor)\ncontact = sip:{name}@127.0.0.1:{port}\n"
    )


def _outside(port: int) -> str:
    """The trunk to the external phones."""
    return (
        f"\n[outside](lab)\ncontext = router-in\naors = outside\n\n[outside](lab-aor)\ncontact = sip:127.0.0.1:{port}\n"
    )


def _ways_outside() -> str:
    pattern = f"_{OUTSIDE_PREFIX}."
    return (
        f"[router-outside]\nexten => most,1,Return(${{GLOBAL({OUTSIDE_MOST})}})\n"
        "exten => prompt,1,Return(vm-press&digits/1)\n"
        f"exten => {pattern},1,Return(PJSIP/${{EXTEN}}@outside)\n"
    )
