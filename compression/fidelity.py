"""How much of a photo a fault took, as full-reference metrics see it at viewing scale.

Three metrics that agree well with people and err in different ways: HaarPSI (Reisenhofer et al.
2018, arXiv:1607.06140), MDSI (Nafchi et al. 2016, arXiv:1608.07433) and VSI (Zhang et al. 2014,
doi:10.1109/TIP.2014.2346028). FSIM, which took
longer than all three together (92 against 56 ms for a photo of 400x533 px), is left out.

They shrink what they are given to about 256 px, so a large photo would lose the very detail that a
blur takes. Large photos are therefore judged by tiles at viewing scale, on the product.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from compression.degradations.light import VIEWING_PX
from edge_iqa import opencv
from edge_iqa.errors import PhotoSizeError

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]
"""uint8 HxW, 255 on the product."""

VERSION = "haarpsi+mdsi+vsi, piq 0.8, tiles, 1"
_WHOLE_PX = 700
_TILE_PX = 448
_TILES = 2
_GRAY = 128


@dataclass(frozen=True)
class Fidelity:
    """Raw values: HaarPSI and VSI 0-1, higher is better; MDSI 0-1, lower is better."""

    haarpsi: float
    mdsi: float
    vsi: float

    @property
    def impairment(self) -> float:
        """What the fault took, 0 (nothing) to 1: the mean over the metrics, each brought to one scale.

        The ends of the scales were chosen so that every fault of ours falls evenly over them
        (`compression.severities`); no person rated photos for it.
        """
        parts = (
            (0.99 - self.haarpsi) / 0.69,
            (self.mdsi - 0.05) / 0.45,
            (max(0.0, 0.999 - self.vsi) / 0.13) ** 0.6,
        )
        return float(np.mean(np.clip(parts, 0, 1)))


class FidelityCache:
    """Values by content hash of reference and variant, in one SQLite file: a kill loses nothing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS fidelity (key TEXT PRIMARY KEY, haarpsi REAL, mdsi REAL, vsi REAL)"
        )

    def get(self, key: str) -> Fidelity | None:
        row = self._db.execute("SELECT haarpsi, mdsi, vsi FROM fidelity WHERE key = ?", (key,)).fetchone()
        return Fidelity(*row) if row else None

    def put(self, values: Iterable[tuple[str, Fidelity]]) -> None:
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO fidelity VALUES (?, ?, ?, ?)",
                [(key, *astuple(value)) for key, value in values],
            )

    def count(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM fidelity").fetchone()[0])

    def close(self) -> None:
        self._db.close()


def key(*contents: bytes) -> str:
    """Cache key of reference, variant and, where there is one, mask, given in a fixed order."""
    digest = hashlib.sha256(VERSION.encode())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


class Reference:
    """One source photo, ready to compare its variants with.

    Args:
        pixels: uint8 HxWx3, RGB, at least 64 px a side.
        mask: where the product is; None: everywhere.

    Raises:
        PhotoSizeError: the mask is of another size.
    """

    def __init__(self, pixels: Pixels, mask: Mask | None = None) -> None:
        if mask is not None and mask.shape != pixels.shape[:2]:
            raise PhotoSizeError(
                f"mask: expected the photo's {pixels.shape[:2]}, got {mask.shape} (height, width)"
            )
        self._shape = pixels.shape
        self._mask = None if mask is None else _to_viewing(mask)
        viewed = _to_viewing(pixels)
        self._windows = _windows(viewed, self._mask)
        self._tiles = [self._cut(viewed, window) for window in self._windows]

    def compare(self, degraded: Pixels) -> Fidelity:
        """Measure a variant of the same size.

        Raises:
            ValueError: another size.
        """
        if degraded.shape != self._shape:
            raise ValueError(f"expected a variant of shape {self._shape}, got {degraded.shape}")
        from compression import torchvision_compat  # noqa: F401 (piq imports torchvision; this goes first)
        import piq  # isort: skip

        viewed = _to_viewing(degraded)
        values = []
        for window, reference in zip(self._windows, self._tiles, strict=True):
            pair = self._cut(viewed, window), reference
            values.append([float(metric(*pair)) for metric in (piq.haarpsi, piq.mdsi, piq.vsi)])
        return Fidelity(*np.mean(values, 0).tolist())

    def _cut(self, viewed: Pixels, window: tuple[slice, slice]) -> torch.Tensor:
        """One window as float (1, 3, h, w), 0-1; what is not product is one gray in both photos."""
        tile = viewed[window]
        if self._mask is not None:
            tile = np.where(self._mask[window][..., None] > 127, tile, np.uint8(_GRAY))
        return torch.from_numpy(np.ascontiguousarray(tile)).permute(2, 0, 1)[None].float() / 255


def _to_viewing(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = VIEWING_PX / max(height, width)
    if scale >= 1:
        return pixels
    cv2 = opencv.load()
    size = max(64, round(width * scale)), max(64, round(height * scale))
    viewed: NDArray[np.uint8] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return viewed


def _windows(viewed: Pixels, mask: Mask | None) -> list[tuple[slice, slice]]:
    """The product's box; where that is large, the tiles in it that hold most structure."""
    top, bottom, left, right = _box(mask, viewed.shape[:2])
    if max(bottom - top, right - left) <= _WHOLE_PX:
        return [np.s_[top:bottom, left:right]]
    cv2 = opencv.load()
    luma = cv2.cvtColor(viewed, cv2.COLOR_RGB2GRAY).astype(np.float32)
    structure = np.abs(cv2.Laplacian(cv2.GaussianBlur(luma, (0, 0), 1.5), cv2.CV_32F))
    if mask is not None:
        structure = structure * (mask > 127)
    height, width = min(_TILE_PX, bottom - top), min(_TILE_PX, right - left)
    # a tile's sum at its top left corner, every 32 px
    sums = cv2.boxFilter(structure, -1, (width, height), normalize=False, anchor=(0, 0))
    sums = sums[top : bottom - height + 1 : 32, left : right - width + 1 : 32]
    windows = []
    for _ in range(_TILES):
        row, column = np.unravel_index(int(np.argmax(sums)), sums.shape)
        y, x = top + 32 * int(row), left + 32 * int(column)
        windows.append(np.s_[y : y + height, x : x + width])
        near = np.s_[
            max(0, row - height // 64) : row + height // 64,
            max(0, column - width // 64) : column + width // 64,
        ]
        sums[near] = -1
        if sums.max() <= 0:
            break
    return windows


def _box(mask: Mask | None, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the product with a margin, at least 64 px a side."""
    if mask is None or not (mask > 127).any():
        return 0, shape[0], 0, shape[1]
    ends = []
    for axis, side in ((1, shape[0]), (0, shape[1])):
        inside = np.flatnonzero((mask > 127).any(axis))
        low, high = max(0, int(inside[0]) - 8), min(side, int(inside[-1]) + 9)
        grow = max(0, 64 - (high - low))
        low = max(0, min(low - grow // 2, side - 64))
        ends += [low, min(side, max(high, low + 64))]
    return ends[0], ends[1], ends[2], ends[3]
