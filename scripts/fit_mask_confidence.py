"""Fit the curves of edge_iqa/mask_confidence.py to drawn listings, and print them.

    python scripts/fit_mask_confidence.py --scenes 1800

Listings of seeds from 20,000 on, for development; what the bench measures is held out.
"""

from __future__ import annotations

import argparse

import numpy as np

from compression import listings
from compression.logistic import fit_logistic
from edge_iqa import mask, opencv
from edge_iqa.measures.study import find_box

FIRST_SEED = 20_000
RIGHT, NEAR = 0.9, 0.05
"""Share of the union that a right outline has in common with the true one; how far off a right place may be."""

_FAULTS = (
    None, None, None, None, "several", "skew", "off_center", "cut_off", "cut_off", "over_exposed", "under_exposed",
    "upscaled",
)  # fmt: skip
_SIZES = ((600, 600), (600, 800), (800, 600), (700, 700))
_RIDGE = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=1800, help="default: %(default)s")
    found = []
    for index in range(parser.parse_args().scenes):
        seed = FIRST_SEED + index
        listing = listings.draw_listing(seed, _FAULTS[index % len(_FAULTS)], *_SIZES[index % len(_SIZES)])
        found += describe_photo(mask.shrink(listing.pixels), listing.truth.mask, listing.truth.fill)
    show(found)


def describe_photo(
    small: np.ndarray, truth: np.ndarray, fill: float
) -> list[tuple[tuple[float, ...], bool, bool]]:
    """Properties of the mask found, and whether outline and place are right; none where nothing was found."""
    traced = mask.trace(small)
    box = find_box(traced.product)
    if box is None:
        return []
    right = measure_iou(traced.product, truth) >= RIGHT
    return [(traced.describe(), right, abs(max(box[2:]) - fill) <= NEAR)]


def show(found: list[tuple[tuple[float, ...], bool, bool]]) -> None:
    """Fit both curves and print them as code."""
    logs = np.log(np.maximum([properties for properties, _, _ in found], 1e-3))
    center, spread = logs.mean(0), logs.std(0) + 1e-6
    standard = np.clip((logs - center) / spread, -3, 3)
    terms = np.hstack([np.ones((len(found), 1)), standard, standard**2])
    print(f"_SCALES = {_write(zip(center, spread, strict=True))}")
    for name, column in (("OUTLINE", 1), ("PLACE", 2)):
        good = np.array([each[column] for each in found])
        bias, *weights = fit_logistic(terms, good, _RIDGE)
        half = len(weights) // 2
        print(f"# {len(good)} listings, {good.mean():.3f} of them right")
        print(f"{name} = Curve({bias:.4f}, {_write(weights[:half])}, {_write(weights[half:])})")


def _write(values: object) -> str:
    shown = [_write(each) if isinstance(each, tuple) else f"{each:.4f}" for each in values]  # type: ignore[attr-defined]
    return f"({', '.join(shown)})"


def measure_iou(product: np.ndarray, truth: np.ndarray) -> float:
    """Share of the union of both outlines that they have in common, at the size of the true one."""
    cv2 = opencv.load()
    flags = product.astype(np.uint8) * 255
    grown = cv2.resize(flags, truth.shape[::-1], interpolation=cv2.INTER_LINEAR) > 127
    real = truth > 127
    return float((grown & real).sum() / max(1, (grown | real).sum()))


if __name__ == "__main__":
    main()
