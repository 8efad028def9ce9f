"""Does the model know when it is wrong? `python benchmarks/confidence.py --data photos.csv`

Photos of the `test` split and scenes made from them, spoiled by every fault as in `benchmarks.accuracy`, are scored
from their encoded bytes. The calibration of the bundle, fitted on `val`, says how sure each verdict is: how far that is
from how often it is right, and how many errors are left where the least sure are left to others. Writes
`confidence-RUNTIME.json` and a plot.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.accuracy import show
from benchmarks.figures import Figure
from benchmarks.renderings import Work
from benchmarks.scoring import Device, Row, describe, score, score_all
from compression.command import run_command, share
from compression.confidence import tell_truth
from compression.data import hash_photos, read_photos, select
from compression.dataset import CACHE, add_scenes, label_photos
from compression.metrics import estimate_share
from compression.models import ATTRIBUTES
from compression.progress import console
from compression.reliability import (
    bin_confidences,
    estimate_calibration_error,
    estimate_selective,
    risk_coverage,
)
from edge_iqa import machine
from edge_iqa.bundle import Bundle
from edge_iqa.calibration import Calibration, Curve
from edge_iqa.errors import DataError
from edge_iqa.files import write_json

RESULTS = Path(__file__).parent / "results"
_SCENES = 80
_COVERAGE = 0.9
_COVERAGES = [round(0.01 * step, 2) for step in range(5, 101)]
Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]


def main(argv: list[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        description="Measure on held-out photos and scenes how well a bundle knows when it is wrong. "
        "About 10 minutes on two cores, where benchmarks/accuracy.py has left its renderings in the cache."
    )
    parser.add_argument("--data", type=Path, required=True, help="CSV with a split `test`, or a folder")
    parser.add_argument("--bundle", type=Path, help="default: the one in the package")
    parser.add_argument("--backend", choices=("onnx", "litert"), help="default: what the device would choose")
    parser.add_argument(
        "--share", type=share, default=1.0, help="of the photos and scenes, to look quickly; default: all"
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: %(default)s")
    return run_command(bench, parser.parse_args(argv))


@dataclass(frozen=True, eq=False)
class Told:
    """What was said of photos whose truth counts, and whether it was right.

    Attributes:
        confidence: (n,) that the side of the verdict, good or not, is the true one, 0-1.
        right: (n,) whether it is.
        groups: of each photo.
    """

    confidence: Floats
    right: Flags
    groups: list[str]


def bench(options: argparse.Namespace) -> None:
    """Score everything, write the result, print the table."""
    device = Device(options.bundle, options.backend)
    about, calibration = describe(device), read_calibration(options.bundle)
    photos = select(read_photos(options.data), "test")
    photos = select(photos, "test", max(1, round(len(photos) * options.share)))
    if not photos:
        raise DataError(f"{options.data}: no photo in split 'test'; give more photos, or a `split` column")
    scenes = add_scenes(photos, "test", max(3, round(_SCENES * options.share)), options.cache)
    everything = [*photos, *scenes]
    samples = label_photos(everything, ATTRIBUTES, options.cache, about["categories"], every_fault=True)
    work = [Work(photo, each, "") for photo, each in zip(everything, samples, strict=True) if each]
    rows = score_all(device, score_labelled, work, "renderings")
    told = judge_sides(rows, calibration.overall, about["thresholds"]["accept"])
    found = [*measure(told), *measure_attributes(rows, calibration), *measure_verdicts(rows)]
    wrong = ~told.right
    result = {
        "what": "how well the bundle in use knows on test photos and scenes when it is wrong, from encoded bytes",
        **about,
        "calibration": asdict(calibration),
        "data": options.data.name,
        "data_sha256": hash_photos(photos),
        "share": options.share,
        "photos": len(photos),
        "groups": len({photo.group for photo in photos}),
        "scenes": len(scenes),
        "figures": [figure.to_dict() for figure in found],
        "bins": [
            dict(zip(("confidence", "right", "n"), each, strict=True))
            for each in bin_confidences(told.confidence, told.right)
        ],
        "risk_coverage": {
            "coverage": _COVERAGES,
            "error": risk_coverage(told.confidence, wrong, _COVERAGES),
        },
        "machine": machine.describe(),
    }
    path = write_json(options.out / f"confidence-{about['runtime']}.json", result)
    picture = plot(options.out / f"confidence-{about['runtime']}.png", result)
    show(found)
    console.print(f"wrote {path} and {picture.name}")


def read_calibration(path: Path | None) -> Calibration:
    """The calibration of a bundle.

    Raises:
        DataError: it has none.
    """
    bundle = Bundle.open(path)
    if bundle.manifest.calibration is None:
        raise DataError(
            f"{bundle.path}: expected a bundle with a calibration, and it has none; make one with compression.calibrate"
        )
    return bundle.manifest.calibration


def score_labelled(work: Work) -> list[Row]:
    """One row a rendering, with the labels of all scores."""
    return [
        {
            "group": work.photo.group,
            "labels": [float(value) for value in sample.target],
            **score(sample.path.read_bytes()),
        }
        for sample in work.samples
    ]


def judge_sides(rows: Sequence[Row], curve: Curve, accept: float) -> Told:
    """How sure the side of each verdict is, and whether it is right; photos between good and bad are left out.

    Args:
        curve: of the overall score.
        accept: the score from which a photo is accepted.
    """
    counted, good = tell_truth(np.array([row["labels"][0] for row in rows]), 0)
    scores = np.array([row["score"] for row in rows])[counted]
    accepted, chance = scores >= accept, np.array([curve.chance(score) for score in scores])
    groups = [row["group"] for row, counts in zip(rows, counted, strict=True) if counts]
    return Told(np.where(accepted, chance, 1 - chance), accepted == good[counted], groups)


def measure(told: Told) -> list[Figure]:
    """Calibration of the verdict's side, and the error that is left where the least sure tenth is left out."""
    wrong = ~told.right
    error, ratio = estimate_selective(told.confidence, wrong, told.groups, _COVERAGE)
    return [
        Figure(
            "expected calibration error of the confidence",
            estimate_calibration_error(told.confidence, told.right, told.groups),
            0.05,
            at_least=False,
        ),
        Figure("error at 90 % coverage / at 100 %", ratio, 0.5, at_least=False),
        Figure("error at 100 % coverage", estimate_share(wrong, told.groups)),
        Figure("error at 90 % coverage", error),
    ]


