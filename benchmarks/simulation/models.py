"""Model files of a bundle → their layers, read from the files by the runtimes that are installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.simulation.bound import SimulationError
from edge_iqa import backends
from edge_iqa.bundle import Bundle
from edge_iqa.manifest import FileEntry
from export.layers import Layer, list_layers, list_onnx


@dataclass(frozen=True)
class Model:
    """A model file and what it has to do.

    Attributes:
        backend: as a user names it, `litert` or `onnx`.
        entry: in the manifest.
        layers: in the order they run, as the file has them.
        here: the same as the runtime runs them on this processor.
    """

    backend: str
    entry: FileEntry
    layers: Sequence[Layer]
    here: Sequence[Layer]

    @property
    def name(self) -> str:
        """Such as `onnx int8`."""
        return f"{self.backend} {self.entry.precision}"


def read_models(bundle: Bundle, backend: str | None = None) -> tuple[list[Model], list[str]]:
    """Layers of each model file.

    Args:
        backend: only this one; None takes all.

    Returns:
        The models; what could not be read, and why.

    Raises:
        SimulationError: none could be read.
    """
    blank = np.zeros(
        bundle.manifest.views.shape, np.uint8
    )  # how long a model takes does not depend on the photo
    models, unread = [], []
    for entry in sorted(bundle.models, key=lambda each: (each.runtime or "", each.precision or "")):
        name = backends.NAMES.get(entry.runtime or "")
        if name is None or backend not in (None, name):
            continue
        try:
            content = bundle.read(entry.path)
            layers = list_layers(entry.path, content, blank)
            here = layers if entry.runtime == "tflite" else [*list_onnx(content, blank).values()]
            models.append(Model(name, entry, layers, here))
        except ImportError as error:
            needed = "ai-edge-litert" if entry.runtime == "tflite" else "onnxruntime"
            unread.append(
                f"{entry.path}: reading its layers needs {needed} ({error}); run `pip install {needed}`"
            )
    if not models:
        raise SimulationError(
            "; ".join(unread) or f"{bundle.label}: expected a model file of {backend}, found none"
        )
    return models, unread
