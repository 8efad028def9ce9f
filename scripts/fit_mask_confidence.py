"""Fit `_BIAS` and `_WEIGHTS` of edge_iqa/mask_confidence.py to drawn scenes, and print them.

    python scripts/fit_mask_confidence.py --scenes 1500

Scenes of seeds from 100,000 on; held-out ones (from 1,000,000 on) are left to the bench.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.optimize import minimize

from compression import scenes
from edge_iqa import mask, mask_confidence, opencv

FIRST_SEED = 100_000
GOOD = 0.9
"""Share of the union that a mask must have in common with the true outline to count as right."""

_SIZES = ((480, 640), (640, 480), (600, 600), (768, 1024))
_RIDGE = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=1500, help="default: %(default)s")
    pairs = [describe_scene(FIRST_SEED + index) for index in range(parser.parse_args().scenes)]
    found = [pair for pair in pairs if pair is not None]
    logs = np.log(np.maximum([properties for properties, _ in found], 1e-3))
    good = np.array([iou >= GOOD for _, iou in found])
    center, spread = logs.mean(0), logs.std(0) + 1e-6
    standard = np.clip((logs - center) / spread, -3, 3)
    weights = fit(np.hstack([np.ones((len(good), 1)), standard, standard**2]), good)
    count = len(mask_confidence.PROPERTIES)
    print(f"# {len(good)} scenes, {good.mean():.3f} of them right")
    print(f"_BIAS = {weights[0]:.4f}")
    for index, name in enumerate(mask_confidence.PROPERTIES):
        row = center[index], spread[index], weights[1 + index], weights[1 + count + index]
        print(f'    "{name}": ({", ".join(f"{value:.4f}" for value in row)}),')


def describe_scene(seed: int) -> tuple[tuple[float, ...], float] | None:
    """Properties of the mask found in one scene, and how much of the union is right; None where it is empty."""
    height, width = _SIZES[seed % len(_SIZES)]
    scene = scenes.draw(seed, height, width)
    traced = mask.trace(mask.shrink(scene.pixels))
    if not traced.product.any():
        return None
    return traced.describe(), measure_iou(traced.product, scene.mask)


def measure_iou(product: np.ndarray, truth: np.ndarray) -> float:
    """Share of the union of both outlines that they have in common, at the size of the true one."""
    cv2 = opencv.load()
    flags = product.astype(np.uint8) * 255
    grown = cv2.resize(flags, truth.shape[::-1], interpolation=cv2.INTER_LINEAR) > 127
    real = truth > 127
    return float((grown & real).sum() / max(1, (grown | real).sum()))


def fit(terms: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Logistic regression with a ridge on all but the first weight."""
    ridge = _RIDGE * np.r_[0.0, np.ones(terms.shape[1] - 1)]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total = terms @ weights
        value = np.logaddexp(0, -total * (2 * good - 1)).sum() + ridge @ weights**2 / 2
        return value, terms.T @ (1 / (1 + np.exp(-total)) - good) + ridge * weights

    return minimize(loss, np.zeros(terms.shape[1]), jac=True).x


if __name__ == "__main__":
    main()
