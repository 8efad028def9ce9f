"""No photo twice: what was photographed before, found again, with a distance and how sure it is.

    from edge_iqa import Inspector
    from edge_iqa.gallery import Gallery

    with Inspector.open() as inspector:
        gallery = Gallery.begin("listing.gallery", inspector)  # or open, where there is one
        gallery.add("photo.jpg")
        for match in gallery.find("again.jpg"):
            print(match.name, match.kind, match.distance)
        gallery.save()

`gallery.py` ties the rooms together: `fingerprint.py` says what is kept of a photo, `alignment.py` and `likeness.py`
lay one photo onto another and compare them, `judging.py` says what that makes of the two, `shelf.py` holds many,
`graph.py` finds neighbors among very many, `store.py` is the file, `duplicates.py` groups a folder.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_iqa.gallery.duplicates import Duplicates, find_duplicates
    from edge_iqa.gallery.fingerprint import Fingerprint, make_fingerprint
    from edge_iqa.gallery.gallery import Gallery
    from edge_iqa.gallery.match import Kind, Match

__all__ = [
    "Duplicates",
    "Fingerprint",
    "Gallery",
    "Kind",
    "Match",
    "find_duplicates",
    "make_fingerprint",
]

_HOMES = {
    "Duplicates": "duplicates",
    "Fingerprint": "fingerprint",
    "Gallery": "gallery",
    "Kind": "match",
    "Match": "match",
    "find_duplicates": "duplicates",
    "make_fingerprint": "fingerprint",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562): the command's `--help` needs no numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'edge_iqa.gallery' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"edge_iqa.gallery.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
