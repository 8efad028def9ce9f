"""Golden cases: photos with the views and scores that they must give, so that a port can check itself."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_iqa import image, opencv, pillow, views
from edge_iqa.errors import GateError, PhotoError
from edge_iqa.frame import Frame
from edge_iqa.luma import measure_luma
from edge_iqa.manifest import Thresholds
from edge_iqa.verdict import Judgement, judge
from edge_iqa.views import ViewSpec
from export.console import track
from export.contract import ModelInfo
from export.parity import from_file

SAFETY = 3.0
"""A tolerance is so many times the largest difference measured here: other processors and other
versions of a JPEG decoder differ in ways that one machine can only sample."""

LEAST_LEVELS = 0.5
LEAST_SCORE = 0.01
"""Tolerances never go below these, however well the variants at hand agree."""

MOST_APART = 0.15
"""Model files of one bundle may differ by this much on a golden photo. What quantization costs stays
far below; two outputs that changed places do not."""

Floats = NDArray[np.floating[Any]]
Run = Callable[[NDArray[np.uint8]], Floats]


@dataclass(frozen=True, eq=False)
class GoldenCase:
    """One photo.

    Attributes:
        name: file name in the bundle's `golden/`.
        content: the encoded photo.
        frame: the photo, decoded.
        views: uint8 (V, S, S, 3).
        scores: model file → (1+A,).
    """

    name: str
    content: bytes
    frame: Frame
    views: NDArray[np.uint8]
    scores: dict[str, Floats]

    @property
    def views_name(self) -> str:
        """File name of the views: `mug.jpg` → `mug.views.png`."""
        return f"{Path(self.name).stem}.views.png"


def check_names(photos: Sequence[Path]) -> Sequence[Path]:
    """Hand on golden photos; each needs a name of its own in the bundle.

    Raises:
        GateError: no photo, or two of one name.
    """
    stems = [path.stem for path in photos]
    if not photos or len(set(stems)) != len(stems):
        raise GateError(f"golden: expected photos of different names, got {', '.join(stems) or 'none'}")
    return photos


def make_cases(photos: Sequence[Path], models: Mapping[str, bytes], spec: ViewSpec) -> list[GoldenCase]:
    """Run photos through every model, as the device would.

    Raises:
        GateError: no photo, two of one name, one that cannot be read, or models that disagree.
    """
    check_names(photos)
    runs = {name: _scores_of(from_file(name, content)) for name, content in models.items()}
    cases = []
    for path in track(sorted(photos, key=lambda path: path.name), "golden photos"):
        try:
            content = path.read_bytes()
            frame = image.read(content, long_side_px=spec.long_side_px)
        except (OSError, PhotoError) as error:
            raise GateError(f"golden: {path}: expected a photo, could not read it ({error})") from error
        cut = views.cut(frame, spec)
        case = GoldenCase(path.name, content, frame, cut, {name: run(cut) for name, run in runs.items()})
        _check_agreement(case)
        cases.append(case)
    return cases


def judge_scores(scores: Floats, frame: Frame, info: ModelInfo, thresholds: Thresholds) -> Judgement:
    """Judge a photo as the device would, from the scores (1+A,) of its views."""
    overall, *attributes = scores.tolist()
    named = dict(zip(info.attributes, attributes, strict=True))
    return judge(overall, named, measure_luma(frame), thresholds)


def encode_views(cut: NDArray[np.uint8]) -> bytes:
    """Views (V, S, S, 3) as one lossless PNG of (V*S) x S, RGB, one below the other."""
    cv2 = opencv.load()
    stacked = cut.reshape(-1, cut.shape[2], 3)[..., ::-1]
    done, encoded = cv2.imencode(".png", stacked, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise GateError("golden: OpenCV could not encode the views as PNG")
    return bytes(encoded)


def measure_tolerance(
    cases: Sequence[GoldenCase], models: Mapping[str, bytes], spec: ViewSpec
) -> dict[str, float]:
    """Find how far golden values may differ on another machine: `SAFETY` times what differs on this one.

    Each photo is decoded a second time by Pillow, whose JPEG library is another build than OpenCV's
    (views, and the scores that they lead to), and the models run a second time with the runtime's
    plain kernels instead of its fast ones, which round in other places (scores).

    Returns:
        `views_levels`, mean absolute difference in 8-bit levels; `scores`, largest absolute difference.
    """
    levels, scores = [0.0], [0.0]
    fast = {name: _scores_of(from_file(name, content)) for name, content in models.items()}
    plain = {name: open_plainly(name, content) for name, content in models.items()}
    for case in track(cases, "tolerance"):
        others = [case.views]
        if (again := _decode_again(case, spec)) is not None:
            levels.append(float(np.abs(again.astype(np.int16) - case.views).mean()))
            others.append(again)
        for name, expected in case.scores.items():
            found = [plain[name](other) for other in others] + [fast[name](other) for other in others[1:]]
            scores += [float(np.abs(each - expected).max()) for each in found]
    return {
        "views_levels": _round_up(max(LEAST_LEVELS, SAFETY * max(levels)), 1),
        "scores": _round_up(max(LEAST_SCORE, SAFETY * max(scores)), 3),
    }


def open_plainly(name: str, content: bytes) -> Run:
    """A model run by its runtime's plain kernels: no fused int8 in ONNX Runtime, no XNNPACK in LiteRT."""
    if name.endswith(".onnx"):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return lambda cut: np.asarray(session.run(["scores"], {"views": cut})[0])[0]
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner("serving_default")
    return lambda cut: np.array(runner(views=cut)["scores"][0])


def _decode_again(case: GoldenCase, spec: ViewSpec) -> NDArray[np.uint8] | None:
    """The views by way of Pillow; None where it is missing, or the device decodes at a smaller scale."""
    pil = pillow.load()
    if pil is None or case.frame.pixels.shape[:2] != (
        case.frame.source_height_px,
        case.frame.source_width_px,
    ):
        return None
    with pil.open(io.BytesIO(case.content)) as opened:
        return views.cut(image.read(opened), spec)


def _check_agreement(case: GoldenCase) -> None:
    values = np.stack(list(case.scores.values()))
    apart = float((values.max(0) - values.min(0)).max())
    if not apart <= MOST_APART:
        listed = "; ".join(f"{name} {np.round(scores, 3).tolist()}" for name, scores in case.scores.items())
        raise GateError(
            f"golden: {case.name}: expected the models to agree within {MOST_APART}, got {apart:.3f} ({listed})"
        )


def _scores_of(run: Callable[[NDArray[np.uint8]], dict[str, Any]]) -> Run:
    return lambda cut: np.asarray(run(cut)["scores"])


def _round_up(value: float, digits: int) -> float:
    return math.ceil(value * 10**digits - 1e-9) / 10**digits
