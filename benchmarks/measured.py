"""Cases → figures of the measurements that need no model, with the bounds that they are held to.

What counts as a call ("this has a border") is not decided here: `calls` of every function maps the name of a call to
a test of a case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.cases import Case
from benchmarks.figures import Figure
from compression.listings import PLAIN
from compression.metrics import Estimate, auc, estimate, estimate_share, f1

Calls = Mapping[str, Callable[[Case], bool]]
"""Name of a call → whether a case makes it."""

_GOOD_IOU = 0.9
_OF_PRODUCT = ("any", "plain", "white", "cut_off", "off_center", "skew", "several")
"""Parts of which the outline is asked: one photo with products, and nothing added."""
_UPRIGHT_WITHIN_DEG = 2.0


def outlines(cases: Sequence[Case]) -> list[Figure]:
    """Mean IoU of the product's mask, and whether its confidence tells the good ones."""
    plain = [case for case in cases if case.part in ("white", "plain")]
    good = [case for case in cases if case.part in _OF_PRODUCT]
    sure = [case for case in good if case.confidence >= 0.8]
    hits = np.array([case.iou >= _GOOD_IOU for case in good], bool)
    confidence = np.array([case.confidence for case in good])
    figures = [Figure("product mask, mean IoU on plain backgrounds", _mean(plain), 0.90)]
    for name in PLAIN:
        same = [case for case in plain if case.truth["background"] == name]
        figures.append(Figure(f"product mask, mean IoU on {name}", _mean(same)))
    separates = estimate(lambda at: auc(hits[at], confidence[at]), _groups(good)) if good else None
    return [
        *figures,
        Figure("confidence of the mask separates IoU >= 0.9, AUC", separates, 0.90),
        Figure("masks with IoU >= 0.9 among all", _share([bool(hit) for hit in hits], good)),
        Figure(
            "masks with IoU >= 0.9 among sure ones", _share([case.iou >= _GOOD_IOU for case in sure], sure)
        ),
    ]


def fills(cases: Sequence[Case], within: float = 0.05) -> list[Figure]:
    """Fill within 5 points of the truth; a fill that was not measured on a plain background is wrong."""
    plain = [case for case in cases if case.part in ("white", "plain")]
    everywhere = [case for case in cases if case.part == "any"]
    measured = [case for case in everywhere if "fill" in case.values]
    return [
        Figure("fill within 5 points, plain backgrounds", _share(_near(plain, "fill", within), plain), 0.95),
        Figure("fill within 5 points where measured", _share(_near(measured, "fill", within), measured)),
        Figure(
            "fill measured, all backgrounds", _share(["fill" in c.values for c in everywhere], everywhere)
        ),
    ]


def cut_offs(cases: Sequence[Case], calls: Calls) -> list[Figure]:
    """Products cut off at the photo's edge, on plain backgrounds and on all."""
    plain = [case for case in cases if case.part in ("white", "plain", "cut_off, plain")]
    everywhere = [case for case in cases if case.part in ("any", "cut_off")]
    return [
        *_found("cut-off found, plain backgrounds", plain, "cut_off", calls, 0.95),
        *_found("cut-off found, all backgrounds", everywhere, "cut_off", calls, None),
    ]


def additions(cases: Sequence[Case], calls: Calls) -> list[Figure]:
    """Border, overlay, collage and screenshot: photos with it against twice as many without a fault."""
    bounds = {"border": 0.9, "overlay": 0.9, "collage": 0.9, "screenshot": None}
    figures = []
    for fault, bound in bounds.items():
        chosen = [case for case in cases if case.part in ("any", fault)]
        figures += _found(f"{fault} found", chosen, fault, calls, bound)
        for kind in sorted({case.truth["kind"] for case in chosen if case.part == fault}):
            same = [case for case in chosen if case.truth["kind"] == kind and case.part == fault]
            figures.append(Figure(f"{fault} found: {kind}", _share(_called(same, fault, calls), same)))
        others = [
            case for case in cases if case.truth["fault"] not in (None, fault) and _is_fair(case, fault)
        ]
        figures.append(
            Figure(
                f"{fault} called on photos with another fault",
                _share(_called(others, fault, calls), others),
                None,
                False,
            )
        )
    return figures


def _is_fair(case: Case, fault: str) -> bool:
    """A screen holds texts and bars of its own, a collage may have a frame: neither is wrongly called."""
    return case.truth["fault"] not in ("screenshot", "collage") or fault == "screenshot"


def several(cases: Sequence[Case], calls: Calls) -> list[Figure]:
    """Photos of several products; drawn fruit may be several by itself."""
    chosen = [
        case
        for case in cases
        if case.part in ("any", "several", "plain") and case.truth["background"] in PLAIN
    ]
    return _found("several products found, plain backgrounds", chosen, "several", calls, None)


