"""Distill a teacher into a small student: `python -m compression.distill --data photos.csv`.

The student learns the teacher's scores, their order and its embedding (Hinton et al. 2015,
arXiv:1503.02531; Park et al. 2019, arXiv:1904.05068), on views augmented once and shown to both, and
a little from the labels themselves, which correct what the teacher got wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from compression import record, training
from compression.batches import Batch, count_steps, training_batches
from compression.command import positive, run_command
from compression.dataset import CACHE, make_dataset
from compression.evaluate import compare_with_labels, compare_with_teacher, predict
from compression.losses import imitation_loss, ranking_loss, score_loss
from compression.models import REGISTRY, build
from compression.models.heads import QualityNet
from compression.models.weights import load, load_teacher, save, start_from_imagenet
from compression.progress import console
from compression.recipe import TrainConfig
from compression.training import Job, Scores

REFERENCE = Path(__file__).parent / "reference"
_QUICK = TrainConfig(epochs=2, photos_per_step=8, learning_rate=3e-4)
_QUICK_LIMITS = (64, 12)
_VAL_PHOTOS = 150


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.distill",
        description="Distill a teacher into a MobileNet student. With no option at all: the reference teacher, "
        "the committed student as the start, example and drawn photos.",
    )
    parser.add_argument(
        "--data", type=Path, help="CSV (path; optionally split, group, label 0-1) or a folder of photos"
    )
    parser.add_argument(
        "--teacher", type=Path, default=REFERENCE / "teacher.safetensors", help="default: the reference"
    )
    parser.add_argument(
        "--student",
        choices=sorted(REGISTRY),
        help="architecture; default: mobilenet_v2, or what --start holds",
    )
    parser.add_argument(
        "--start",
        default="reference",
        help="reference (default), imagenet, random, or a student's .safetensors",
    )
    parser.add_argument(
        "--weights", type=Path, help="with --start imagenet: folder of npz; default: torchvision's"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/student"), help="all results; default: %(default)s"
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument("--epochs", type=positive, help=f"default: {TrainConfig.epochs}")
    parser.add_argument("--limit", type=positive, help="use at most so many training photos")
    parser.add_argument(
        "--label-weight", type=float, default=0.3, help="weight of the labels; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--quick", action="store_true", help="two minutes on two cores: few photos, two epochs"
    )
    parser.add_argument("--resume", action="store_true", help="go on where a killed run stopped")
    return run_command(distill, parser.parse_args(argv))


def distill(options: argparse.Namespace) -> None:
    """Train the student, keep the epoch that did best on val, write model, record and curve."""
    config, limits = _settings(options)
    torch.manual_seed(config.seed)
    teacher, teacher_sha256 = load_teacher(options.teacher)
    student, start = _start(options, teacher)
    _say_what(options, start)
    data = make_dataset(options.data, teacher.attributes, options.cache, limits)
    device = training.pick_device()
    student.to(device), teacher.to(device)
    samples = [sample for photo in data.val for sample in photo]
    truth, _ = predict(teacher, samples)
    about = {
        "data": data.source,
        "data_sha256": data.sha256,
        "teacher": options.teacher.name,
        "teacher_sha256": teacher_sha256,
        "start": start,
        "label_weight": options.label_weight,
    }

    def loss(batch: Batch, scores: Tensor, embedding: Tensor) -> Tensor:
        with torch.no_grad():
            aim, aim_embedding = teacher.judge(training.run_backbone(teacher, batch.views))
        copied = score_loss(scores, aim) + 0.1 * ranking_loss(scores[:, 0], aim[:, 0])
        learned = options.label_weight * score_loss(scores, batch.targets)
        return copied + learned + 0.2 * imitation_loss(embedding, aim_embedding)

    def evaluate() -> Scores:
        scores, _ = predict(student, samples)
        return {**compare_with_labels(scores, samples), **compare_with_teacher(scores, truth)}

    path = options.out / "student.safetensors"
    job = Job(
        student,
        loss,
        lambda epoch, first: training_batches(data.train, student.spec, config, epoch, first),
        count_steps(len(data.train), config.photos_per_step),
        evaluate,
        lambda scores: save(student, path, {"run": {**about, "val": scores}}, half=True),
    )
    state = training.fit(job, config, options.out, options.resume)
    record.write_record(options.out, "compression.distill", config, state, about)
    record.plot_curve(
        options.out / "curve.png", "student", state, ("srcc_teacher", "srcc_labels", "pair_order")
    )
    training.finish(options.out)
    first, best = state.evaluations[0], max(state.evaluations, key=lambda scores: scores["objective"])
    console.print(
        f"SRCC with the teacher on val: {first['srcc_teacher']:.3f} before, {best['srcc_teacher']:.3f} after; "
        f"mean difference {first['mae_teacher']:.3f} before, {best['mae_teacher']:.3f} after\n"
        f"wrote {path}, run.json and curve.png in {options.out}",
    )


def _settings(options: argparse.Namespace) -> tuple[TrainConfig, tuple[int | None, int | None]]:
    base = _QUICK if options.quick else TrainConfig()
    epochs = options.epochs or base.epochs
    config = TrainConfig(**{**vars(base), "epochs": epochs, "seed": options.seed})
    if options.quick:
        return config, (options.limit or _QUICK_LIMITS[0], _QUICK_LIMITS[1])
    return config, (options.limit, _VAL_PHOTOS)


def _start(options: argparse.Namespace, teacher: QualityNet) -> tuple[QualityNet, str]:
    """The student before training, and a sentence on where it comes from."""
    if options.start in ("imagenet", "random"):
        net = build(options.student or "mobilenet_v2", teacher.attributes, teacher.embedding, teacher.spec)
        return net, start_from_imagenet(
            net, options.weights
        ) if options.start == "imagenet" else "random weights"
    path = REFERENCE / "student.safetensors" if options.start == "reference" else Path(options.start)
    net, _ = load(path)
    if options.student not in (None, net.architecture):
        raise ValueError(
            f"--student {options.student}: {path} holds {net.architecture}; use --start imagenet or random"
        )
    if (net.attributes, net.embedding, net.spec) != (teacher.attributes, teacher.embedding, teacher.spec):
        raise ValueError(
            f"{path}: its outputs or views differ from the teacher's; use --start imagenet or random"
        )
    return net, f"{path.name} ({net.architecture})"


def _say_what(options: argparse.Namespace, start: str) -> None:
    console.print(f"teacher {options.teacher.name}, student starts from {start}")
    if options.data is None:
        console.print(
            "no --data given: training on the example photos and on photos drawn by code, to show the path. "
            "For a student of your own give --data photos.csv (columns path, split, group, label; only path "
            "is needed) or --data FOLDER.",
        )


if __name__ == "__main__":
    raise SystemExit(main())
