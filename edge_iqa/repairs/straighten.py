"""Straighten: turn the photo until the product stands upright."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge_iqa import opencv
from edge_iqa.pixels import Pixels
from edge_iqa.repairs.context import Context


@dataclass(frozen=True)
class Straighten:
    """A turn about the photo's middle.

    Attributes:
        lean_degrees: that the product leans, clockwise; the photo is turned the other way.
    """

    lean_degrees: float

    def apply(self, pixels: Pixels, strength: float, context: Context) -> Pixels:
        """Turn the photo.

        Where the background is plain and the product far enough from the edges, the background is mirrored into the
        corners and the size stays; else the photo is cropped to the largest upright rectangle of its shape that
        holds nothing but photo.
        """
        angle = strength * self.lean_degrees
        if not angle:
            return pixels
        cv2 = opencv.load()
        height, width = pixels.shape[:2]
        turned: Pixels = cv2.warpAffine(
            pixels,
            cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0),
            (width, height),
            flags=cv2.INTER_LANCZOS4,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        if keeps_size(context, width, height, angle):
            return turned
        share = inner_share(width, height, angle)
        rows, columns = math.floor(height * share), math.floor(width * share)
        top, left = (height - rows) // 2, (width - columns) // 2
        return np.ascontiguousarray(turned[top : top + rows, left : left + columns])


def keeps_size(context: Context, width: float, height: float, degrees: float) -> bool:
    """Whether the background alone is mirrored into the corners of the turned photo."""
    if not (context.found and context.plain) or context.product is None:
        return False
    reach = math.sin(math.radians(abs(degrees))) * max(width, height) / 2
    rows, columns = (
        round(reach / height * len(context.product)),
        round(reach / width * context.product.shape[1]),
    )
    inner = context.product[rows : len(context.product) - rows, columns : context.product.shape[1] - columns]
    return bool(inner.sum() == context.product.sum())


def inner_share(width: float, height: float, degrees: float) -> float:
    """Side of the largest rectangle of the same shape inside a turned one, as a share of its sides."""
    sine, cosine = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    return min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
