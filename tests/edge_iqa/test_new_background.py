"""A new background: what is painted, and when it stands."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_iqa.repairs.background import WhiteBackground
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.reshape import Reshaped, reshape
from tests.edge_iqa.test_repairs import Pixels, make_paper


def test_grain_far_from_the_product_goes_and_what_is_dark_there_stays() -> None:
    """What is much darker than the background may be a strap that the outline missed."""
    paper, mask = make_paper()
    grain = np.random.default_rng(0).uniform(0.8, 1.0, (480, 640, 1))
    away = cv2.dilate(mask.astype(np.uint8), np.ones((101, 101), np.uint8)) == 0
    paper = np.where(away[..., None], paper * grain, paper).astype(np.uint8)
    paper[20:460, 560:580] = 40
    small = cv2.resize(mask.astype(np.uint8), (256, 192), interpolation=cv2.INTER_AREA) > 0
    white = WhiteBackground().apply(paper, 1.0, Context(small, "plain", 0.95))
    left = away & (np.arange(640) < 500)
    assert (white[left].min(-1) >= 250).mean() > 0.99
    assert white[100:400, 565:575].max() < 200


def test_what_looks_like_background_inside_the_product_is_not_painted() -> None:
    paper, mask = make_paper()
    paper[300:350, 266:374] = paper[300:350, 240:241]  # a label, gray as the paper, almost from rim to rim
    small = cv2.resize(mask.astype(np.uint8), (256, 192), interpolation=cv2.INTER_AREA) > 0
    white = WhiteBackground().apply(paper, 1.0, Context(small, "plain", 0.95))
    label = np.s_[305:345, 272:368]
    assert np.abs(white[label].astype(int) - paper[label]).max() <= 2


def whiten(
    paper: Pixels, mask: NDArray[np.bool_], score: Callable[[Pixels], float], accept: float = 0
) -> Reshaped:
    small = cv2.resize(mask.astype(np.uint8), (256, 192), interpolation=cv2.INTER_AREA) > 0
    context = Context(small, "plain", 0.95, values={"background_white": 0.0})

    def judge(pixels: Pixels) -> tuple[float, dict[str, float]]:
        return score(pixels), {}

    return reshape(paper, judge(paper), ["BACKGROUND"], context, judge, accept)


def test_a_new_background_may_cost_what_white_costs_and_no_more() -> None:
    paper, mask = make_paper()

    def on_white(cost: float) -> Callable[[Pixels], float]:
        return lambda pixels: 90 - cost * (pixels[5, 5].min() == 255)

    assert whiten(paper, mask, on_white(4)).steps
    left = whiten(paper, mask, on_white(6))
    assert left.pixels is paper and "fallen" in left.reasons[0]
    assert not whiten(paper, mask, on_white(4), accept=88).steps, "good enough before, and not any more"
    assert whiten(paper, mask, on_white(4), accept=95).steps, "it was not good enough before either"


def test_a_new_background_that_harms_the_product_is_found_out_by_the_product_on_white() -> None:
    paper, mask = make_paper()
    small = cv2.resize(mask.astype(np.uint8), (256, 192), interpolation=cv2.INTER_AREA) > 0
    outline = Context(small, "plain", 0.95).product_at(paper.shape)[..., None]
    cut = np.where(outline, paper, np.uint8(255))

    def rate(harm: float) -> Callable[[Pixels], float]:
        """The new background alone costs a point, and what the repair did to the product some more."""

        def score(pixels: Pixels) -> float:
            if pixels[5, 5].min() < 255:
                return 90.0
            return 89.0 if np.array_equal(pixels, cut) else 89.0 - harm

        return score

    assert whiten(paper, mask, rate(1.5)).steps
    left = whiten(paper, mask, rate(2.5))
    assert left.pixels is paper and "fallen" in left.reasons[0]


def test_a_background_that_becomes_half_white_is_left() -> None:
    paper, mask = make_paper()
    assert whiten(paper, mask, lambda pixels: 90.0).steps
    for line in range(5):
        paper[:, 10 + line : 240 : 20] = paper[:, 400 + line : 630 : 20] = 50
    left = whiten(paper, mask, lambda pixels: 90.0)
    assert not left.steps and "no better" in left.reasons[0]
