"""Networks → model files, for both runtimes, in float and int8; then their times, in turn, on one thread."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.progress import Progress
from compression.artifacts import export_models, make_quantizer
from compression.models.others import NETWORKS, Network
from compression.progress import console
from edge_iqa import backends, timing
from edge_iqa.bundle import Bundle
from edge_iqa.files import write_bytes
from edge_iqa.manifest import RUNTIMES
from export import parity
from export.layers import Layer, list_onnx, list_tflite

PRECISIONS = ("fp32", "int8")
WARMUP = 3


@dataclass(frozen=True)
class File:
    """A model file to time.

    Attributes:
        name, family: of the network.
        seen: uint8 (V, S, S, 3), views to run it on.
    """

    name: str
    family: str
    runtime: str
    precision: str
    content: bytes
    seen: NDArray[np.uint8]

    @property
    def key(self) -> str:
        return f"{self.name} {self.runtime} {self.precision}"

    def list_layers(self, as_run: bool = True) -> Sequence[Layer]:
        """Layers as the runtime runs them on this processor; else as the model has them, on any."""
        if self.runtime == "tflite":
            return list_tflite(self.content)
        return [*list_onnx(self.content, self.seen, padded=as_run).values()]


def make_files(network: Network, folder: Path) -> list[File]:
    """Model files of a network, those made before taken from `folder`.

    Raises:
        GateError: the export refuses it.
    """
    spec = network.spec
    seen = np.random.default_rng(0).integers(0, 256, spec.shape, np.uint8)
    versions = hashlib.sha256(repr((network, sorted(backends.available().items()))).encode()).hexdigest()[:8]
    paths = {
        (runtime, precision): folder / f"{network.name.replace(' ', '-')}-{versions}.{precision}.{runtime}"
        for runtime in RUNTIMES
        for precision in PRECISIONS
    }
    if not all(path.is_file() for path in paths.values()):
        console.print(f"exporting {network.name}")
        for key, content in _export(network, seen).items():
            write_bytes(paths[key], content)
    return [File(network.name, network.family, *key, path.read_bytes(), seen) for key, path in paths.items()]


def read_files(bundle: Bundle) -> list[File]:
    """Model files of a bundle, of the family that their student is of: prices fitted on it would know too much."""
    seen = np.random.default_rng(0).integers(0, 256, bundle.manifest.views.shape, np.uint8)
    return [
        File(
            bundle.label, _find_family(bundle), entry.runtime, entry.precision, bundle.read(entry.path), seen
        )
        for entry in bundle.models
        if entry.runtime in RUNTIMES and entry.precision is not None
    ]


def _find_family(bundle: Bundle) -> str:
    """Family of the network that a bundle's student is, of those that prices are fitted on; else its own.

    The recipe is what a bundle says of itself; one that says nothing is a family by itself.
    """
    student = bundle.manifest.lineage.recipe.get("student", {})
    architecture = student.get("architecture") if isinstance(student, Mapping) else None
    return next((each.family for each in NETWORKS if each.architecture == architecture), bundle.label)


def time_files(files: Sequence[File], repeats: int, clock: Callable[[], int]) -> Mapping[str, timing.Timing]:
    """Percentiles of one run of each file, by its key; all take turns."""
    tasks: dict[str, Callable[[], object]] = {}
    for file in files:
        model = parity.from_file(f"model.{file.precision}.{file.runtime}", file.content, threads=1)
        tasks[file.key] = lambda model=model, seen=file.seen: model(seen)  # type: ignore[misc]
    progress = Progress("simulate", WARMUP + repeats)
    recorded = timing.measure_interleaved(
        tasks, warmup=WARMUP, repeats=repeats, on_round=progress.on_round, clock=clock
    )
    return {key: each.timing for key, each in recorded.items()}


def _export(network: Network, seen: NDArray[np.uint8]) -> dict[tuple[str, str], bytes]:
    """Runtime and precision → content; int8 throughout, its ranges from noise: they do not change the time."""
    made = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        floats = export_models(network.build(), "", folder, "fp32")
        for runtime in RUNTIMES:
            content = floats[f"model.fp32.{runtime}"]
            made[runtime, "fp32"] = content
            made[runtime, "int8"] = make_quantizer(runtime, content, [seen], folder).quantize("min_max")
    return made
