"""What is measured on a live frame: those measurements of a photo that tell what to do with the phone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.camera.placement import Placement, find_placement
from edge_iqa.frame import Frame
from edge_iqa.measurement import Box
from edge_iqa.measures.framing import measure_framing
from edge_iqa.measures.light import BURNT, measure_light
from edge_iqa.measures.sharpness import find_detail, measure_width
from edge_iqa.measures.study import Study
from edge_iqa.stream.buffer import Buffer

SMALL_PX = 256
"""Longer side of the copy that outlines and light are measured on: that of `edge_iqa.mask`."""

_DETAIL_PX = 256
"""Side of the part whose edges are measured, in pixels of the frame."""

_HIGHLIGHT = 0.98


@dataclass(frozen=True)
class Look:
    """One frame, measured.

    Attributes:
        product: chance that the product's place is right, 0 to 1; 0 where nothing stands out.
        fill, cut_off: as in `edge_iqa.measurement.MEASURES`; None where the product's place is not known.
        box: of the product; None likewise.
        placement: the same, and whether there is a product, from a net that needs no outline.
        brightness: median L* of the product, of all of the frame where nothing stands out.
        clipped: share of it that is burnt out to white.
        highlight: level, 0 to 1, that the brightest fiftieth of the frame reaches.
        burnt: share of the frame that is burnt out to white.
        blur_px: width of the sharpest edges at viewing scale; None where there is no edge.
    """

    product: float
    fill: float | None
    cut_off: float | None
    box: Box | None
    placement: Placement
    brightness: float
    clipped: float
    highlight: float
    burnt: float
    blur_px: float | None


def look(buffer: Buffer, small: NDArray[np.uint8], viewing_px: int) -> Look:
    """Measure one frame.

    Args:
        buffer: the frame, whose luma is looked at in its own pixels.
        small: uint8 (h, w, 3), RGB, its upright copy, the longer side `SMALL_PX`.
        viewing_px: long side at viewing scale, in whose pixels blur is told.
    """
    width, height = buffer.upright_size
    study = Study.of(Frame(small, width, height))
    framing, light = measure_framing(study), measure_light(study)
    place = framing["product"]
    fill, cut = framing.get("fill"), framing.get("cut_off")
    return Look(
        product=study.mask.place,
        fill=fill[0] if fill else None,
        cut_off=cut[0] if cut else None,
        box=place[1] if fill else None,
        placement=find_placement(study.lab),
        brightness=light["brightness"][0],
        clipped=light["clipped_bright"][0],
        highlight=_find_highlight(study),
        burnt=float((study.lowest >= BURNT).mean()),
        blur_px=_measure_blur(buffer, study, viewing_px),
    )


def _find_highlight(study: Study) -> float:
    luma = opencv.load().cvtColor(study.small, opencv.load().COLOR_RGB2GRAY)
    counts = opencv.load().calcHist([luma], [0], None, [256], [0, 256]).ravel()
    return int(np.searchsorted(np.cumsum(counts), _HIGHLIGHT * luma.size)) / 255


def _measure_blur(buffer: Buffer, study: Study, viewing_px: int) -> float | None:
    width, height = buffer.upright_size
    top, left, rows, columns = _to_stored(buffer, find_detail(study, (height, width), _DETAIL_PX))
    crop = buffer.luma(slice(top, top + rows), slice(left, left + columns)).astype(np.float32)
    found = measure_width(crop)
    return None if found is None else found * min(1.0, viewing_px / max(width, height))


def _to_stored(buffer: Buffer, place: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Top, left, height and width of an upright part, where the camera stored it."""
    top, left, rows, columns = place
    width, height = buffer.width_px, buffer.height_px
    return {
        0: (top, left, rows, columns),
        90: (height - left - columns, top, columns, rows),
        180: (height - top - rows, width - left - columns, rows, columns),
        270: (left, width - top - rows, columns, rows),
    }[buffer.rotation_deg]
