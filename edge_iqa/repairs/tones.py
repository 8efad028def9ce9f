"""Choose repairs of light, color and noise by the model's own score, one cause after the other.

A repair's parameters are climbed for; then it is taken back as far as the score hardly minds: a
correction that stops short of the best guess is still nearer to the truth, one that overshoots is not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_iqa.colorimetry import to_linear
from edge_iqa.pixels import Pixels
from edge_iqa.repairs.background import estimate_color
from edge_iqa.repairs.base import Repair, Scorer, Scores, Step
from edge_iqa.repairs.clahe import LocalContrast
from edge_iqa.repairs.color_guard import color_shift, neutral_share
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.contrast import Contrast
from edge_iqa.repairs.denoise import Denoise
from edge_iqa.repairs.exposure import Exposure
from edge_iqa.repairs.search import Point, climb
from edge_iqa.repairs.sharpen import Sharpen
from edge_iqa.repairs.white_balance import WhiteBalance

_LEAST_GAIN = 1.5
"""Points by which a repair must raise what it was chosen for, or it is not made."""
_MORE_GAIN = 0.5
"""Points by which more denoising must be better, or less is taken."""
_SAFE_FALL = 1.0
"""Points that other attributes may lose before it counts against a repair."""
_MENDED_FALL = 1.6
"""Points from which on a repair that mends the fall is looked for; the final guard has a little more."""
_FALL_COST = 3.0
_GOOD, _GOOD_CONTRAST = 85.0, 95.0
"""Scores beyond which more contrast counts for nothing."""
_LATER_COST = 0.3
_ENOUGH = 90.0
"""Score from which on an attribute is no cause, where the bundle does not say."""
_SAFE_SHIFT = 0.009
"""How far (u'v') the color may move where color is no cause; the final guard has a little more."""
_NEUTRAL_RATIO, _NEUTRAL_MORE = 1.5, 0.006
"""By how much the share of gray must grow where a cast is taken out."""
_STRENGTHS = (0.5, 0.6, 0.7, 0.85, 1.0)
_LITTLE = (0.1, 0.2)
"""Strengths of repairs that must not show."""
_LUMA = (0.0, 0.15, 0.3)
"""Shares of the noise of brightness that are tried: more would take cloth for noise."""
_LUMA_LIT = (0.0, 0.2, 0.4, 0.6, 0.8)
"""The same for noise that a repair of light brought out, which the photo cannot keep."""
_ROOM = (20, 235)
"""Levels between which the darkest and the lightest channel lie where contrast was lost."""
_MOST_SPAN = 130
"""Levels from the darkest to the lightest channel, at most (116 in photos of `val` that were rightly called so)."""
_MEAN_SHIFT = 0.05
"""How far contrast may move the photo's mean level (0-1)."""
_DOUBT = 3.0
"""Points that a center of contrast must bring for each tenth of the range that it lies off the photo's mean."""
_FORGONE = 0.12
"""Share of the gain that is given up for a milder repair."""


@dataclass(frozen=True, eq=False)
class State:
    """The photo so far, at viewing scale."""

    pixels: Pixels
    scores: Scores
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, eq=False)
class Search:
    """What every choice needs to know.

    Attributes:
        score: the model.
        context: product and measurements.
        before: scores of the photo as it came.
        original: its pixels at viewing scale.
        causes: codes.
        enough: attribute → score (0-100) from which on it is no cause.
    """

    score: Scorer
    context: Context
    before: Scores
    original: Pixels
    causes: Collection[str]
    enough: Mapping[str, float]

    def worth(self, scores: Scores, attribute: str) -> float:
        """What a repair for this attribute is chosen by, in points."""
        overall, attributes = scores
        worth = overall + 0.5 * attributes.get(attribute, 0.0)
        if attribute == "contrast":  # the model likes it strong, and pale things are pale by nature
            worth = min(overall, _GOOD) + 0.5 * min(attributes.get(attribute, 0.0), _GOOD_CONTRAST)
        for name, value in attributes.items():
            fall = max(0.0, self.before[1][name] - value - _SAFE_FALL)
            # noise that light brings out, and the flatness of what was flat, are mended afterwards
            later = name != attribute and (name == "noise" or (name, attribute) == ("contrast", "exposure"))
            worth -= fall * (_LATER_COST if later else _FALL_COST)
        return worth

    def lacks(self, state: State, attribute: str) -> bool:
        """Whether this attribute still is a cause."""
        return state.scores[1].get(attribute, 0.0) < self.enough.get(attribute, _ENOUGH)

    def has_fallen(self, state: State, attribute: str) -> bool:
        """Whether the repairs so far cost this attribute more than may stand."""
        return self.before[1].get(attribute, 0.0) - state.scores[1].get(attribute, 0.0) > _MENDED_FALL


