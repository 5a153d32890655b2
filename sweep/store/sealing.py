"""JSON that tells when a byte of it was changed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def sealed(content: Mapping[str, Any]) -> str:
    """Write JSON with a checksum of its other content as its last key."""
    return json.dumps({**content, "checksum": _checksum(content)}, indent=2, ensure_ascii=False) + "\n"


def unsealed(text: bytes) -> dict[str, Any]:
    """Read what `sealed` has written.

    Raises
    ------
    ValueError
        If it is not, to the byte, what was written.
    """
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or "checksum" not in content:
            raise ValueError("no checksum")
        del content["checksum"]
        if sealed(content).encode() != text:
            raise ValueError("its checksum differs")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return content


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
