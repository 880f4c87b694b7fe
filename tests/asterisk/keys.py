"""How is a key pressed within the sound of a call (RFC 4733), as mobiles do it?"""

import re
import socket
import time

from router.lab.sip_log import Message

PACKET = 0.02  # seconds of sound in one RTP packet
SILENCE = b"\xff" * 160  # that long in PCMU
BEFORE = 10  # packets of silence first: Asterisk learns from a few where sound comes from
HELD = 8  # packets for which the key is held
STREAM = 0x1CE0FFEE  # any number that tells one source of sound from another


def press(key: str, invite: Message) -> None:
    """Press a key on the phone that was rung by this INVITE and has answered; takes half a second."""
    address, port, kind = _where(invite.text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sound:
        for number in range(BEFORE + HELD + 3):  # the end of a key is said three times, in case one gets lost
            held = number - BEFORE
            if held < 0:
                packet = _rtp(number, number * 160, 0, first=number == 0) + SILENCE
            else:
                ended = 0x80 if held >= HELD else 0
                event = bytes([int(key), ended | 10]) + (min(held + 1, HELD) * 160).to_bytes(2, "big")
                packet = _rtp(number, BEFORE * 160, kind, first=held == 0) + event
            sound.sendto(packet, (address, port))
            time.sleep(PACKET)  # the pace of sound


def _rtp(number: int, at: int, kind: int, *, first: bool) -> bytes:
    head = bytes([0x80, (0x80 if first else 0) | kind])
    return head + number.to_bytes(2, "big") + at.to_bytes(4, "big") + STREAM.to_bytes(4, "big")


def _where(offer: str) -> tuple[str, int, int]:
    """Where the PBX listens for this call's sound, and which number keys have in it."""
    address = re.search(r"^c=IN IP4 (\S+)", offer, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", offer, re.MULTILINE)
    kind = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", offer, re.MULTILINE)
    assert address
    assert port
    assert kind
    return address[1], int(port[1]), int(kind[1])
