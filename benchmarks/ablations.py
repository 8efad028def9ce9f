"""What each part of the student's training is worth: `python benchmarks/ablations.py --data photos.csv`

Students are trained on one fixed small budget, all alike but for one thing, and judged on `test` photos
and scenes against labels and the teacher. A killed run goes on where it stopped: finished students are
kept, the one in training resumes from its checkpoint, and nobody is judged twice on the same photos. All
epochs but the last see small views. About ten minutes a student on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from rich.table import Table

from compression import distill
from compression.command import count, positive, run_command
from compression.data import Photo, hash_photos, read_photos, select
from compression.dataset import CACHE, add_scenes, label_photos
from compression.distill_options import REFERENCE
from compression.evaluate import clean_and_spoiled, predict
from compression.labels import Sample
from compression.metrics import estimate_share, estimate_srcc
from compression.models import ATTRIBUTES
from compression.models.weights import load, load_teacher
from compression.progress import console
from edge_iqa import machine
from edge_iqa.errors import DataError, EdgeIqaError
from edge_iqa.files import write_json

RESULTS = Path(__file__).parent / "results"
BASE = "as shipped: 2 details, 224 px, split fusion"
ABLATIONS = {
    BASE: (),
    "no rank loss": ("--weight", "rank=0"),
    "no feature loss": ("--weight", "feature=0"),
    "no difference loss": ("--weight", "difference=0"),
    "labels only, no teacher": (
        *("--weight", "score=0", "--weight", "rank=0", "--weight", "difference=0", "--weight", "feature=0"),
        *("--weight", "copy=0", "--label-weight", "1"),
    ),
    "global view only": ("--details", "0"),
    "detail views only": ("--fusion", "details"),
    "one detail view": ("--details", "1"),
    "three detail views": ("--details", "3"),
    "160 px": ("--size", "160"),
    "192 px": ("--size", "192"),
    "fusion by concatenation": ("--fusion", "concat"),
}
"""Name → options of `compression.distill` that differ from the base."""


def main(argv: list[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(description="Train students that differ in one thing, and compare them.")
    parser.add_argument("--data", type=Path, required=True, help="CSV with train, val and test, or a folder")
    parser.add_argument("--weights", type=Path, help="folder of ImageNet npz weights; default: torchvision's")
    parser.add_argument("--teacher", type=Path, default=REFERENCE / "teacher.safetensors")
    parser.add_argument("--limit", type=positive, default=900, help="training photos; default: %(default)s")
    parser.add_argument("--scenes", type=count, default=150, help="training scenes; default: %(default)s")
    parser.add_argument("--epochs", type=positive, default=3, help="default: %(default)s")
    parser.add_argument(
        "--only", action="append", choices=sorted(ABLATIONS), help="these alone; may be repeated"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"), help="default: %(default)s")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: %(default)s")
    return run_command(compare, parser.parse_args(argv))


def compare(options: argparse.Namespace) -> None:
    """Train what is not there yet, judge all, write the result after each."""
    photos = select(read_photos(options.data), "test")
    if not photos:
        raise DataError(f"{options.data}: no photo in split 'test'; give more photos, or a `split` column")
    photos = [*photos, *add_scenes(photos, "test", options.scenes // 4, options.cache)]
    prepared = label_photos(photos, ATTRIBUTES, options.cache, every_fault=True)
    samples = [sample for each in prepared for sample in each]
    teacher, teacher_sha256 = load_teacher(options.teacher)
    everything = read_photos(options.data)
    trained_on = hash_photos([*select(everything, "train"), *select(everything, "val")])
    result: dict[str, Any] = {
        "budget": {"photos": options.limit, "scenes": options.scenes, "epochs": options.epochs},
        "test": {"photos": len(photos), "renderings": len(samples), "data_sha256": hash_photos(photos)},
        "trained_on_sha256": trained_on,
        "teacher_sha256": teacher_sha256,
        "machine": machine.describe(),
    }
    path = options.out / "ablations.json"
    done = find_judged(path, result)
    told: np.ndarray | None = None
    for name in options.only or ABLATIONS:
        if name not in done:
            student = _train(name, options, teacher_sha256 + trained_on)
            told = predict(teacher, samples)[:, 0] if told is None else told
            done[name] = judge(predict(load(student)[0], samples)[:, 0], told, samples, photos)
            write_json(path, {**result, "students": {key: done[key] for key in ABLATIONS if key in done}})
        show(done)
    console.print(f"wrote {path}")


def find_judged(path: Path, now: dict[str, Any]) -> dict[str, Any]:
    """Students that an earlier run trained and judged on the same budget, photos and teacher."""
    try:
        before = json.loads(path.read_text())
        same = all(before[key] == now[key] for key in now if key != "machine")
        return dict(before["students"]) if same else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def judge(
    scores: np.ndarray, teacher: np.ndarray, samples: Sequence[Sample], photos: Sequence[Photo]
) -> dict[str, Any]:
    """SRCC with labels and teacher, and pairs of one source in order, with intervals over groups."""
    groups = [photos[sample.photo].group for sample in samples]
    labels = np.array([sample.target[0] for sample in samples])
    pairs = clean_and_spoiled(samples)
    held = np.array([scores[clean] > scores[spoiled] for clean, spoiled in pairs])
    return {
        "srcc_labels": estimate_srcc(scores, labels, groups).to_dict(),
        "srcc_teacher": estimate_srcc(scores, teacher, groups).to_dict(),
        "pair_order": estimate_share(held, [groups[spoiled] for _, spoiled in pairs]).to_dict(),
    }


def show(students: dict[str, Any]) -> None:
    """Print one row a student."""
    table = Table("student", "SRCC with labels", "SRCC with teacher", "pairs in order")
    for name, figures in students.items():
        cells = [
            f"{each['value']:.3f} ({each['low']:.3f} to {each['high']:.3f})" for each in figures.values()
        ]
        table.add_row(name, *cells)
    console.print(table)


def _train(name: str, options: argparse.Namespace, told_by: str) -> Path:
    """Distill one student, or find it done.

    Args:
        told_by: hashes of what it learns from.

    Raises:
        EdgeIqaError: the distillation failed; its own message stands above.
    """
    fixed = {
        "--data": options.data,
        "--teacher": options.teacher,
        "--limit": options.limit,
        "--scenes": options.scenes,
        "--epochs": options.epochs,
        "--small-epochs": options.epochs - 1,
        "--cache": options.cache,
        "--start": "imagenet",
        **({"--weights": options.weights} if options.weights else {}),
    }
    arguments = [str(part) for pair in fixed.items() for part in pair]
    # a student of another teacher, other photos or another budget is not this one
    told = [*arguments, *ABLATIONS[name], told_by]
    slug = name.replace(" ", "-").replace(",", "").replace(":", "")
    out = options.runs / f"{slug}-{hashlib.sha256(repr(told).encode()).hexdigest()[:8]}"
    if (out / "run.json").is_file():
        return out / "student.safetensors"
    console.print(f"training: {name}")
    arguments += ["--out", str(out)]
    if distill.main([*arguments, *ABLATIONS[name], "--resume"]):
        raise EdgeIqaError(f"{name}: the distillation failed")
    return out / "student.safetensors"


if __name__ == "__main__":
    raise SystemExit(main())
