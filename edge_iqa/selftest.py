"""Does this machine get from a golden photo what the machine that packed the bundle got?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge_iqa import image, views
from edge_iqa.backends.base import Backend, Outputs
from edge_iqa.bundle import Bundle
from edge_iqa.errors import BundleError, PhotoError
from edge_iqa.frame import Frame
from edge_iqa.manifest import Golden, Manifest
from edge_iqa.report import Verdict
from edge_iqa.verdict import Judgement


@dataclass(frozen=True)
class GoldenResult:
    """How one golden photo came out.

    Attributes:
        photo: its path in the bundle.
        views_difference: mean absolute difference of the views, in 8-bit levels.
        scores_difference: largest absolute difference of a score, on the 0-1 scale.
        verdict: the verdict here.
        expected: the verdict in the manifest.
        passed: both differences are within the bundle's tolerance, and the verdict is the expected
            one or the score so near to a bound that the tolerance allows for either.
    """

    photo: str
    views_difference: float
    scores_difference: float
    verdict: Verdict
    expected: Verdict
    passed: bool


def check_golden(
    bundle: Bundle, golden: Golden, backend: Backend, judge: Callable[[Frame, Outputs], Judgement]
) -> GoldenResult:
    """Run one golden photo from its encoded bytes to its verdict.

    Args:
        bundle: where it comes from.
        golden: the photo, and what is expected of it.
        backend: has the bundle's model in use loaded.
        judge: frame and outputs → verdict.

    Raises:
        BundleError: a golden file was altered, or is no image.
        BackendError: the runtime failed.
    """
    manifest = bundle.manifest
    frame = _read_image(bundle, golden.photo)
    cut = views.cut(frame, manifest.views)
    stacked = _read_image(bundle, golden.views).pixels
    if stacked.size != cut.size:
        raise BundleError(
            f"{golden.views}: expected views of shape {cut.shape}, got an image {stacked.shape}"
        )
    outputs = backend.run(cut)
    expected = golden.scores[manifest.in_use[backend.name]]
    views_difference = float(np.abs(cut.astype(np.int16) - stacked.reshape(cut.shape)).mean())
    scores_difference = float(np.abs(outputs.scores - np.array(expected, np.float32)).max())
    judgement = judge(frame, outputs)
    return GoldenResult(
        photo=golden.photo,
        views_difference=views_difference,
        scores_difference=scores_difference,
        verdict=judgement.verdict,
        expected=golden.verdict,
        passed=views_difference <= manifest.tolerance.views_levels
        and scores_difference <= manifest.tolerance.scores
        and (judgement.verdict is golden.verdict or _is_near_bound(judgement.overall, manifest)),
    )


def _is_near_bound(overall: float, manifest: Manifest) -> bool:
    bounds = (manifest.thresholds.accept, manifest.thresholds.reject)
    return any(abs(overall - bound) <= manifest.tolerance.scores for bound in bounds)


def _read_image(bundle: Bundle, path: str) -> Frame:
    data = bundle.read(path)
    try:
        return image.read(data, long_side_px=bundle.manifest.views.long_side_px)
    except PhotoError as error:
        raise BundleError(f"{bundle.path / path}: the golden photo cannot be read: {error}") from error