def choose(search: Search) -> State:
    """Choose repairs in the order in which they are made, then such as mend what these brought to light."""
    state = State(search.original, search.before)
    causes = search.causes
    if "NOISE" in causes:  # first: light and contrast would make more of it
        state = _choose_denoise(state, search)
    if "TOO_DARK" in causes:
        state = _choose_exposure(state, search, (0.0, 4.5), 0.8)
    if "TOO_BRIGHT" in causes:
        state = _choose_exposure(state, search, (-2.5, 0.0), -0.5)
    if "LOW_CONTRAST" in causes:
        state = _choose_contrast(state, search)
        if search.lacks(state, "contrast"):  # a veil that is not even
            state = _take(state, search, "local contrast", "contrast", LocalContrast(), _LITTLE)
    # in a noisy photo color is judged wrongly, even after the noise has gone
    if "COLOR_CAST" in causes and "NOISE" not in causes:
        state = _choose_balance(state, search)
    if search.has_fallen(state, "exposure"):
        state = _choose_exposure(state, search, (-0.7, 0.7), 0.25)
    if search.has_fallen(state, "contrast"):
        state = _choose_contrast(state, search)
    if search.has_fallen(state, "noise"):
        state = _choose_denoise(state, search)
    if search.has_fallen(state, "sharpness"):
        state = _take(state, search, "sharpen", "sharpness", Sharpen(), _LITTLE)
    return state


