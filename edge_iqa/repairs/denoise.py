"""Denoise: small coefficients of overlapping 8x8 blocks are noise, and are taken out.

Sliding-window DCT shrinkage (Yaroslavsky 1996; Yu & Sapiro 2011, doi:10.5201/ipol.2011.ys-dct). What counts
as small is measured on the photo itself, for each frequency (a camera's noise has blotches, so it is
stronger in low ones) and each brightness (shadows are noisier), on the blocks that hold least else.

Noise of color is what people mind, and of a product's texture hardly anything is in it; noise of brightness and cloth
look the same to any filter. So color is cleaned all the way, brightness only by a share.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context

Plane = NDArray[np.float32]

_SIDE = 8
_SHIFTS = ((0, 0), (4, 4), (2, 6), (6, 2), (0, 4), (4, 0), (2, 2), (6, 6))
_CUT = 2.9
"""Coefficients below so many deviations of the noise go."""
_FLAT = 0.03
"""Share of the blocks, the calmest, on which noise is measured."""
_BINS = 6
_REACH = (0.5, 2.2)
"""A brightness may be so much less or more noisy than all of the photo."""
_FINE = np.add.outer(np.arange(_SIDE), np.arange(_SIDE)) >= 6
_VIEWING_PX = 1600
_FINEST_PX = 2400
"""In a plane with a longer side, what is finer than two pixels is seen by nobody, and takes most of the time."""
_STRIPE = 1024
"""Rows worked on at a time."""


def _make_basis() -> Plane:
    k, n = np.mgrid[0:_SIDE, 0:_SIDE]
    basis = np.cos(np.pi * (n + 0.5) * k / _SIDE) * np.sqrt(2 / _SIDE)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float32)


_BASIS = _make_basis()


@dataclass(frozen=True)
class Denoise:
    """Less noise; how much there is, is measured where it is taken out.

    Attributes:
        luma: share (0-1) of the noise of brightness that strength 1 takes out, beside all of color.
    """

    luma: float = 0.15

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Take out noise. Strength is how much of it; 0 leaves the photo as it is."""
        del context
        if not strength or min(pixels.shape[:2]) < 4 * _SIDE:
            return pixels
        cv2 = opencv.load()
        luma, red, blue = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb))
        if self.luma:
            luma = _mix(luma, _clean_all, strength * self.luma)
        merged = [luma, *(_mix(chroma, _clean_color, strength) for chroma in (red, blue))]
        cleaned: Pixels = cv2.cvtColor(cv2.merge(merged), cv2.COLOR_YCrCb2RGB)
        return cleaned


def _mix(plane: NDArray[np.uint8], clean: Callable[[Plane, float], Plane], share: float) -> NDArray[np.uint8]:
    noisy = plane.astype(np.float32)
    mixed = noisy + np.float32(min(1.0, share)) * (clean(noisy, 1.0) - noisy)
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)


def _clean_all(plane: Plane, strength: float) -> Plane:
    """Clean a plane and, where it is larger than what is looked at, its halved copies: their noise is coarser."""
    if max(plane.shape) > _VIEWING_PX:
        plane = _clean_half(plane, strength)
    return plane if max(plane.shape) > _FINEST_PX else _clean(plane, strength)


def _clean_color(plane: Plane, strength: float) -> Plane:
    """Noise in color is seen as blotches: half the size always, the finest only where that can be seen."""
    if min(plane.shape) >= 8 * _SIDE:
        plane = _clean_half(plane, strength)
    return plane if max(plane.shape) > _VIEWING_PX // 2 else _clean(plane, strength)


