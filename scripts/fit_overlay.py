"""Fit the tables of edge_iqa/measures/overlay_weights.py to drawn listings and real photos, and write that file.

    python scripts/fit_overlay.py --listings 500 --others 320 --photos shared/data/photos.csv --real 600

A seed gives the same scene without and with an overlay; what differs between both tells which marks were laid over.
Other seeds give several products, borders and the like, without one. Real photos of the split `train` are taken in
turn as they are and with an overlay: drawn scenes alone teach too little of how real ones look. Some products have
their colors inverted, so that light prints are learned too. Seeds from 300,000 on;
held-out ones (from 1,000,000 on) are left to the bench. About 3 s a seed.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compression import listings
from compression.listings import overlays
from compression.logistic import fit_logistic
from edge_iqa import image, opencv
from edge_iqa.measures import overlay_chances as chances
from edge_iqa.measures import overlay_properties as properties
from edge_iqa.measures.overlay_marks import Marks, find_marks
from edge_iqa.measures.study import Study

FIRST_SEED, OTHER_SEED, PHOTO_SEED, INVERTED_SEED = 300_000, 310_000, 320_000, 330_000
_OTHERS = ("several", "several", "several", "off_center", "border", "skew", "several", "collage")
_RIDGE, _RIDGE_PHOTO = 3.0, 1.0
_LAID, _FREE = 0.6, 0.2
"""A mark is laid over from so much of its pixels up, is none up to so much; between them it teaches nothing."""

_CROSSED = (
    "contrast", "color", "veil", "steep", "long", "rough", "uneven", "unlike", "grain", "inside", "dark", "stroke",
    "tall", "wide", "flat", "calm",
)  # fmt: skip
"""Properties whose products count: grain, say, means one thing on dark ink and another on light ink."""

_CROSSED_COMPANY = (
    "alone", "ink", "veil", "around", "mean", "best", "beyond", "inside", "contrast", "joint",
)  # fmt: skip
"""The same of the second step."""

_DIFFERS = 6
"""Levels by which the same scene with and without overlay differ, at 512 px, where there is one."""

_TARGET = Path(__file__).parents[1] / "edge_iqa" / "measures" / "overlay_weights.py"


@dataclass(frozen=True, eq=False)
class Example:
    """One photo: its marks, how much of each is laid over, whether anything is, confidence of the product's mask."""

    seed: int
    described: properties.Described
    laid: np.ndarray
    found: bool
    known: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--listings", type=int, default=500, help="two photos each; default: %(default)s")
    parser.add_argument(
        "--others", type=int, default=320, help="listings of other kinds; default: %(default)s"
    )
    parser.add_argument("--photos", type=Path, help="table of real photos, with columns path and split")
    parser.add_argument("--real", type=int, default=600, help="real photos; default: %(default)s")
    args = parser.parse_args()
    examples: list[Example] = []
    for index in range(args.listings):
        examples += describe_seed(FIRST_SEED + index)
        if index % 50 == 49:
            print(f"{index + 1} of {args.listings} scenes", flush=True)
    examples += [describe_inverted(FIRST_SEED + index) for index in range(args.listings)]
    examples += [describe_other(OTHER_SEED + index) for index in range(args.others)]
    if args.photos:
        examples += describe_photos(args.photos, args.real)
    write(fit_all([each for each in examples if len(each.laid)]), len(examples))


def describe_seed(seed: int) -> list[Example]:
    """The same scene without and with an overlay."""
    plain, laid = (listings.draw_listing(seed, fault) for fault in (None, "overlay"))
    return describe_both(seed, plain.jpeg, laid.jpeg)


def describe_both(seed: int, plain: bytes, laid: bytes) -> list[Example]:
    """One photo without and with an overlay."""
    studies = [Study.of(image.read(each)) for each in (plain, laid)]
    differs = np.abs(studies[0].medium.astype(np.int16) - studies[1].medium).max(-1) > _DIFFERS
    return [
        describe(seed, study, differs & found) for study, found in zip(studies, (False, True), strict=True)
    ]


def describe_other(seed: int) -> Example:
    """A listing without an overlay that may look as if it had one."""
    study = Study.of(image.read(listings.draw_listing(seed, _OTHERS[seed % len(_OTHERS)]).jpeg))
    return describe(seed, study, np.zeros(study.medium.shape[:2], bool))


def describe_inverted(seed: int) -> Example:
    """A listing whose product has its colors inverted, in turn as it is and with an overlay.

    Prints of drawn things are dark on light: without these, any light print would count as laid over.
    """
    listing = listings.draw_listing(seed)
    share = listing.truth.mask[..., None].astype(np.float32) / 255
    inverted = listing.pixels * (1 - share) + (255 - 0.94 * listing.pixels) * share
    return _lay_in_turn(INVERTED_SEED + seed, inverted.astype(np.uint8), listing.truth.mask)


def describe_photos(table: Path, count: int) -> Iterator[Example]:
    """Real photos of the split `train`, in turn as they are and with an overlay."""
    with table.open() as lines:
        paths = [table.parent / row["path"] for row in csv.DictReader(lines) if row["split"] == "train"]
    chosen = [path for path in random.Random(7).sample(paths, len(paths)) if path.is_file()][:count]
    for index, path in enumerate(chosen):
        pixels = image.read(path).pixels
        yield _lay_in_turn(PHOTO_SEED + index, pixels, np.zeros(pixels.shape[:2], np.uint8))


