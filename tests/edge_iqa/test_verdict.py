"""Scores and bounds decide what the scores say, and which attributes are to blame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_iqa import Verdict
from edge_iqa.codes import CODES
from edge_iqa.frame import Frame
from edge_iqa.luma import Luma, measure_luma
from edge_iqa.manifest import ATTRIBUTES, Thresholds
from edge_iqa.verdict import judge

BOUNDS = Thresholds(accept=0.64, reject=0.58, attributes=dict.fromkeys(ATTRIBUTES, 0.6), dark_below=0.42)
FINE = dict.fromkeys(ATTRIBUTES, 0.9)
DAYLIGHT = Luma(mean=0.5, std=0.2)
share = st.floats(0, 1)


def _codes(overall: float, attributes: dict[str, float], luma: Luma = DAYLIGHT) -> list[str]:
    return [fault.code for fault in judge(overall, attributes, luma, BOUNDS).faults]


@pytest.mark.parametrize(
    ("overall", "verdict"),
    [
        (1.0, "accept"),
        (0.64, "accept"),
        (0.6399, "review"),
        (0.58, "review"),
        (0.5799, "retake"),
        (0, "retake"),
    ],
)
def test_bounds_belong_to_the_better_side(overall: float, verdict: str) -> None:
    assert judge(overall, FINE, DAYLIGHT, BOUNDS).verdict == verdict


@given(share, st.fixed_dictionaries(dict.fromkeys(ATTRIBUTES, share)), share, share)
def test_every_judgement_is_sound(
    overall: float, attributes: dict[str, float], luma_mean: float, luma_std: float
) -> None:
    judged = judge(overall, attributes, Luma(luma_mean, luma_std), BOUNDS)
    severities = [fault.severity for fault in judged.faults]
    assert severities == sorted(severities, reverse=True)
    assert all(0 <= severity <= 1 for severity in severities)
    assert judged.faults or judged.verdict is Verdict.ACCEPT
    assert judged.verdict is not Verdict.FIX  # scores alone do not know what can be repaired
    assert all(fault.code in CODES for fault in judged.faults)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_every_attribute_has_a_code_of_its_own(attribute: str) -> None:
    (code,) = _codes(0.3, {**FINE, attribute: 0.1})
    assert CODES[code].attribute == attribute
    others = {_codes(0.3, {**FINE, name: 0.1})[0] for name in ATTRIBUTES if name != attribute}
    assert code not in others


def test_faults_are_the_attributes_below_their_bounds_worst_first() -> None:
    assert _codes(0.3, {**FINE, "noise": 0.5, "sharpness": 0.2, "detail": 0.6}) == ["BLUR", "NOISE"]


def test_accepted_photo_may_have_a_fault() -> None:
    assert _codes(0.9, {**FINE, "noise": 0.5}) == ["NOISE"]
    assert _codes(0.9, FINE) == []


def test_photo_refused_with_no_attribute_below_is_told_the_one_that_comes_nearest() -> None:
    judged = judge(0.3, {**FINE, "detail": 0.61}, DAYLIGHT, BOUNDS)
    assert [fault.code for fault in judged.faults] == ["LOW_DETAIL"]
    assert judged.faults[0].severity == pytest.approx((0.64 - 0.3) / 0.64)


@pytest.mark.parametrize(("luma", "code"), [(0.41, "TOO_DARK"), (0.42, "TOO_BRIGHT"), (0.8, "TOO_BRIGHT")])
def test_bad_exposure_is_too_dark_or_too_bright_by_the_mean(luma: float, code: str) -> None:
    assert _codes(0.3, {**FINE, "exposure": 0.1}, Luma(luma, 0.2)) == [code]


def test_flat_photo_is_empty_whatever_the_model_says() -> None:
    judged = judge(1.0, FINE, Luma(0.5, 0.001), BOUNDS)
    assert (judged.verdict, judged.overall, [fault.code for fault in judged.faults]) == (
        Verdict.RETAKE,
        0,
        ["EMPTY"],
    )


def _frame(pixels: np.ndarray) -> Frame:
    return Frame(pixels, pixels.shape[1], pixels.shape[0])


@pytest.mark.parametrize("size", [(32, 32), (255, 257), (3000, 40), (1200, 1600)], ids=str)
def test_light_is_measured_on_photos_of_any_shape(size: tuple[int, int]) -> None:
    """Against plain arithmetic over all pixels: the sample stands for the whole."""
    rng = np.random.default_rng(5)
    height, width = size
    ramp = np.linspace(0, 255, width)[None, :, None] + rng.normal(0, 20, (height, width, 3))
    pixels = ramp.clip(0, 255).astype(np.uint8)
    red, green, blue = (pixels[:, :, channel].astype(float) / 255 for channel in range(3))
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    luma = measure_luma(_frame(pixels))
    assert luma.mean == pytest.approx(expected.mean(), abs=0.02)
    assert luma.std == pytest.approx(expected.std(), abs=0.02)


def test_black_is_0_and_white_is_1() -> None:
    black, white = (measure_luma(_frame(np.full((64, 64, 3), level, np.uint8))) for level in (0, 255))
    assert black == Luma(0, 0)
    assert white.mean == pytest.approx(1)


def test_fine_texture_is_not_flat() -> None:
    """A weave finer than the sample's grid must not be averaged into one color."""
    rows, columns = np.indices((1500, 2000))
    weave = ((rows // 2 + columns // 3) % 2 * 120 + 60).astype(np.uint8)
    assert measure_luma(_frame(np.repeat(weave[:, :, None], 3, 2))).std > 0.1