def measure_attributes(rows: Sequence[Row], calibration: Calibration) -> list[Figure]:
    """Calibration of the chance that an attribute is sound."""
    found = []
    for index, name in enumerate(ATTRIBUTES, 1):
        curve = calibration.attributes.get(name)
        if curve is None or not all(name in row["attributes"] for row in rows):
            continue
        counted, good = tell_truth(np.array([row["labels"][index] for row in rows]), index)
        kept = [row for row, counts in zip(rows, counted, strict=True) if counts]
        chance = np.array([curve.chance(row["attributes"][name]) for row in kept])
        groups = [row["group"] for row in kept]
        error = estimate_calibration_error(chance, good[counted], groups)
        found.append(Figure(f"expected calibration error: {name}", error))
    return found


def measure_verdicts(rows: Sequence[Row]) -> list[Figure]:
    """How many are left to review, and how often the others are wrong."""
    counted, good = tell_truth(np.array([row["labels"][0] for row in rows]), 0)
    verdicts, groups = np.array([row["verdict"] for row in rows]), np.array([row["group"] for row in rows])
    found = [Figure("left to review", estimate_share(verdicts == "review", groups), 0.10, at_least=False)]
    for verdict, wrong, what in (
        ("accept", ~good, "bad ones among the accepted"),
        ("retake", good, "good ones among those to take again"),
        ("review", good, "good ones among those left to review"),
    ):
        these = counted & (verdicts == verdict)
        if these.any():
            found.append(Figure(what, estimate_share(wrong[these], groups[these])))
    return found


def plot(path: Path, result: Row) -> Path:
    """How often right over how sure, and the error over the share that is judged."""
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    bins, curve = result["bins"], result["risk_coverage"]
    left.plot((0.5, 1), (0.5, 1), color="0.8")
    left.plot([each["confidence"] for each in bins], [each["right"] for each in bins], marker="o")
    left.set(xlabel="confidence", ylabel="share that is right", title="15 bins of equal size")
    right.plot(curve["coverage"], curve["error"])
    right.axhline(curve["error"][-1] / 2, color="0.8")
    right.axvline(_COVERAGE, color="0.8")
    right.set(xlabel="coverage", ylabel="error", title="risk-coverage", xlim=(0, 1), ylim=(0, None))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


if __name__ == "__main__":
    raise SystemExit(main())
