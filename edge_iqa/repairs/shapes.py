"""Choose repairs of geometry and background from the causes and the product's outline."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from edge_iqa import opencv
from edge_iqa.pixels import Pixels
from edge_iqa.repairs import crop
from edge_iqa.repairs.background import WhiteBackground
from edge_iqa.repairs.base import Step
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.straighten import Straighten, inner_share, keeps_size

_LEAST_LEAN, _MOST_LEAN = 0.5, 20.0
"""Degrees: less is not seen, more is how somebody laid the product down."""
_FRAMED = ("FILL_LOW", "OFF_CENTER", "ASPECT")


def choose(
    causes: Collection[str], context: Context, pixels: Pixels
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Choose repairs, in the order in which they are made: background, straighten, crop.

    Args:
        causes: codes.
        context: product, and what the policy wants.
        pixels: the photo, for its size.

    Returns:
        Steps, and why causes were left as they are.
    """
    steps: list[Step] = []
    reasons: list[str] = []
    if "BACKGROUND" in causes:
        if context.sure:
            steps.append(Step("white background", WhiteBackground(), 1.0))
            context = replace(context, background="light")
        else:
            reasons.append("the background stays: the product's outline is not sure enough")
    if "SKEW" in causes:
        lean = context.values.get("skew", 0.0)
        if _LEAST_LEAN <= abs(lean) <= _MOST_LEAN:
            steps.append(Step("straighten", Straighten(lean), 1.0))
            context = turn(context, pixels.shape, lean)
        else:
            reasons.append(f"not straightened: expected a lean of 0.5 to 20 degrees, got {lean:.1f}")
    if any(code in causes for code in _FRAMED):
        part = _frame(causes, context, pixels)
        if part is None:
            reasons.append(
                "not cropped: the product's place is not sure enough, or too few pixels would be left"
            )
        else:
            steps.append(Step("crop", part, 1.0))
    return tuple(steps), tuple(reasons)


def follow(context: Context, steps: Sequence[Step], shape: tuple[int, ...]) -> Context:
    """The context of a photo of this shape (height, width, ...) after these steps; a crop comes last."""
    for step in steps:
        if isinstance(step.repair, WhiteBackground):
            context = replace(context, background="light")
        elif isinstance(step.repair, Straighten):
            context = turn(context, shape, step.repair.lean_degrees)
    return context


def turn(context: Context, shape: tuple[int, ...], lean_degrees: float) -> Context:
    """Turn the product's mask as `Straighten` turns the photo."""
    if context.product is None:
        return context
    cv2 = opencv.load()
    height, width = shape[:2]
    rows, columns = context.product.shape
    size = (columns, round(columns * height / width))  # square pixels, or a turn would shear
    mask = cv2.resize(context.product.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    matrix = cv2.getRotationMatrix2D(((size[0] - 1) / 2, (size[1] - 1) / 2), lean_degrees, 1.0)
    mask = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST)
    if not keeps_size(context, width, height, lean_degrees):
        share = inner_share(width, height, lean_degrees)
        down, across = round(mask.shape[0] * (1 - share) / 2), round(mask.shape[1] * (1 - share) / 2)
        mask = mask[down : mask.shape[0] - down, across : mask.shape[1] - across]
    mask = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_NEAREST)
    return replace(context, product=mask > 0)


def _frame(causes: Collection[str], context: Context, pixels: Pixels) -> crop.Crop | None:
    """Where the crop goes; only a product whose place is sure may decide what is cut away."""
    height, width = pixels.shape[:2]
    if not context.placed or context.product is None:
        return None
    rows, columns = (np.flatnonzero(context.product.any(axis)) for axis in (1, 0))
    tall, wide = context.product.shape
    box = (
        float(columns[0] / wide),
        float(rows[0] / tall),
        float((columns[-1] + 1 - columns[0]) / wide),
        float((rows[-1] + 1 - rows[0]) / tall),
    )
    return crop.plan(
        box,
        (width, height),
        fill=context.fill if "FILL_LOW" in causes else None,
        aspect_ratio=context.aspect_ratio if "ASPECT" in causes or "FILL_LOW" in causes else None,
        shortest_px=min(context.shortest_px, max(height, width)),
        may_pad=context.plain,
    )