def has_room(pixels: Pixels) -> bool:
    """Whether neither black nor white is reached and little of the range is used, as after a loss of contrast.

    The model calls many faults by that name; of the others, the tones of the photo span more.
    """
    sample = pixels[:: max(1, pixels.shape[0] // 512), :: max(1, pixels.shape[1] // 512)]
    darkest, lightest = np.quantile(sample.min(2), 0.005), np.quantile(sample.max(2), 0.995)
    return bool(darkest >= _ROOM[0] and lightest <= _ROOM[1] and lightest - darkest <= _MOST_SPAN)


def _choose_exposure(state: State, search: Search, bounds: tuple[float, float], step: float) -> State:
    bright = state.pixels[::2, ::2].max(2)
    brightest = max(0.05, float(to_linear(np.quantile(bright, 0.999) / 255)))
    # far down in the dark a little light changes nothing yet
    starts = [(step * number,) for number in (0, 2, 4) if step * number <= bounds[1]]
    best: tuple[float, Repair] | None = None
    for keep_white in (False, True) if bounds[0] < 0 else (False,):

        def make(point: Point, keep_white: bool = keep_white) -> Repair:
            return Exposure(point[0], brightest, keep_white)

        repair, worth = _climb(state, search, "exposure", make, starts, (step,), [bounds])
        if best is None or worth > best[0] + 0.5:
            best = worth, repair
    return state if best is None else _take(state, search, "exposure", "exposure", best[1])


def _choose_contrast(state: State, search: Search) -> State:
    mean = float(state.pixels.mean()) / 255
    lowest = float(np.quantile(state.pixels.min(2), 0.01)) / 255
    highest = float(np.quantile(state.pixels.max(2), 0.99)) / 255

    anchor = _white_anchor(state, search)

    def make(point: Point) -> Repair:
        lost, gray = point
        if anchor is not None:
            lost = min(lost, 1.15 * (1 - anchor) / max(1 - gray, 0.05) + 0.03)
        if lost > 0:  # brightness is for exposure; far from the mean, a guess of the center moves it most
            reach = _MEAN_SHIFT * (1 - lost) / lost
            gray = min(mean + reach, max(mean - reach, gray))
        black = min(gray * lost, lowest + 0.02)
        white = max(1 - lost * (1 - gray), highest - 0.02)
        return _hold_color(Contrast(black, max(white, black + 0.05)), state, search)

    def doubt(point: Point) -> float:
        """Tones are squeezed towards the photo's own mean most often; a veil lifts them all."""
        return _DOUBT * min(2.0, abs(point[1] - mean) / 0.1)

    bounds = [(-0.6, 0.9), (max(0.05, mean - 0.2), 1.0)]
    # where nearly all of it was lost, a little more changes nothing yet
    starts = [(lost, mean) for lost in (0.0, 0.4, 0.7)]
    repair, _ = _climb(state, search, "contrast", make, starts, (0.16, 0.1), bounds, doubt)
    return _take(state, search, "contrast", "contrast", repair)


def _white_anchor(state: State, search: Search) -> float | None:
    """Level (0-1) of a light background, which was white before any contrast was lost; None without one."""
    if not (search.context.found and search.context.background == "light"):
        return None
    return float(estimate_color(state.pixels, search.context).max()) / 255


def _hold_color(repair: Contrast, state: State, search: Search) -> Contrast:
    """Let as much color return with the contrast as the color guard allows."""
    if "COLOR_CAST" in search.causes:
        return repair
    small = state.pixels[::3, ::3]
    product = search.context.product if search.context.found else None
    shift = color_shift(small, repair.apply(small, 1.0, search.context), product)
    if shift <= _SAFE_SHIFT:
        return repair
    return Contrast(repair.black, repair.white, round(0.95 * _SAFE_SHIFT / shift, 2))


def _choose_balance(state: State, search: Search) -> State:
    bounds = [(-1.1, 1.1), (-0.8, 0.8)]
    repair, _ = _climb(state, search, "color", _balance, [(0.0, 0.0)], (0.32, 0.24), bounds)
    taken = _take(state, search, "white balance", "color", repair)
    # the model alone takes a purple bag for a cast; grays that come to light are a second witness
    before, after = neutral_share(state.pixels), neutral_share(taken.pixels)
    return taken if after >= _NEUTRAL_RATIO * before + _NEUTRAL_MORE else state


def _balance(point: Point) -> Repair:
    return WhiteBalance(*point)


def _choose_denoise(state: State, search: Search) -> State:
    """Take the mildest that suffices: what denoising takes beyond noise does not come back."""
    start = search.worth(state.scores, "noise")
    is_cause = "NOISE" in search.causes
    best: tuple[float, State] | None = None
    for luma in _LUMA if is_cause else _LUMA_LIT:
        tried = _try(state, search, Step("denoise", Denoise(luma), 1.0))
        worth = search.worth(tried.scores, "noise")
        if best is None or worth > best[0] + _MORE_GAIN:
            best = worth, tried
        if not (search.lacks(tried, "noise") if is_cause else search.has_fallen(tried, "noise")):
            break
    return best[1] if best is not None and best[0] >= start + _MORE_GAIN else state


def _climb(
    state: State,
    search: Search,
    attribute: str,
    make: Callable[[Point], Repair],
    starts: Sequence[Point],
    steps: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    doubt: Callable[[Point], float] = lambda point: 0.0,
) -> tuple[Repair, float]:
    def value(point: Point) -> float:
        changed = make(point).apply(state.pixels, 1.0, search.context)
        return search.worth(search.score(changed), attribute) - doubt(point)

    start = max(starts, key=value) if len(starts) > 1 else starts[0]
    point, worth = climb(value, start, steps, bounds)
    return make(point), worth


def _take(
    state: State,
    search: Search,
    name: str,
    attribute: str,
    repair: Repair,
    strengths: Sequence[float] = _STRENGTHS,
) -> State:
    """Make a repair, as mildly as does nearly as well; leave it where it gains too little."""
    start = search.worth(state.scores, attribute)
    tried = [_try(state, search, Step(name, repair, strength)) for strength in strengths]
    worths = [search.worth(each.scores, attribute) for each in tried]
    gain = max(worths) - start
    if gain < _LEAST_GAIN:
        return state
    enough = max(worths) - max(0.5, _FORGONE * gain)
    return next(each for each, worth in zip(tried, worths, strict=True) if worth >= enough)


def _try(state: State, search: Search, step: Step) -> State:
    changed = step.apply(state.pixels, search.context)
    return State(changed, search.score(changed), (*state.steps, step))
