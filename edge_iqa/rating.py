"""Pixels → the model's scores alone, without measurements or a verdict: for repairs and live frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_iqa import views
from edge_iqa.causes import Scored
from edge_iqa.frame import Frame

if TYPE_CHECKING:
    from edge_iqa.backends.base import Backend
    from edge_iqa.bundle import Bundle


class Model(Protocol):
    """What is asked of an `Inspector`: a bundle, and a backend that runs its model."""

    @property
    def bundle(self) -> Bundle:
        """Whose views are cut."""

    @property
    def backend(self) -> Backend:
        """Runs the model."""


def rate(model: Model, pixels: NDArray[np.uint8]) -> Scored:
    """Score upright pixels.

    Args:
        pixels: uint8 HxWx3, RGB.

    Raises:
        BackendError: the runtime failed, or the inspector is closed.
    """
    manifest = model.bundle.manifest
    frame = Frame(pixels, pixels.shape[1], pixels.shape[0])
    overall, *attributes = model.backend.run(views.cut(frame, manifest.views)).scores.tolist()
    return Scored(overall, dict(zip(manifest.outputs.attributes, attributes, strict=True)))