def _clean_half(plane: Plane, strength: float) -> Plane:
    cv2 = opencv.load()
    size = plane.shape[1] // 2, plane.shape[0] // 2
    half = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    change = _clean_all(half, strength) - half
    changed = plane + cv2.resize(change, plane.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(changed, np.float32)


def measure_noise(plane: Plane) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Measure the noise of one plane, 0-255.

    Returns:
        Its deviation for each frequency (8 x 8), brightnesses, and how noisy each of these is, 1 like all.
    """
    blocks = _forward(_trim(plane)[: 64 * _STRIPE])
    level = blocks[:, 0, :, 0].ravel() / _SIDE
    energy = np.square(blocks.transpose(0, 2, 1, 3)[:, :, _FINE]).mean(-1).ravel()
    inside = (level > 6) & (level < 249)  # clipped blocks hold no noise, whatever the sensor did
    if inside.sum() < 32:
        return np.zeros((_SIDE, _SIDE), np.float32), np.zeros(1, np.float32), np.ones(1, np.float32)
    calm = inside & (energy <= np.quantile(energy[inside], _FLAT))
    spectrum = np.sqrt(np.square(blocks.transpose(0, 2, 1, 3).reshape(-1, _SIDE, _SIDE)[calm]).mean(0))
    typical = max(float(energy[calm].mean()), 1e-6)
    edges = np.quantile(level[inside], np.linspace(0, 1, _BINS + 1))
    centers, factors = [], []
    for low, high in itertools.pairwise(edges):
        here = energy[inside & (level >= low) & (level <= high)]
        if len(here) >= 32:
            calmest = here[here <= np.quantile(here, _FLAT)].mean()
            centers.append((low + high) / 2)
            factors.append(np.clip(np.sqrt(calmest / typical), *_REACH))
    if not centers:
        return spectrum, np.zeros(1, np.float32), np.ones(1, np.float32)
    return spectrum, np.array(centers, np.float32), np.array(factors, np.float32)


def _clean(plane: Plane, strength: float) -> Plane:
    spectrum, levels, factors = measure_noise(plane)
    cut = np.float32(strength * _CUT) * spectrum
    cut[0, 0] = 0
    out = np.empty_like(plane)
    for top in range(0, len(plane), _STRIPE):
        start, stop = max(0, top - _SIDE), min(len(plane), top + _STRIPE + _SIDE)
        part = _shrink(plane[start:stop], cut, levels, factors)
        out[top : top + _STRIPE] = part[top - start : top - start + _STRIPE]
    return out


def _shrink(plane: Plane, cut: Plane, levels: Plane, factors: Plane) -> Plane:
    height, width = plane.shape
    rows, columns = -height % _SIDE + _SIDE, -width % _SIDE + _SIDE
    padded = np.pad(plane, ((_SIDE, rows), (_SIDE, columns)), mode="reflect")
    total = np.zeros_like(padded)
    for down, right in _SHIFTS:
        view = np.ascontiguousarray(
            padded[down : padded.shape[0] - _SIDE + down, right : padded.shape[1] - _SIDE + right]
        )
        blocks = _forward(view)
        factor = np.interp(blocks[:, :1, :, :1] / _SIDE, levels, factors)
        limit = cut[None, :, None, :] * np.asarray(factor, np.float32)
        kept = np.where(np.abs(blocks) > limit, blocks, 0)
        kept[:, 0, :, 0] = blocks[:, 0, :, 0]
        total[down : down + view.shape[0], right : right + view.shape[1]] += _backward(kept)
    mean = total[_SIDE : _SIDE + height, _SIDE : _SIDE + width] / len(_SHIFTS)
    return np.asarray(mean, np.float32)


def _trim(plane: Plane) -> Plane:
    height, width = (side // _SIDE * _SIDE for side in plane.shape)
    return np.ascontiguousarray(plane[:height, :width])


def _forward(plane: Plane) -> Plane:
    """Blocks' coefficients as (rows of blocks, 8, columns of blocks, 8)."""
    height, width = plane.shape
    tall = np.matmul(_BASIS, plane.reshape(height // _SIDE, _SIDE, width))
    both = tall.reshape(-1, _SIDE) @ _BASIS.T
    return np.asarray(both).reshape(height // _SIDE, _SIDE, width // _SIDE, _SIDE)


def _backward(blocks: Plane) -> Plane:
    down, _, across, _ = blocks.shape
    wide = (blocks.reshape(-1, _SIDE) @ _BASIS).reshape(down, _SIDE, across * _SIDE)
    return np.asarray(np.matmul(_BASIS.T, wide).reshape(down * _SIDE, across * _SIDE))
