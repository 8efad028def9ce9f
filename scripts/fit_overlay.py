"""Fit the tables of edge_iqa/measures/overlay_weights.py to drawn listings and real photos, and write that file.

    python scripts/fit_overlay.py --listings 500 --others 320 --photos shared/data/photos.csv --real 600

A seed gives the same scene without and with an overlay; what differs between both tells which marks were laid over.
Each scene without one gets two more, from which the first two steps learn alone. Other seeds give several products,
borders and the like, without one. Real photos of the split `train` are taken in
turn as they are and with an overlay: drawn scenes alone teach too little of how real ones look. Some products have
their colors inverted, so that light prints are learned too. Seeds from 300,000 on;
held-out ones (from 1,000,000 on) are left to the bench. About 3 s a seed.
"""

from __future__ import annotations

import argparse
import csv
import random
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from compression import listings
from compression.listings import overlays
from compression.logistic import fit_logistic
from compression.small_net import fit_net
from edge_iqa import image, opencv
from edge_iqa.measures import overlay_chances as chances
from edge_iqa.measures import overlay_properties as properties
from edge_iqa.measures.overlay_marks import Marks, find_marks
from edge_iqa.measures.study import Study

FIRST_SEED, OTHER_SEED, PHOTO_SEED, INVERTED_SEED, AGAIN_SEED = 300_000, 310_000, 320_000, 330_000, 340_000
_OTHERS = ("several", "several", "several", "off_center", "border", "skew", "several", "collage")
_RIDGE = 1.0
_AGAIN = 2
"""Further overlays of each scene."""

_UNITS, _NETS = 16, 3
"""Hidden units of each net, and nets of which the mean is taken."""

_LAID, _FREE = 0.6, 0.2
"""A mark is laid over from so much of its pixels up, is none up to so much; between them it teaches nothing."""

_DIFFERS = 6
"""Levels by which the same scene with and without overlay differ, at 512 px, where there is one."""

_TARGET = Path(__file__).parents[1] / "edge_iqa" / "measures" / "overlay_weights.py"


@dataclass(frozen=True, eq=False)
class Example:
    """One photo: its marks, how much of each is laid over, whether anything is, confidence of the product's mask;
    whether the same scene was there before."""

    seed: int
    described: properties.Described
    laid: np.ndarray
    found: bool
    known: float
    again: bool = False


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
        examples += [*describe_seed(FIRST_SEED + index), *describe_again(FIRST_SEED + index)]
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


def describe_again(seed: int) -> Iterator[Example]:
    """The same scene with further overlays."""
    listing = listings.draw_listing(seed)
    return _lay_again(seed, seed, listing.pixels, listing.truth.mask)


