"""Fit the tables of edge_iqa/measures/overlay_weights.py to drawn listings, and write that file.

    python scripts/fit_overlay.py --listings 800

Each seed gives the same scene without and with an overlay; what differs between both tells which marks were laid
over. Seeds from 300,000 on; held-out ones (from 1,000,000 on) are left to the bench. About 3 s a seed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from compression import listings
from edge_iqa import image
from edge_iqa.measures import overlay_chances as chances
from edge_iqa.measures import overlay_properties as properties
from edge_iqa.measures.overlay_marks import Marks, find_marks
from edge_iqa.measures.study import Study

FIRST_SEED = 300_000
_RIDGE, _RIDGE_PHOTO = 3.0, 1.0
_LAID, _FREE = 0.6, 0.2
"""A mark is laid over from so much of its pixels up, is none up to so much; between them it teaches nothing."""

_CROSSED = (
    "contrast", "color", "veil", "steep", "long", "rough", "uneven", "unlike", "grain", "inside", "dark", "stroke",
    "tall", "wide", "flat", "calm",
)  # fmt: skip
"""Properties whose products count: grain, say, means one thing on dark ink and another on light ink."""

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
    parser.add_argument(
        "--listings", type=int, default=800, help="seeds, two photos each; default: %(default)s"
    )
    examples = []
    count = parser.parse_args().listings
    for index in range(count):
        examples += describe_seed(FIRST_SEED + index)
        if index % 50 == 49:
            print(f"{index + 1} of {count}", flush=True)
    write(fit_all([each for each in examples if len(each.laid)]), len(examples))


def describe_seed(seed: int) -> list[Example]:
    """The same scene without and with an overlay."""
    plain, laid = (listings.draw_listing(seed, fault) for fault in (None, "overlay"))
    studies = [Study.of(image.read(each.jpeg)) for each in (plain, laid)]
    differs = np.abs(studies[0].medium.astype(np.int16) - studies[1].medium).max(-1) > _DIFFERS
    return [
        describe(seed, study, differs & found) for study, found in zip(studies, (False, True), strict=True)
    ]


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
    company = _fit_sure(np.concatenate(company_terms), np.concatenate(laid))
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
    ridge = strength * np.r_[0.0, np.ones(columns.shape[1] - 1)]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total = columns @ weights
        value = np.logaddexp(0, -total * (2 * true - 1)).sum() + ridge @ weights**2 / 2
        return value, columns.T @ (1 / (1 + np.exp(-total)) - true) + ridge * weights

    weights = minimize(loss, np.zeros(columns.shape[1]), jac=True, method="L-BFGS-B").x
    count = terms.shape[1]
    pairs = np.zeros((len(crossed), len(crossed)))
    pairs[first, second] = weights[1 + 2 * count :]
    rows = zip(center, spread, weights[1 : 1 + count], weights[1 + count : 1 + 2 * count], strict=True)
    return chances.Table(float(weights[0]), tuple(rows), crossed, tuple(map(tuple, pairs)))


_HEAD = '''"""Tables of `overlay_chances`, made by scripts/fit_overlay.py from {count} drawn listings."""

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
