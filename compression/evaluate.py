"""Judge a model on samples: against labels, against another model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compression.batches import evaluation_batches
from compression.labels import Sample
from compression.metrics import srcc
from compression.models.heads import Outputs, QualityNet
from compression.models.server import ServerTeacher
from compression.processes import pick_device
from compression.training import Scores, run_backbone
from edge_iqa import views
from edge_iqa.frame import Frame

Floats = NDArray[np.floating[Any]]


def place(net: QualityNet | ServerTeacher) -> QualityNet | ServerTeacher:
    """Move a net to the GPU where torch finds one, in float32 to the last bit there too: it is what others are
    judged by."""
    torch.backends.cudnn.allow_tf32 = False  # on by default, and moves scores as bfloat16 does
    return net.to(pick_device())


def predict(
    net: QualityNet | ServerTeacher,
    samples: Sequence[Sample],
    judge: Callable[[Tensor], Outputs] | None = None,
) -> Floats:
    """Scores (n, 1+A) of samples, views placed as on the device.

    Args:
        judge: gives the net's answers in its place, from what is kept of them.
    """
    net.eval()
    device = next(net.parameters()).device
    judge = judge or (lambda views: net.judge(run_backbone(net, views)))
    with torch.inference_mode():
        batches = evaluation_batches(samples, net.spec)
        scores = [judge(batch.views.to(device)).scores.cpu() for batch in batches]
    return torch.cat(scores).numpy()


def judge_pixels(net: QualityNet | ServerTeacher, pixels: NDArray[np.uint8]) -> Floats:
    """Scores (1+A,) of one photo (uint8 HxWx3, RGB), views placed as on the device."""
    net.eval()
    cut = views.cut(Frame(pixels, pixels.shape[1], pixels.shape[0]), net.spec)
    with torch.inference_mode():
        return net.judge(run_backbone(net, torch.from_numpy(cut)[None])).scores[0].numpy()


def use_one_thread() -> None:
    """Let torch compute on one thread: whoever runs a process a core already gains nothing by more."""
    torch.set_num_threads(1)


def compare_with_labels(scores: Floats, samples: Sequence[Sample]) -> Scores:
    """SRCC with the labels over all samples, mean absolute error, and the share of pairs in order.

    `pair_order` counts pairs of one photo, clean against spoiled by a severity of at least 0.15;
    `across_order` pairs of two photos whose labels lie at least 0.3 apart. Ties are out of order.
    """
    targets = np.stack([sample.target for sample in samples])
    overall, truth = scores[:, 0], targets[:, 0]
    photos = np.array([sample.photo for sample in samples])
    pairs = clean_and_spoiled(samples)
    apart = (truth[:, None] - truth[None] >= 0.3) & (photos[:, None] != photos[None])
    agreement = srcc(overall, truth)
    return {
        "objective": agreement,
        "srcc_labels": agreement,
        "pair_order": _share([overall[clean] > overall[spoiled] for clean, spoiled in pairs]),
        "across_order": _share((overall[:, None] > overall[None])[apart]),
        "mae": float(np.abs(scores - targets).mean()),
    }


def clean_and_spoiled(samples: Sequence[Sample], severity: float = 0.15) -> list[tuple[int, int]]:
    """Places of each rendering spoiled by at least `severity`, after that of the clean copy before it."""
    clean, pairs = 0, []
    for at, sample in enumerate(samples):
        if not sample.variant.steps:
            clean = at
        elif sample.variant.severity >= severity:
            pairs.append((clean, at))
    return pairs


def compare_with_teacher(scores: Floats, teacher: Floats) -> Scores:
    """SRCC of the overall scores with the teacher's, and the mean absolute difference of all scores."""
    agreement = srcc(scores[:, 0], teacher[:, 0])
    return {
        "objective": agreement,
        "srcc_teacher": agreement,
        "mae_teacher": float(np.abs(scores[:, : teacher.shape[1]] - teacher).mean()),
    }


def _share(held: Sequence[bool] | NDArray[np.bool_]) -> float:
    """Share of true values; 0 where there is nothing to count, as too few photos may give."""
    return float(np.mean(held)) if len(held) else 0.0
