"""Views to calibrate int8 models on: photos as they will come, faults and all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compression.data import Photo, hash_file
from compression.variants import draw, render
from edge_iqa import image, views
from edge_iqa.errors import PhotoError
from edge_iqa.views import ViewSpec


def cut_variants(photos: Sequence[Photo], spec: ViewSpec, cache: Path) -> Iterator[NDArray[np.uint8]]:
    """Render one variant of each photo, clean and every fault in turn, and cut its views.

    A fault widens the range of a model's activations (noise most), so clean photos alone would
    calibrate for a world without bad ones. Photos that cannot be read are left out.

    Returns:
        uint8 (V, S, S, 3) of each photo, in order.
    """
    for index, photo in enumerate(photos):
        try:
            variants = draw(hash_file(photo.path), every_fault=True)
            path = render(photo, [variants[index % len(variants)]], cache)[0]
            yield views.cut(image.read(path, long_side_px=spec.long_side_px), spec)
        except PhotoError:
            continue
