"""Distill a teacher into a small student: `python -m compression.distill --data photos.csv`.

The student learns the teacher's scores, their order and which photos it finds alike (Hinton et al.
2015, arXiv:1503.02531; Tung & Mori 2019, arXiv:1907.09682), on views augmented once and shown to
both, and a little from the labels themselves, which correct what the teacher got wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from compression import processes, record, training
from compression.answers import Answers
from compression.batches import (
    Batch,
    count_steps,
    evaluation_batches,
    fit_views,
    training_batches,
    widest,
)
from compression.command import run_command
from compression.data import hash_file, read_photos
from compression.dataset import label_photos, make_dataset
from compression.distill_check import check, check_not_over, find_start
from compression.distill_options import make_parser, read_settings
from compression.evaluate import compare_with_labels, compare_with_teacher, predict
from compression.follow import Follow
from compression.labels import Sample
from compression.losses import channel_norms
from compression.models import ATTRIBUTES, build, with_outputs
from compression.models.heads import Outputs, QualityNet
from compression.models.server import ServerTeacher
from compression.models.weights import load, load_teacher, save, start_from_imagenet
from compression.objective import Weights
from compression.progress import console, track
from compression.training import Job, Scores
from edge_iqa.views import ViewSpec

if TYPE_CHECKING:
    from compression.fake_int8 import FakeInt8

_RANGE_PHOTOS = 48
"""Training photos to find the ranges of int8 on, before the first step."""


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    return run_command(distill, make_parser().parse_args(argv))


@processes.joined()
def distill(options: argparse.Namespace) -> None:
    """Train the student, keep the epoch that did best on val, write model, record and curve."""
    started = check(options)
    check_not_over(find_start(options), options.out)
    config, limits, scenes = read_settings(options)
    weights = Weights.read(options.weight, options.label_weight)
    torch.manual_seed(config.seed)
    teacher, teacher_sha256 = load_teacher(options.teacher, options.output_range)
    if started is not None:
        widest(started.spec, teacher.spec)
    with processes.first_prepares():
        known = teacher.categories or None
        data = make_dataset(options.data, ATTRIBUTES, options.cache, limits, scenes, known)
        unlabeled = _read_unlabeled(options, data.photos)
        student, start = _start(options, started, teacher, data.categories)
    _say_what(options, start)
    fake = _round(student, data.train) if options.aware else None
    device = processes.pick_device()
    student.to(device), teacher.to(device, memory_format=torch.channels_last)
    follow = None if options.follow is None else Follow(student, _load_whole(options.follow, device))
    samples = [sample for photo in data.val for sample in photo]
    ask = Answers(teacher, (teacher_sha256, *options.output_range), options.cache)
    truth = processes.on_first(lambda: predict(teacher, samples, ask))
    about = {
        **data.describe(),
        "unlabeled_photos": len(unlabeled),
        "teacher": options.teacher.name,
        "teacher_sha256": teacher_sha256,
        "start": start,
        "weights": asdict(weights),
        **({"output_range": options.output_range} if tuple(options.output_range) != (0.0, 1.0) else {}),
        **({"follow": hash_file(options.follow), "follow_weight": options.follow_weight} if follow else {}),
        **({"sparsity": options.sparsity} if options.sparsity else {}),
        **({"aware": True} if fake else {}),
    }
    # for people; a run that was begun before these were written down can still be resumed
    told = {**about, "architecture": student.architecture, "rated_photos": data.rated}
    spec = widest(student.spec, teacher.spec)

    def loss(batch: Batch, out: Outputs) -> Tensor:
        total = weights.total(batch, out, ask(fit_views(batch.views, teacher.spec)))
        if follow is not None:
            total = total + options.follow_weight * follow(fit_views(batch.views, student.spec))
        return total + options.sparsity * channel_norms(student.backbone) if options.sparsity else total

    def evaluate() -> Scores:
        with nullcontext() if fake is None else fake.fixed_ranges():
            scores = predict(student, samples)
        return {**compare_with_labels(scores, samples), **compare_with_teacher(scores, truth)}

    path = options.out / "student.safetensors"
    train = [*data.train, *unlabeled]
    job = Job(
        student,
        loss,
        lambda epoch, first: training_batches(train, spec, config, epoch, first),
        count_steps(len(train), config.photos_per_step),
        evaluate,
        lambda scores: save(
            student if fake is None else fake.to_plain(), path, {"run": {**told, "val": scores}}, half=True
        ),
        about,
    )
    state = training.fit(job, config, options.out, options.resume)
    if not processes.is_first():
        return
    record.write_record(options.out, "compression.distill", config, state, told)
    _finish(options.out, path, state)


def _finish(out: Path, path: Path, state: training.State) -> None:
    """Draw the curve of a run that is recorded, say what it reached, and clear up."""
    shown = ("srcc_teacher", "srcc_labels", "pair_order", "across_order")
    record.plot_curve(out / "curve.png", "student", state, shown)
    training.finish(out)
    first, best = state.evaluations[0], max(state.evaluations, key=lambda scores: scores["objective"])
    gained = (
        f"SRCC with the teacher on val: {first['srcc_teacher']:.3f} before, {best['srcc_teacher']:.3f} after; "
        f"mean difference {first['mae_teacher']:.3f} before, {best['mae_teacher']:.3f} after"
    )
    if best is first:
        gained = f"no epoch did better on val than the start ({first['srcc_teacher']:.3f}), which is kept"
    console.print(f"{gained}\nwrote {path}, run.json and curve.png in {out}")


def _load_whole(path: Path, device: torch.device) -> QualityNet:
    """The student to follow, as it judges."""
    return load(path)[0].requires_grad_(False).to(device, memory_format=torch.channels_last)


def _read_unlabeled(options: argparse.Namespace, first: int) -> list[list[Sample]]:
    """Samples of photos that only the teacher judges."""
    if options.unlabeled is None:
        return []
    photos = [replace(photo, split="train") for photo in read_photos(options.unlabeled)]
    found = label_photos(photos, ATTRIBUTES, options.cache, labelled=False)
    return [[replace(sample, photo=sample.photo + first) for sample in photo] for photo in found if photo]


def _start(
    options: argparse.Namespace,
    started: QualityNet | None,
    teacher: QualityNet | ServerTeacher,
    categories: tuple[str, ...],
) -> tuple[QualityNet, str]:
    """The student before training, and a sentence on where it comes from."""
    if started is None:
        spec = ViewSpec(options.size or teacher.spec.size_px, teacher.spec.detail, teacher.spec.long_side_px)
        if options.details is not None:
            spec = replace(spec, detail=options.details)
        net = build(
            options.student or "mobilenet_v2",
            spec=spec,
            categories=categories,
            width=1.0 if options.width is None else options.width,
            fusion=options.fusion or "split",
        )
        fresh = start_from_imagenet(net, options.weights) if options.start == "imagenet" else "random weights"
        return net, fresh
    name = "student.safetensors" if options.start == "reference" else Path(options.start).name
    net = started if started.categories == categories else with_outputs(started, categories)
    return net, f"{name} ({net.architecture})"


def _round(student: QualityNet, photos: Sequence[Sequence[Sample]]) -> FakeInt8:
    """Let a student compute in int8 steps, with ranges from clean photos and every fault in turn."""
    from compression.fake_int8 import FakeInt8  # torchao takes seconds to import

    chosen = [variants[place % len(variants)] for place, variants in enumerate(photos[:_RANGE_PHOTOS])]
    batches = track(evaluation_batches(chosen, student.spec, 1), len(chosen), "ranges of int8")
    return FakeInt8(student, [batch.views[0].numpy() for batch in batches])


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
