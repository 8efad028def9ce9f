"""Fit edge_iqa/measures/resolution_weights.py to drawn listings and real photos, enlarged or not, and print it.

    python scripts/fit_resolution.py --data photos.csv

Listings of seeds from 40,000 on and photos of the split val; what the bench measures is held out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from compression import listings
from compression.data import read_photos, select
from compression.listings import enlarging
from compression.logistic import fit_logistic
from edge_iqa import image, opencv
from edge_iqa.measures import resolution, resolution_weights
from edge_iqa.measures.sharpness import crop_detail
from edge_iqa.measures.study import Study

FIRST_SEED = 40_000
_RIDGE = 1.0

Case = tuple[np.ndarray, float]
"""Luma of the most detailed part, and the factor that it was enlarged by."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="CSV or folder of photos, with a split val")
    parser.add_argument("--scenes", type=int, default=1200, help="default: %(default)s")
    parser.add_argument("--photos", type=int, default=200, help="default: %(default)s")
    options = parser.parse_args()
    cases = [*draw(options.scenes), *enlarge(options.data, options.photos)]
    print(write(*fit_all([luma for luma, _ in cases], np.array([factor for _, factor in cases]))))


def draw(count: int) -> Iterator[Case]:
    """Listings, every other one enlarged."""
    for index in range(count):
        listing = listings.draw_listing(FIRST_SEED + index, "upscaled" if index % 2 else None)
        yield crop(listing.jpeg), listing.truth.upscaled


def enlarge(data: Path, count: int) -> Iterator[Case]:
    """Real photos, each as a sharp original and enlarged."""
    cv2 = opencv.load()
    rng = np.random.default_rng(5)
    for photo in select(read_photos(data), "val")[:count]:
        sharp = enlarging.make_original(image.read(photo.path, long_side_px=10**6).pixels)
        height, width = sharp.shape[:2]
        factor = enlarging.choose_factor(rng)
        size = enlarging.shrink_size(height, width, factor)
        small = cv2.resize(sharp, size[::-1], interpolation=cv2.INTER_AREA)
        grown, _ = enlarging.enlarge(rng, small, height, width)
        for pixels, times in ((sharp, 1.0), (grown, factor)):
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(75, 96))]
            yield crop(cv2.imencode(".jpg", pixels[..., ::-1], quality)[1].tobytes()), times


def crop(jpeg: bytes) -> np.ndarray:
    """The part that the device looks at."""
    study = Study.of(image.read(jpeg, long_side_px=10**6))
    return crop_detail(study, resolution.CROP_PX)[0]


def fit_all(crops: list[np.ndarray], factors: np.ndarray) -> tuple[np.ndarray, ...]:
    """Center and spread of the signs, weights of both regressions; crops that are too small are left out."""
    raw = [resolution.measure_signs(luma) for luma in crops]
    known = np.array([signs is not None for signs in raw])
    signs, factors = np.array([each for each in raw if each is not None]), factors[known]
    center, spread = signs.mean(0), signs.std(0)
    standard = (signs - center) / spread
    terms = np.hstack([np.ones((len(signs), 1)), standard, np.clip(standard, -3, 3) ** 2])
    large = factors > 1.2
    ridge = _RIDGE * np.eye(terms.shape[1])
    ridge[0, 0] = 0
    factor = np.linalg.solve(terms[large].T @ terms[large] + ridge, terms[large].T @ np.log(factors[large]))
    return center, spread, fit_logistic(terms, large, _RIDGE), factor


def write(*arrays: np.ndarray) -> str:
    """The arrays as code."""
    names = ("CENTER", "SPREAD", "ENLARGED", "FACTOR")
    lines = [
        f"{name} = np.array(({', '.join(f'{value:.4f}' for value in array)}), np.float32)"
        for name, array in zip(names, arrays, strict=True)
    ]
    head = Path(resolution_weights.__file__).read_text(encoding="utf-8").split("\nCENTER", 1)[0]
    return "\n".join([head, *lines])


if __name__ == "__main__":
    main()
