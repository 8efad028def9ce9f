"""One photo, spoiled in known ways: rendered once, cached on disk by content hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compression.data import Photo
from compression.degradations import FAULTS, Step, degrade
from edge_iqa import image
from edge_iqa.files import write_bytes

_VERSION = 2
"""Raise it when rendering changes: all of the cache is then left aside. One fault has a revision of its own."""

FULL_PX = 65_535
"""Faults happen in the camera's own pixels: nothing is shrunk while it is read."""

_SINGLES = 4
_ON_TOP = ("grain", "noise", "jpeg", "scaling", "under_exposure", "cast")
"""Faults that a spoiled photo often has as well."""


@dataclass(frozen=True)
class Variant:
    """One rendering of a photo: faults with their severities (0-1); none: a clean copy."""

    steps: tuple[Step, ...] = ()

    @property
    def name(self) -> str:
        """`clean`, a fault, or faults joined by `+`."""
        return "+".join(name for name, _ in self.steps) or "clean"

    @property
    def fault(self) -> str | None:
        """The only fault; None for a clean copy and for a mixture."""
        return self.steps[0][0] if len(self.steps) == 1 else None

    @property
    def severity(self) -> float:
        """The severest fault's severity; 0 for a clean copy."""
        return max((severity for _, severity in self.steps), default=0.0)

    def key(self, photo_sha256: str) -> str:
        """Return the cache key, and the seed, of this variant of that photo."""
        steps = " ".join(f"{_revised(name)} {severity:.6f}" for name, severity in self.steps)
        return hashlib.sha256(f"{_VERSION} {photo_sha256} {steps}".encode()).hexdigest()


def draw(photo_sha256: str, every_fault: bool = False) -> list[Variant]:
    """List the variants of a photo: clean, mild grain, single faults, and a mixture of two or three.

    The mixture holds the first single fault at the same severity, so that the pair says that more
    faults are worse. The draw depends on the photo's content alone: every run sees the same.

    Args:
        every_fault: each fault once, for evaluation; else four of them.
    """
    rng = np.random.default_rng(int(photo_sha256[:16], 16))
    names = [name for name in rng.permutation(list(FAULTS)).tolist() if name != "grain"]
    singles = [(name, _severity(rng)) for name in (names if every_fault else names[:_SINGLES])]
    first = singles[0][0]
    on_top = [name for name in rng.permutation(_ON_TOP).tolist() if name != first]
    # grain on a soft photo most often: sharpness must not be mistaken for it, nor it for sharpness
    if rng.random() < 0.4:
        on_top = ["grain", *(name for name in on_top if name != "grain")]
    added = [(name, _severity(rng)) for name in on_top[: int(rng.integers(1, 3))]]
    return [
        Variant(),
        Variant((("grain", _severity(rng)),)),
        *(Variant((single,)) for single in singles),
        Variant((singles[0], *added)),
    ]


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
        pixels = image.read(photo.path, long_side_px=FULL_PX).pixels
        for index in missing:
            rng = np.random.default_rng(int(keys[index][:16], 16))
            write_bytes(paths[index], degrade(pixels, variants[index].steps, rng))
    return paths


def _revised(fault: str) -> str:
    revision = FAULTS[fault].revision
    return f"{fault}-{revision}" if revision else fault


def _severity(rng: np.random.Generator) -> float:
    return round(float(rng.uniform(0.04, 1)), 6)
