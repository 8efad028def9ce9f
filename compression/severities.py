"""Are severities even? `python -m compression.severities --data photos.csv`

Equal steps of severity should move the label by equal amounts, for every fault alike. This measures
the mean label and what the metrics see (impairment) at six severities on photos of `val`, and draws
both. The knots in `compression.degradations` were chosen by it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from compression.command import positive, run_command
from compression.data import Photo, hash_file, hash_photos, read_photos, select
from compression.degradations import FAULTS, degrade
from compression.fidelity import Reference
from compression.labels import label
from compression.models import ATTRIBUTES
from compression.progress import console, track
from compression.sources import assess
from compression.variants import FULL_PX, Variant
from edge_iqa import image, opencv
from edge_iqa.backends.base import cores
from edge_iqa.files import write_json

SEVERITIES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.severities",
        description="Measure and draw how labels fall with severity, fault by fault.",
    )
    parser.add_argument("--data", type=Path, required=True, help="CSV with a split `val`, or a folder")
    parser.add_argument("--limit", type=positive, default=32, help="photos; default: %(default)s")
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: %(default)s")
    return run_command(measure_severities, parser.parse_args(argv))


def measure_severities(options: argparse.Namespace) -> None:
    """Measure, write severities.json and severities.png, say how even each fault is."""
    photos = select(read_photos(options.data), "val", options.limit)
    with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
        values = np.stack(list(track(pool.map(_measure_one, photos), len(photos), "photos")))
    found = {name: summarize(values[:, index]) for index, name in enumerate(FAULTS)}
    about = {"severities": SEVERITIES, "photos": len(photos), "data_sha256": hash_photos(photos)}
    path = write_json(options.out / "severities.json", {**about, "faults": found})
    plot(options.out / "severities.png", found)
    for name, each in found.items():
        console.print(
            f"{name:16s} label {' '.join(f'{value:.2f}' for value in each['label'])}  {each['even']:.3f}"
        )
    console.print(
        f"last column: R2 of a straight line through the mean labels\nwrote {path} and severities.png"
    )


def summarize(values: np.ndarray) -> dict[str, Any]:
    """Mean label and impairment by severity, and how straight the labels fall.

    Args:
        values: (photos, severities, 2), label and impairment.
    """
    label_means, seen = values.mean(0).T
    line = np.polyval(np.polyfit(SEVERITIES, label_means, 1), SEVERITIES)
    rest = float(np.square(label_means - line).sum() / np.square(label_means - label_means.mean()).sum())
    return {
        "label": label_means.round(4).tolist(),
        "label_deviation": values[..., 0].std(0).round(4).tolist(),
        "impairment": seen.round(4).tolist(),
        "even": round(1 - rest, 4),
    }


def plot(path: Path, found: dict[str, Any]) -> Path:
    """One small diagram a fault: label and impairment over severity."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 6), layout="constrained")
    axes = figure.subplots(3, 6, sharex=True, sharey=True).ravel()
    for axis, (name, each) in zip(axes, found.items(), strict=True):
        means, spread = np.array(each["label"]), np.array(each["label_deviation"])
        axis.fill_between(SEVERITIES, means - spread, means + spread, alpha=0.2)
        axis.plot(SEVERITIES, means, marker="o", markersize=3, label="label")
        axis.plot(SEVERITIES, 1 - np.array(each["impairment"]), color="0.6", label="1 - impairment")
        axis.set(title=f"{name}  R² {each['even']:.3f}", ylim=(0, 1.02))
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=7)
    figure.supxlabel("severity")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _measure_one(photo: Photo) -> np.ndarray:
    """Label and impairment (faults, severities, 2) of one photo."""
    torch.set_num_threads(1)
    opencv.load().setNumThreads(1)
    pixels = image.read(photo.path, long_side_px=FULL_PX).pixels
    reference, source = Reference(pixels), assess(pixels)
    seed = int(hash_file(photo.path)[:16], 16)
    return np.array(
        [[_measure_step(pixels, reference, source, (name, s), seed) for s in SEVERITIES] for name in FAULTS]
    )


def _measure_step(
    pixels: np.ndarray, reference: Reference, source: Any, step: tuple[str, float], seed: int
) -> Sequence[float]:
    encoded = degrade(pixels, [step], np.random.default_rng(seed))
    seen = reference.compare(image.read(encoded, long_side_px=FULL_PX).pixels).impairment
    return float(label(seen, Variant((step,)), ATTRIBUTES, source)[0]), seen


if __name__ == "__main__":
    raise SystemExit(main())
