"""What a frame is worth, 0-1, by what was done to it and by what metrics see of that. Needs torch; films do not."""

from __future__ import annotations

import torch

from compression.fidelity import Reference
from compression.footage.film import Film
from compression.labels import label
from compression.sources import SourceQuality
from compression.variants import Variant
from edge_iqa import opencv


def use_one_thread() -> None:
    """Keep the metrics and what renders to one thread: one process a core is faster."""
    torch.set_num_threads(1)
    opencv.load().setNumThreads(1)


def label_frame(film: Film, index: int) -> float:
    """Label a frame as `compression.labels` labels photos.

    Its twin (the same view, sharp, rightly lit, without noise) is the source; defocus, motion, noise and exposure
    have the severities that the truth tells. Framing has no say, but a frame without any product is worth nothing.
    """
    if film.truths[index].place.box is None:
        return 0.0
    variant = Variant(film.truths[index].list_steps())
    pixels = film.shoot(index).to_rgb()
    impairment = Reference(film.twin(index), film.outline(index)).compare(pixels).impairment
    return float(label(impairment, variant, (), SourceQuality())[0])
