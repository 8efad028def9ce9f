"""JSON that any parser takes: one line of ASCII, no letter that is none."""

from __future__ import annotations

import json
import re
from typing import Any

_SURROGATES = re.compile("[\ud800-\udfff]")
"""What stands in a str for the bytes of a file name that is not UTF-8; Unicode has no such letters."""


def dump(value: Any) -> str:
    """Plain JSON values as one line; what is no letter becomes U+FFFD, and not-a-number is refused.

    Raises:
        ValueError: a number is none.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not text.isascii() and _SURROGATES.search(text):
        value = json.loads(replace_surrogates(text))
    return json.dumps(value, allow_nan=False)


def replace_surrogates(text: str) -> str:
    """The text with U+FFFD for what is no letter, so that it can be encoded."""
    return _SURROGATES.sub("\ufffd", text)
