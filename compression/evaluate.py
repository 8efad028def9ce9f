"""Judge a model on samples: against labels, against another model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compression.batches import evaluation_batches
from compression.labels import Sample
from compression.metrics import srcc
from compression.models.heads import QualityNet
from compression.training import Scores, run_backbone

Floats = NDArray[np.floating[Any]]


def predict(net: QualityNet, samples: Sequence[Sample]) -> tuple[Floats, Floats]:
    """Scores (n, 1+A) and embeddings (n, D) of samples, views placed as on the device."""
    net.eval()
    device = next(net.parameters()).device
    scores, embeddings = [], []
    with torch.inference_mode():
        for batch in evaluation_batches(samples, net.spec):
            out = net.judge(run_backbone(net, batch.views.to(device)))
            scores.append(out[0].cpu())
            embeddings.append(out[1].cpu())
    return torch.cat(scores).numpy(), torch.cat(embeddings).numpy()


def compare_with_labels(scores: Floats, samples: Sequence[Sample]) -> Scores:
    """SRCC with the labels over all samples, mean absolute error, and the share of pairs in order.

    A pair is a clean rendering and a spoiled one of the same photo; ties count as out of order.
    """
    targets = np.stack([sample.target for sample in samples])
    agreement = srcc(scores[:, 0], targets[:, 0])
    by_sample = list(zip(samples, scores[:, 0], strict=True))
    clean = {sample.photo: score for sample, score in by_sample if sample.variant.fault is None}
    pairs = [clean[sample.photo] > score for sample, score in by_sample if sample.variant.fault]
    return {
        "objective": agreement,
        "srcc_labels": agreement,
        "pair_order": float(np.mean(pairs)),
        "mae": float(np.abs(scores - targets).mean()),
    }


def compare_with_teacher(scores: Floats, teacher: Floats) -> Scores:
    """SRCC of the overall scores with the teacher's, and the mean absolute difference of all scores."""
    agreement = srcc(scores[:, 0], teacher[:, 0])
    return {
        "objective": agreement,
        "srcc_teacher": agreement,
        "mae_teacher": float(np.abs(scores - teacher).mean()),
    }
