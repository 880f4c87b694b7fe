"""Which files are in the body of a form (multipart/form-data, RFC 7578)?"""

import re

from router.bulk.remarks import ImportRefused, Remark

_BOUNDARY = re.compile(r'boundary="?([^";]{1,70})"?').search
_NAME = re.compile(rb'\bname="([^"\r\n]*)"').search
_FILE = re.compile(rb'\bfilename="([^"\r\n]*)"').search


def parts_of(content_type: str, body: bytes) -> list[tuple[str, str, bytes]]:
    """Each part: the field's name, the file's name (that of the field, where it has none), and what is in it.

    Raises ImportRefused for a body that is no form.
    """
    boundary = _BOUNDARY(content_type)
    pieces = body.split(b"--" + boundary[1].encode()) if boundary else []
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ImportRefused([Remark(file="the request", sentence="its body is no form, or was cut off: send it again")])
    found = []
    for piece in pieces[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name, file = _NAME(head), _FILE(head)
        field = name[1].decode("utf-8", "replace") if name else ""
        found.append((field, file[1].decode("utf-8", "replace") if file else field, content.removesuffix(b"\r\n")))
    return found
