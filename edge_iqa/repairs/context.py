"""What a repair may know of the photo besides its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv

FOUND = 0.5
"""From this confidence up the product's outline counts as found."""
SURE = 0.8
"""From this confidence up it may decide what is cut away or painted over."""


@dataclass(frozen=True, eq=False)
class Context:
    """Where the product is, and what the photo should become.

    Attributes:
        product: bool h x w, a small copy of the photo, True on the product; None where it was not looked for.
        background: "light", "plain" or "none" (none found).
        confidence: that the product's outline is right, 0-1.
        place: that it spans what it seems to, 0-1; None: as sure as the outline.
        values: measurements by name (`edge_iqa.measurement.MEASURES`), in their units.
        fill: share of the photo's width or height that the product should span; None: no wish.
        aspect_ratio: width over height that the photo should have; None: no wish.
        shortest_px: a crop leaves at least so many pixels on the photo's longer side.
    """

    product: NDArray[np.bool_] | None = None
    background: str = "none"
    confidence: float = 0.0
    place: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    fill: float | None = None
    aspect_ratio: float | None = None
    shortest_px: int = 500

    @property
    def found(self) -> bool:
        """Whether the product's outline may be relied on for measuring."""
        return self.product is not None and self._place >= FOUND and bool(self.product.any())

    @property
    def placed(self) -> bool:
        """Whether the product's box may decide what is cut away."""
        return self.found and self._place >= SURE

    @property
    def sure(self) -> bool:
        """Whether the outline may decide what is painted over."""
        return self.found and self.confidence >= SURE

    @property
    def _place(self) -> float:
        return self.confidence if self.place is None else self.place

    @property
    def plain(self) -> bool:
        """Whether the background is one color, or nearly."""
        return self.background in ("light", "plain")

    def product_at(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """The product in a photo of this (height, width); everywhere where it was not found."""
        if not self.found or self.product is None:
            return np.ones(shape[:2], bool)
        size = shape[1], shape[0]
        mask = self.product.astype(np.uint8)
        stretched = opencv.load().resize(mask, size, interpolation=opencv.load().INTER_NEAREST)
        return np.asarray(stretched > 0)
