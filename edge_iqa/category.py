"""Logits → what the product most likely is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_iqa.report import Category


def choose_category(logits: NDArray[np.float32], names: Sequence[str]) -> Category | None:
    """Name the largest of the logits, with its softmax as confidence.

    Args:
        logits: float32 (C,).
        names: C names, in the same order.

    Returns:
        None where C is 0.

    Raises:
        ValueError: not one logit for each name.
    """
    if logits.shape != (len(names),):
        raise ValueError(f"category: expected logits of shape ({len(names)},), got {logits.shape}")
    if not names:
        return None
    powers = np.exp(logits.astype(np.float64) - logits.max())  # no power above 1: nothing overflows
    best = int(logits.argmax())
    return Category(names[best], float(powers[best] / powers.sum()))
