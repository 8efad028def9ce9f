"""Student → the model files: exported, compared with torch, quantized, timed.

What int8 loses is measured on validation photos against the float model; `compression.search` says which
layers stay float for it.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compression.equalize import equalize
from compression.models.device_form import DeviceForm
from compression.models.heads import QualityNet
from compression.progress import console
from compression.quantize_weights import make_variants
from compression.search import METHODS, Found, Quantizer, Trial, compare_outputs, run_all, search
from edge_iqa.manifest import RUNTIMES
from edge_iqa.timing import Recording, Timing, measure_interleaved
from export import parity
from export.contract import ModelInfo
from export.onnx import export_onnx
from export.operators import check_operators
from export.release import BOUNDS
from export.tflite import export_tflite

Views = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Artifacts:
    """What `make_artifacts` made.

    Attributes:
        files: name → content of the models.
        parity: float models against torch.
        found: per runtime, the int8 model that was taken, all that were tried, and what each layer costs.
        timings: per file, model alone, one thread, measured in turns.
        variants: per file, further variants of the float models (`compression.quantize_weights`).
    """

    files: dict[str, bytes]
    parity: parity.Parity
    found: dict[str, Found]
    timings: dict[str, Timing]
    variants: dict[str, Trial] = field(default_factory=dict)


def make_artifacts(
    student: QualityNet,
    student_sha256: str,
    calibration: Sequence[Views],
    check: Sequence[Views],
    methods: Sequence[str] = METHODS,
    also: Sequence[str] = (),
    file_mb: float = BOUNDS["file_mb"],
) -> Artifacts:
    """Export, check and quantize one student.

    Args:
        calibration: uint8 (V, S, S, 3) of training photos.
        check: the same of other photos; the float models are compared with torch on them, and the
            int8 models with the float ones.
        methods: ways to find ranges, of those the quantizers know.
        also: variants to make besides, names of `compression.quantize_weights.VARIANTS`.
        file_mb: no layer is left in float that would make an int8 file larger than this, in 10^6 bytes.

    Raises:
        GateError: a float model is not what torch is, or a model has an operator that a phone may lack.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exact = export_models(student, student_sha256, folder, "fp32")
        with _step("compare with torch"):
            compared = parity.compare(student, exact, check)
            parity.check(compared)
        with _step("even out channel ranges"):
            evened = equalize(student, calibration)
        sources = export_models(evened, student_sha256, folder, "evened")
        references = {
            runtime: run_all(f"model.fp32.{runtime}", exact[f"model.fp32.{runtime}"], check)
            for runtime in RUNTIMES
        }
        files, found = dict(exact), {}
        for runtime in RUNTIMES:
            quantizer = make_quantizer(runtime, sources[f"model.evened.{runtime}"], calibration, folder)
            fastest = partial(find_fastest, runtime, check[0])
            found[runtime] = search(
                quantizer, runtime, references[runtime], check, fastest, methods, most_bytes=file_mb * 1e6
            )
            files[f"model.int8.{runtime}"] = found[runtime].content
        variants = {}
        for file, content in _make_also(also, exact, sources).items():
            with _step(f"compare {file}"):
                _, precision, runtime = file.split(".")
                outputs = run_all(file, content, check)
                variants[file] = compare_outputs(precision, (), references[runtime], outputs)
            files[file] = content
    for name, content in files.items():
        check_operators(name, content)
    with _step("time"):
        timed = time_models(files, check[0])
    timings = {name: recording.timing for name, recording in timed.items()}
    return Artifacts(files, compared, found, timings, variants)


def _make_also(
    names: Sequence[str], exact: Mapping[str, bytes], evened: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Further variants of float models that are given by file name."""
    if not names:
        return {}
    with _step(f"also {', '.join(names)}"):
        return make_variants(
            names, *({file.rpartition(".")[2]: each[file] for file in each} for each in (exact, evened))
        )


def time_models(files: Mapping[str, bytes], views: Views, repeats: int = 30) -> dict[str, Recording]:
    """Time each model alone, one thread, taken in turns so that all see the same machine."""
    tasks: dict[str, Callable[[], object]] = {}
    for name, content in files.items():
        run = parity.from_file(name, content, threads=1)
        tasks[name] = lambda run=run: run(views)  # type: ignore[misc]
    return measure_interleaved(tasks, warmup=3, repeats=repeats)


def find_fastest(runtime: str, views: Views, contents: Sequence[bytes]) -> int:
    """Place of the model that takes the least time, measured in turns."""
    files = {f"{place}.{runtime}": content for place, content in enumerate(contents)}
    timed = time_models(files, views)
    medians = [np.median(timed[name].whole_ms) for name in files]
    return int(np.argmin(medians))


def export_models(net: QualityNet, sha256: str, folder: Path, name: str) -> dict[str, bytes]:
    """Export a model for each runtime, in the form that computes the same in fewer steps.

    Args:
        sha256: of its checkpoint, for the files' metadata.
        folder: for the files.
        name: of the variant, as in `model.NAME.onnx`.

    Returns:
        File name → content.

    Raises:
        GateError: a graph came out other than the contract.
    """
    info = ModelInfo(net.spec, net.attributes, net.embedding, sha256, net.categories)
    form = DeviceForm(net)
    files = {}
    for runtime, export in (("onnx", export_onnx), ("tflite", export_tflite)):
        with _step(f"export {name} {runtime}"):
            file = f"model.{name}.{runtime}"
            files[file] = export(form, info, folder / file).read_bytes()
    return files


def make_quantizer(runtime: str, model: bytes, calibration: Sequence[Views], folder: Path) -> Quantizer:
    """The quantizer of a runtime for one float model; `folder` takes its intermediate files."""
    # each library takes seconds to import, and `--help` needs none
    if runtime == "onnx":
        from compression.quantize_onnx import OnnxQuantizer

        return OnnxQuantizer(model, calibration, folder)
    from compression.quantize_tflite import TfliteQuantizer

    return TfliteQuantizer(model, calibration)


@contextmanager
def _step(what: str) -> Iterator[None]:
    began = time.monotonic()
    with console.status(what):
        yield
    console.print(f"{what}: {time.monotonic() - began:.1f} s")
