"""This checkout, and what of it a wheel of `edge_iqa` is built from."""

from __future__ import annotations

import shutil
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "edge_iqa")


def copy_sources(folder: Path) -> Path:
    """Copy what a wheel is built from: a build leaves folders behind, and packs what an older one left.

    Args:
        folder: there already; also returned.
    """
    for name in _SOURCES:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder
