"""All that is measured on a photo without a model: see `edge_iqa.measurement.MEASURES` for the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_iqa.frame import Frame
from edge_iqa.mask import Mask
from edge_iqa.measurement import MEASURES, Measurement
from edge_iqa.measures.background import measure_background
from edge_iqa.measures.border import measure_border
from edge_iqa.measures.collage import measure_collage
from edge_iqa.measures.framing import Values, measure_framing
from edge_iqa.measures.light import measure_light
from edge_iqa.measures.overlay import measure_overlay
from edge_iqa.measures.resolution import measure_resolution
from edge_iqa.measures.screenshot import measure_screenshot
from edge_iqa.measures.sharpness import measure_sharpness
from edge_iqa.measures.skew import measure_skew
from edge_iqa.measures.study import Study

_VIEWING_PX = 1600


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured.

    Attributes:
        values: by name, in the order of `MEASURES`; what could not be measured is missing.
        mask: the product's outline.
    """

    values: Mapping[str, Measurement]
    mask: Mask


def measure(frame: Frame, file_bytes: int | None = None, viewing_px: int = _VIEWING_PX) -> Measurements:
    """Measure one photo.

    Args:
        frame: the photo.
        file_bytes: size of its file, where there is one.
        viewing_px: long side at viewing scale, in whose pixels blur is told.
    """
    study = Study.of(frame)
    found = {
        **_measure_file(frame, file_bytes),
        **measure_framing(study),
        **measure_skew(study),
        **measure_light(study),
        **measure_sharpness(study, viewing_px),
        **measure_resolution(study),
        **measure_background(study),
        **_measure_added(study),
    }
    values = {
        name: Measurement(found[name][0], entry.unit, found[name][1])
        for name, entry in MEASURES.items()
        if name in found
    }
    return Measurements(values, study.mask)


def _measure_added(study: Study) -> Values:
    """What was added to the photo. The bars of a screen are neither frame nor panels."""
    screen = measure_screenshot(study)
    if screen["screenshot"][0] > 0:
        return screen
    border = measure_border(study)
    return {**screen, **border, **measure_collage(study, border["border"][1]), **measure_overlay(study)}


def _measure_file(frame: Frame, file_bytes: int | None) -> dict[str, tuple[float, None]]:
    width, height = frame.source_width_px, frame.source_height_px
    known: dict[str, float] = {
        "width_px": width,
        "height_px": height,
        "long_side_px": max(width, height),
        "short_side_px": min(width, height),
        "pixels": width * height,
        "aspect_ratio": width / height,
    }
    if file_bytes is not None:
        known["file_bytes"] = file_bytes
    return {name: (float(value), None) for name, value in known.items()}