def _lay_again(seed: int, scene: int, pixels: np.ndarray, product: np.ndarray) -> Iterator[Example]:
    for count in range(_AGAIN):
        rng = np.random.default_rng(AGAIN_SEED + _AGAIN * seed + count)
        laid, _, _ = overlays.lay_overlay(rng, pixels, product)
        quality = int(rng.integers(75, 96))
        both = describe_both(scene, *(_encode(each, quality) for each in (pixels, laid)))
        yield replace(both[1], again=True)


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
        nothing = np.zeros(pixels.shape[:2], np.uint8)
        yield _lay_in_turn(PHOTO_SEED + index, pixels, nothing)
        if index % 2 == 0:
            yield from _lay_again(PHOTO_SEED + index, (PHOTO_SEED + index) // 2, pixels, nothing)


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


Tables = tuple[chances.Net, chances.Net, chances.Table]


def fit_all(examples: list[Example]) -> Tables:
    """Fit the three steps. Each learns from what the one before says of scenes that it has not learned from."""
    mark = _fit_marks([each.described.properties for each in examples], examples)
    terms: list[np.ndarray] = [np.zeros((0, 0))] * len(examples)
    for known, asked in _part(examples, 2):
        half = _fit_marks([examples[at].described.properties for at in known], [examples[at] for at in known])
        for at in asked:
            described = examples[at].described
            terms[at] = chances.describe_company(described, half.weigh(described.properties))
    company = _fit_marks(terms, examples)
    rows, found = [], []
    for known, asked in _part(examples, 4):
        half = _fit_marks([terms[at] for at in known], [examples[at] for at in known])
        for at in asked:
            each = examples[at]
            if not each.again:  # twice as many overlays as there are would make all photos likely to have one
                chance = chances.to_chance(half.weigh(terms[at]))
                rows.append(chances.describe_photo(each.described, chance, each.known))
                found.append(each.found)
    return mark, company, fit(np.concatenate(rows), np.array(found))


def _part(examples: list[Example], step: int) -> Iterator[tuple[list[int], list[int]]]:
    """Two halves of the scenes, each beside the other."""
    halves: list[list[int]] = [[], []]
    for at, each in enumerate(examples):
        halves[each.seed // step % 2].append(at)
    yield halves[0], halves[1]
    yield halves[1], halves[0]


def _fit_marks(terms: list[np.ndarray], examples: list[Example]) -> chances.Net:
    """A net on all marks of which it is clear what they are."""
    laid = np.concatenate([each.laid for each in examples])
    sure = (laid >= _LAID) | (laid <= _FREE)
    table = np.concatenate(terms)[sure]
    center, spread = table.mean(0), table.std(0) + 1e-6
    net = fit_net(np.clip((table - center) / spread, -3, 3), laid[sure] >= _LAID, _UNITS, _NETS)
    floats = (each.astype(np.float32) for each in (center, spread, net.inner, net.shift, net.outer))
    return chances.Net(*floats, net.bias)


def fit(terms: np.ndarray, true: np.ndarray) -> chances.Table:
    """Logistic regression on standardized terms and their squares; a ridge on all but the bias."""
    center, spread = terms.mean(0), terms.std(0) + 1e-6
    standard = np.clip((terms - center) / spread, -3, 3)
    columns = np.hstack([np.ones((len(true), 1)), standard, standard**2])
    weights = fit_logistic(columns, true, _RIDGE)
    count = terms.shape[1]
    rows = zip(center, spread, weights[1 : 1 + count], weights[1 + count :], strict=True)
    return chances.Table(float(weights[0]), tuple(rows))


_HEAD = '''"""Tables of `overlay_chances`, made by scripts/fit_overlay.py from {count} photos."""

from __future__ import annotations

from edge_iqa.measures.overlay_chances import Net, Table

# fmt: off
'''


def write(tables: Tables, count: int) -> None:
    """Write the tables as code."""
    mark, company, photo = tables
    text = _HEAD.format(count=count)
    text += _print_net("MARK", mark, properties.PROPERTIES) + _print_net("COMPANY", company, chances.COMPANY)
    text += f"PHOTO = Table(\n    {photo.bias:.4f},\n    (\n"
    text += _print_rows(photo.rows, chances.PHOTO) + "    ),\n)\n"
    _TARGET.write_text(text)
    print(f"wrote {_TARGET}")


def _print_net(name: str, net: chances.Net, terms: Sequence[str]) -> str:
    text = f"{name} = Net.of(\n    (\n" + _print_rows(np.stack((net.center, net.spread), 1), terms)
    text += "    ),\n    (\n"
    for unit in np.column_stack((net.shift, net.outer, net.inner.T)):
        numbers = ", ".join(f"{value:.3f}" for value in unit)
        text += textwrap.fill(f"({numbers}),", 110, initial_indent=" " * 8, subsequent_indent=" " * 9) + "\n"
    return text + f"    ),\n    {net.bias:.4f},\n)\n"


def _print_rows(rows: Iterable[Iterable[float]], terms: Sequence[str]) -> str:
    return "".join(
        f"        ({', '.join(f'{value:.4f}' for value in row)}),  # {term}\n"
        for row, term in zip(rows, terms, strict=True)
    )


if __name__ == "__main__":
    main()