def leans(cases: Sequence[Case]) -> list[Figure]:
    """Error of the lean where there is an upright and it was measured."""
    chosen = [
        case
        for case in cases
        if case.part in ("skew", "white", "plain")
        and case.truth["skew_deg"] is not None
        and "skew" in case.values
    ]
    error = np.array([abs(case.values["skew"] - case.truth["skew_deg"]) for case in chosen])
    middle = estimate(lambda at: float(np.median(error[at])), _groups(chosen)) if chosen else None
    asked = [case for case in cases if case.part == "skew"]
    return [
        Figure("lean, median error in degrees", middle, None, False),
        Figure(
            "lean within 2 degrees where measured", _share((error <= _UPRIGHT_WITHIN_DEG).tolist(), chosen)
        ),
        Figure("lean measured on leaning products", _share(["skew" in case.values for case in asked], asked)),
    ]


def resolutions(cases: Sequence[Case], calls: Calls) -> list[Figure]:
    """Photos enlarged by 1.5 or more called so, and sharp originals called so; drawn, then real ones."""
    figures = []
    for what, enlarged, original in (
        ("drawn", ("upscaled",), ("any", "white", "plain")),
        ("real", ("photos, enlarged",), ("photos, original",)),
    ):
        yes = [case for case in cases if case.part in enlarged and case.truth["upscaled"] >= 1.5 - 1e-3]
        no = [case for case in cases if case.part in original]
        figures += [
            Figure(f"enlarged >= 1.5x called so, {what}", _share(_called(yes, "upscaled", calls), yes), 0.95),
            Figure(
                f"sharp originals called enlarged, {what}",
                _share(_called(no, "upscaled", calls), no),
                0.02,
                False,
            ),
        ]
        for kind in sorted({case.truth["kind"] for case in yes if case.truth["kind"]}):
            same = [case for case in yes if case.truth["kind"] == kind]
            figures.append(
                Figure(f"enlarged, {kind}, {what}", _share(_called(same, "upscaled", calls), same))
            )
    return figures


def exposures(cases: Sequence[Case], calls: Calls) -> list[Figure]:
    """Alarms on legal white backgrounds, over- and under-exposed products found."""
    legal = [case for case in cases if case.part == "white"]
    figures = []
    alarms = (
        np.array(_called(legal, "over", calls)) | np.array(_called(legal, "under", calls))
        if legal
        else np.array([])
    )
    figures.append(
        Figure(
            "exposure alarms on legal white backgrounds",
            _share(alarms.tolist(), legal),
            0.0,
            False,
            point=True,
        )
    )
    parts = {
        "over-exposed products found, plain backgrounds": (("over_exposed, plain",), "over", 0.95),
        "over-exposed products found, all backgrounds": (("over_exposed",), "over", None),
        "under-exposed products found": (("under_exposed",), "under", None),
    }
    for what, (chosen, call, bound) in parts.items():
        same = [case for case in cases if case.part in chosen]
        figures.append(Figure(what, _share(_called(same, call, calls), same), bound))
    return figures


_TRUE: Mapping[str, Callable[[Case], bool]] = {
    "border": lambda case: case.truth["border"] > 0,
    "overlay": lambda case: case.truth["overlay"] > 0,
    "collage": lambda case: case.truth["panels"] > 1,
    "screenshot": lambda case: case.truth["screenshot"] > 0,
    "cut_off": lambda case: case.truth["cut_off"] > 0,
    "several": lambda case: case.truth["products"] > 1,
}


def _found(what: str, cases: Sequence[Case], call: str, calls: Calls, bound: float | None) -> list[Figure]:
    """F1 of a call, held to the bound, with its precision and recall."""
    if not cases:
        return [Figure(f"{what}: F1", None, bound)]
    true = np.array([_TRUE[call](case) for case in cases], bool)
    said = np.array(_called(cases, call, calls), bool)
    right = [case for case, yes in zip(cases, said, strict=True) if yes]
    there = [case for case, yes in zip(cases, true, strict=True) if yes]
    return [
        Figure(f"{what}: F1", estimate(lambda at: f1(true[at], said[at]), _groups(cases)), bound),
        Figure(f"{what}: precision", _share(true[said].tolist(), right)),
        Figure(f"{what}: recall", _share(said[true].tolist(), there)),
    ]


def _called(cases: Sequence[Case], call: str, calls: Calls) -> list[bool]:
    return [bool(calls[call](case)) for case in cases]


def _near(cases: Sequence[Case], name: str, within: float) -> list[bool]:
    return [abs(case.values.get(name, np.inf) - case.truth[name]) <= within for case in cases]


def _mean(cases: Sequence[Case]) -> Estimate | None:
    if not cases:
        return None
    values = np.array([case.iou for case in cases])
    return estimate(lambda at: float(values[at].mean()), _groups(cases))


def _share(hits: Sequence[bool], cases: Sequence[Case]) -> Estimate | None:
    return estimate_share(np.array(hits, bool), _groups(cases)) if cases else None


def _groups(cases: Sequence[Case]) -> list[str]:
    return [case.group for case in cases]