def _lay_in_turn(seed: int, pixels: np.ndarray, product: np.ndarray) -> Example:
    """A photo as it is for an even seed, with an overlay for an odd one."""
    rng = np.random.default_rng(seed)
    laid, _, _ = overlays.lay_overlay(rng, pixels, product)
    quality = int(rng.integers(75, 96))
    # halves of seeds are learned from apart, and both need photos of both sorts
    both = describe_both(seed // 2, *(_encode(each, quality) for each in (pixels, laid)))
    return both[seed % 2]


def _encode(pixels: np.ndarray, quality: int) -> bytes:
    cv2 = opencv.load()
    return cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def describe(seed: int, study: Study, truth: np.ndarray) -> Example:
    """Describe the marks of one photo; `truth` (h, w) tells where it was laid over."""
    marks = find_marks(study.medium)
    described = properties.describe(marks, study)
    return Example(seed, described, share(marks, truth), bool(truth.any()), study.mask.confidence)


def share(marks: Marks, truth: np.ndarray) -> np.ndarray:
    """Share of each mark's pixels that are true."""
    count = len(marks.boxes)
    return np.bincount(marks.owner, truth.ravel()[marks.place], count) / np.bincount(
        marks.owner, minlength=count
    )


def fit_all(examples: list[Example]) -> dict[str, chances.Table]:
    """Fit the three steps. The second learns from odds that the first gives to scenes it has not learned from."""
    halves = [[each for each in examples if each.seed % 2 == side] for side in (0, 1)]
    mark = _fit_marks(examples)
    company_terms, laid, owners = [], [], []
    for half, other in (halves, halves[::-1]):
        table = _fit_marks(other)
        for each in half:
            odds = chances.weigh(each.described.properties, table)
            company_terms.append(chances.describe_company(each.described, odds))
            laid.append(each.laid)
            owners.append(each)
    crossed = tuple(chances.COMPANY.index(name) for name in _CROSSED_COMPANY)
    company = _fit_sure(np.concatenate(company_terms), np.concatenate(laid), crossed)
    photo_terms = [
        chances.describe_photo(each.described, chances.to_chance(chances.weigh(terms, company)), each.known)
        for each, terms in zip(owners, company_terms, strict=True)
    ]
    found = np.array([each.found for each in owners])
    return {"MARK": mark, "COMPANY": company, "PHOTO": fit(np.concatenate(photo_terms), found, _RIDGE_PHOTO)}


def _fit_marks(examples: list[Example]) -> chances.Table:
    terms = np.concatenate([each.described.properties for each in examples])
    crossed = tuple(properties.PROPERTIES.index(name) for name in _CROSSED)
    return _fit_sure(terms, np.concatenate([each.laid for each in examples]), crossed)


def _fit_sure(terms: np.ndarray, laid: np.ndarray, crossed: tuple[int, ...] = ()) -> chances.Table:
    sure = (laid >= _LAID) | (laid <= _FREE)
    return fit(terms[sure], laid[sure] >= _LAID, _RIDGE, crossed)


def fit(terms: np.ndarray, true: np.ndarray, strength: float, crossed: tuple[int, ...] = ()) -> chances.Table:
    """Logistic regression on standardized terms, their squares and some products; a ridge on all but the bias."""
    center, spread = terms.mean(0), terms.std(0) + 1e-6
    standard = np.clip((terms - center) / spread, -3, 3)
    first, second = np.triu_indices(len(crossed), 1)
    chosen = standard[:, crossed]
    products = chosen[:, first] * chosen[:, second]
    columns = np.hstack([np.ones((len(true), 1)), standard, standard**2, products])
    weights = fit_logistic(columns, true, strength)
    count = terms.shape[1]
    pairs = np.zeros((len(crossed), len(crossed)))
    pairs[first, second] = weights[1 + 2 * count :]
    rows = zip(center, spread, weights[1 : 1 + count], weights[1 + count : 1 + 2 * count], strict=True)
    return chances.Table(float(weights[0]), tuple(rows), crossed, tuple(map(tuple, pairs)))


_HEAD = '''"""Tables of `overlay_chances`, made by scripts/fit_overlay.py from {count} photos."""

from __future__ import annotations

from edge_iqa.measures.overlay_chances import Table

'''
_NAMES = {"MARK": properties.PROPERTIES, "COMPANY": chances.COMPANY, "PHOTO": chances.PHOTO}


def write(tables: dict[str, chances.Table], count: int) -> None:
    """Write the tables as code."""
    text = _HEAD.format(count=count)
    for name, table in tables.items():
        text += f"{name} = Table(\n    {table.bias:.4f},\n    (\n"
        for row, term in zip(table.rows, _NAMES[name], strict=True):
            text += f"        ({', '.join(f'{value:.4f}' for value in row)}),  # {term}\n"
        text += f"    ),\n    {table.crossed},\n    (\n"
        for index, pairs in zip(table.crossed, table.pairs, strict=True):
            text += f"        ({' '.join(f'{value:.3f},' for value in pairs)}),  # {_NAMES[name][index]}\n"
        text += "    ),\n)\n"
    _TARGET.write_text(text)
    print(f"wrote {_TARGET}")


if __name__ == "__main__":
    main()
