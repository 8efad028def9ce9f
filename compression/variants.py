"""One photo, spoiled in known ways: rendered once, cached on disk by content hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compression.data import Photo
from compression.degradations import FAULTS, degrade
from edge_iqa import image
from edge_iqa.files import write_bytes

_VERSION = 1
"""Raise it when a fault changes: cached renderings of older versions are then left aside."""


@dataclass(frozen=True)
class Variant:
    """One rendering of a photo: a fault (None: clean) at a severity from 0 to 1."""

    fault: str | None
    severity: float

    def key(self, photo_sha256: str) -> str:
        """Return the cache key, and the seed, of this variant of that photo."""
        text = f"{_VERSION} {photo_sha256} {self.fault} {self.severity:.6f}"
        return hashlib.sha256(text.encode()).hexdigest()


def draw(photo_sha256: str, faults: Sequence[str] = tuple(FAULTS)) -> list[Variant]:
    """List the variants of a photo: clean, then every fault once, at a severity drawn from its hash.

    The draw depends on the photo's content alone, so every run, whatever its order, sees the same.
    """
    rng = np.random.default_rng(int(photo_sha256[:16], 16))
    return [Variant(None, 0.0), *(Variant(fault, round(float(rng.uniform(0, 1)), 6)) for fault in faults)]


def render(photo: Photo, variants: Sequence[Variant], cache: Path) -> list[Path]:
    """Render variants of one photo as JPEG files in the cache; what is there already is kept.

    Raises:
        PhotoError: the photo cannot be read.
        OutputError: the cache cannot be written.
    """
    encoded = photo.path.read_bytes()
    sha256 = hashlib.sha256(encoded).hexdigest()
    keys = [variant.key(sha256) for variant in variants]
    paths = [cache / "variants" / key[:2] / f"{key}.jpg" for key in keys]
    missing = [index for index, path in enumerate(paths) if not path.is_file()]
    if missing:
        pixels = image.read(photo.path).pixels
        for index in missing:
            rng = np.random.default_rng(int(keys[index][:16], 16))
            write_bytes(paths[index], degrade(pixels, variants[index].fault, variants[index].severity, rng))
    return paths
