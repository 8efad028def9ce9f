"""Text → HTML that can do no harm: names of files and messages come from strangers."""

from __future__ import annotations

import base64
import html
import unicodedata

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of letters that show nothing, turn text around, or are half of one."""


def escape(text: object) -> str:
    """Make text safe between tags and inside quoted attributes.

    Letters that cannot be seen, or that turn the order of others around, are written as `\\u202e`.
    """
    shown = "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _HIDDEN
        else character
        for character in str(text)
    )
    return html.escape(shown, quote=True)


def link(address: str, text: str) -> str:
    """A link where the address is one of the web; else the address as text."""
    if not address.startswith(("https://", "http://")):
        return escape(address)
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{escape(text)}</a>'


def to_data_uri(encoded: bytes, kind: str) -> str:
    """An encoded image as an address that loads nothing."""
    return f"data:{kind};base64,{base64.b64encode(encoded).decode('ascii')}"
