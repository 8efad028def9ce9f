"""Ranges of activations that leave rare values out: by percentile, and by entropy (TensorRT's way).

An int8 scale that reaches to the largest value ever seen spends steps on what hardly comes. Both
methods cut it off: `percentile` where all but a few values lie below, `entropy` where the histogram
of the values and that of their int8 steps differ least (Migacz, GTC 2017, S7310). The other two ways
need no histogram: `min_max` over all photos, and `mean_min_max`, each photo's own, averaged.

(Of the default student, all in int8, 48 photos to find ranges and 64 to measure: mean difference 0.011 with
percentile, 0.013 with min_max, 0.019 to 0.023 with mean_min_max, and 0.20 with entropy, which cuts away what
tells noise and blur apart.)

ONNX Runtime's calibrators keep every value of every photo until they count, some 80 MB a photo, so
they are fed one photo at a time; and their entropy method does nothing with its default of 128 bins.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization.calibrate import HistogramCollector

Photo = TypeVar("Photo")

HISTOGRAMS = ("percentile", "entropy")
PERCENTILE = 99.999
BINS = 512
"""Of a histogram for entropy: more than the 128 steps it is compared with, or nothing is ever cut."""
_PERCENTILE_BINS = 2048
_STEPS = 128
_PHOTOS = 32
"""Photos to count on, as each takes a second."""


def few(photos: Sequence[Photo]) -> Sequence[Photo]:
    """At most 32, drawn by lot: faults come in turns, so that every n-th photo would never show some of them."""
    drawn = np.random.default_rng(0).permutation(len(photos))[:_PHOTOS]
    return [photos[index] for index in sorted(drawn)]


def split(method: str, photos: Sequence[Photo]) -> Iterator[Sequence[Photo]]:
    """Photos as ONNX Runtime's calibrator of a method is to be fed with them."""
    if method in HISTOGRAMS:
        yield from ([photo] for photo in few(photos))
    else:
        yield photos


def find_ranges(
    method: str, photos: Iterable[Mapping[str, NDArray[np.float32]]]
) -> dict[str, tuple[float, float]]:
    """Lowest and highest value of each tensor that its int8 scale should reach.

    Args:
        method: one of `HISTOGRAMS`.
        photos: values by name of the tensor, photo by photo.
    """
    bins = BINS if method == "entropy" else _PERCENTILE_BINS
    collector = HistogramCollector(method, False, bins, _STEPS, PERCENTILE, "same")
    with contextlib.redirect_stdout(io.StringIO()):
        for values in photos:
            collector.collect(values)
        found = collector.compute_collection_result()
    return {name: (float(each[0]), float(each[1])) for name, each in found.items()}
