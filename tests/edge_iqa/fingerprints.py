"""Fingerprints of photos that were never taken."""

from __future__ import annotations

import functools

import numpy as np

from edge_iqa.gallery import Fingerprint


@functools.cache
def draw_fingerprint(seed: int, dimension: int = 128) -> Fingerprint:
    """One that nothing else is like; the same seed gives the same."""
    rng = np.random.default_rng(seed)
    embedding = rng.standard_normal(dimension).astype(np.float32)
    return Fingerprint(
        embedding=embedding / np.linalg.norm(embedding),
        gray=rng.integers(0, 256, (64, 64), np.uint8),
        color=rng.integers(0, 256, (16, 16, 3), np.uint8),
        phash=int(rng.integers(0, 2**63)) * 2 + 1,
        pixels_sha256=rng.bytes(32),
        file_sha256=rng.bytes(32),
        score=float(np.float32(rng.uniform(0, 100))),
        width_px=int(rng.integers(32, 65536)),
        height_px=int(rng.integers(32, 65536)),
        file_bytes=int(rng.integers(1, 2**28)),
    )
