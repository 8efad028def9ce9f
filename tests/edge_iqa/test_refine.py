"""Strengths that are searched all together."""

from __future__ import annotations

import numpy as np

from edge_iqa.repairs.base import Step, apply_steps
from edge_iqa.repairs.context import Context
from edge_iqa.repairs.denoise import Denoise
from edge_iqa.repairs.exposure import Exposure
from edge_iqa.repairs.refine import refine
from edge_iqa.repairs.tones import Search
from tests.edge_iqa.test_repairs import Pixels, to_light


def test_strengths_are_searched_until_the_guards_allow_them() -> None:
    """More than one stop of light costs noise: as much light as noise allows, and no more."""
    photo = np.full((40, 40, 3), 60, np.uint8)

    def score(pixels: Pixels) -> tuple[float, dict[str, float]]:
        stops = float(np.log2(to_light(pixels).mean() / to_light(photo).mean()))
        return 50 + 15 * stops, {"exposure": 50 + 15 * stops, "noise": 95 - 8 * max(0.0, stops - 1)}

    search = Search(score, Context(), score(photo), photo, ["TOO_DARK"], {})
    steps = refine(search, [Step("exposure", Exposure(2.0), 1.0)], ["exposure"])
    overall, attributes = score(apply_steps(photo, steps, Context()))
    assert overall > 50 + 12, "most of a stop at least"
    assert attributes["noise"] > 93
    assert score(Exposure(2.0).apply(photo, 1.0, Context()))[1]["noise"] < 90


def test_noise_that_light_brings_out_is_taken_out_again() -> None:
    """Here denoising alone gives the light back that its noise would cost."""
    grain = np.random.default_rng(0).normal(0, 4, (64, 64, 3))
    photo = np.clip(60 + grain, 0, 255).astype(np.uint8)

    def score(pixels: Pixels) -> tuple[float, dict[str, float]]:
        light = to_light(pixels)
        stops = float(np.log2(light.mean() / to_light(photo).mean()))
        noise = float(pixels.std()) / float(photo.std())
        return 50 + 15 * stops, {"exposure": 50 + 15 * stops, "noise": 100 - 5 * noise}

    search = Search(score, Context(), score(photo), photo, ["TOO_DARK"], {})
    steps = refine(search, [Step("exposure", Exposure(2.0), 1.0)], ["exposure"])
    assert isinstance(steps[-1].repair, Denoise)
    bare = score(apply_steps(photo, steps[:-1], Context()))
    done = score(apply_steps(photo, steps, Context()))
    assert bare[1]["noise"] < 93 < done[1]["noise"]


def test_a_denoising_that_came_first_stays_first() -> None:
    photo = np.full((40, 40, 3), 60, np.uint8)
    search = Search(lambda _: (50.0, {}), Context(), (50.0, {}), photo, ["NOISE", "TOO_DARK"], {})
    first = Step("denoise", Denoise(0.4), 0.7)
    steps = refine(search, [first, Step("exposure", Exposure(1.0), 1.0)], [])
    assert steps[0] == first
