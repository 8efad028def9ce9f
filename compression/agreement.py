"""Two models on the same photos: student and teacher, int8 and float, ONNX and TFLite, files and torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compression.bounds import Gate, hold
from compression.data import ACCEPT_LABEL, REJECT_LABEL
from compression.labels import Sample
from compression.metrics import Estimate, bootstrap, estimate_share, estimate_srcc, srcc
from compression.models.heads import QualityNet
from compression.progress import track
from compression.scoring import Split
from edge_iqa import image, views
from edge_iqa.errors import GateError
from edge_iqa.manifest import RUNTIMES
from export import parity
from export.report import MODEL_NAME

Floats = NDArray[np.floating[Any]]

STUDENT = "model.fp32.onnx"
"""The file that stands for the student where it is compared with its teacher."""

_ACCEPT = 2
_PARITY = "fp32 ONNX and TFLite vs torch"
_PARITY_SAMPLES = 96
"""At most so many; a break of the graph shows on each, and torch is slow."""


def agreement_gates(test: Split, bounds: Mapping[str, float]) -> list[Gate]:
    """Student against teacher, and both against the labels."""
    student, teacher = test.scores[STUDENT][:, 0], test.scores["teacher"][:, 0]
    labels = test.labels

    def label_ratio(index: NDArray[np.intp]) -> float:
        return srcc(student[index], labels[index]) / max(1e-6, srcc(teacher[index], labels[index]))

    everything = np.arange(len(labels))
    low, high = bootstrap(label_ratio, test.groups, 0)
    against_labels = Estimate(label_ratio(everything), low, high, len(labels))
    agreement = estimate_srcc(student, teacher, test.groups)
    return [
        hold("student vs teacher, SRCC", agreement, "student_teacher_srcc", bounds),
        hold("student / teacher, SRCC against labels", against_labels, "student_teacher_label_ratio", bounds),
    ]


def reduced_gates(test: Split, thresholds: Mapping[str, Any], bounds: Mapping[str, float]) -> list[Gate]:
    """What int8, and any other precision there is, costs against float of the same runtime.

    A flip is from accept to anything else, or back, among photos that are clearly good or clearly bad: what the
    seller is told to do. Review against retake is a matter of `runtimes_gate`.
    """
    gates = []
    counted = (test.labels >= ACCEPT_LABEL) | (test.labels <= REJECT_LABEL)
    groups = [test.groups[at] for at in np.flatnonzero(counted)]
    for name, small in test.scores.items():
        match = MODEL_NAME.fullmatch(name)
        if not match or match[1] == "fp32":
            continue
        exact = test.scores[f"model.fp32.{match[2]}"]
        flips = (_judge(exact, thresholds) == _ACCEPT) != (_judge(small, thresholds) == _ACCEPT)
        what = f"{match[1]} vs fp32 ({match[2]})"
        agreement = estimate_srcc(exact[:, 0], small[:, 0], test.groups)
        gap = _estimate_p99(np.abs(exact - small).max(1), test.groups)
        flipped = estimate_share(flips[counted], groups)
        gates += [
            hold(f"{what}, SRCC", agreement, "int8_srcc", bounds),
            hold(f"{what}, p99 of the difference", gap, "int8_p99", bounds),
            hold(f"{what}, verdict flips of clear photos", flipped, "int8_flips", bounds),
        ]
    return gates


def runtimes_gate(
    test: Split, in_use: Mapping[str, str], thresholds: Mapping[str, Any], bounds: Mapping[str, float]
) -> Gate:
    """Share of all photos, unclear ones too, that get one verdict from both files in use: accept, review or retake.

    Args:
        in_use: runtime → file.
    """
    one, two = (_judge(test.scores[in_use[runtime]], thresholds) for runtime in RUNTIMES)
    return hold(
        "same verdict through ONNX and TFLite, files in use",
        estimate_share(one == two, test.groups),
        "runtimes_agree",
        bounds,
    )


def parity_gate(
    student: QualityNet, files: Mapping[str, bytes], samples: Sequence[Sample], bounds: Mapping[str, float]
) -> Gate:
    """The largest difference of any output of float ONNX and TFLite from torch, on some of the samples.

    The export compared them too, but its report knows nothing of what happened to checkpoint or files
    since, and nothing of these photos.

    Raises:
        GateError: a file has other outputs than torch, or ones that are no numbers.
    """
    chosen = samples[:: math.ceil(len(samples) / _PARITY_SAMPLES)]
    exact = {name: files[name] for name in (f"model.fp32.{runtime}" for runtime in RUNTIMES)}
    read = (
        image.read(sample.path, long_side_px=student.spec.long_side_px)
        for sample in track(chosen, len(chosen), "torch beside float files")
    )
    compared = parity.compare(
        student, exact, (views.cut(frame, student.spec) for frame in read), bounds["parity"]
    )
    worst = float(np.max([each.worst for each in compared.differences]))  # unlike max, shows NaN
    if not np.isfinite(worst):
        raise GateError(
            f"{_PARITY}: expected numbers from every output, got {worst}; export the student again"
        )
    return hold(_PARITY, Estimate(worst, worst, worst, compared.n), "parity", bounds)


def _judge(scores: Floats, thresholds: Mapping[str, Any]) -> NDArray[np.intp]:
    """Verdicts (n,): 0 retake, 1 review, 2 accept (`_ACCEPT`)."""
    return np.digitize(scores[:, 0], (thresholds["reject"], thresholds["accept"]))


def _estimate_p99(gap: Floats, groups: Sequence[str]) -> Estimate:
    low, high = bootstrap(lambda index: float(np.quantile(gap[index], 0.99)), groups, 0)
    return Estimate(float(np.quantile(gap, 0.99)), low, high, len(gap))
