"""Train the reference teacher: `python -m compression.teacher --data photos.csv --weights DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from compression import processes, record, training
from compression.batches import Batch, count_steps, training_batches
from compression.command import count, positive, run_command
from compression.dataset import CACHE, SCENES, VAL_PHOTOS, make_dataset
from compression.evaluate import compare_with_labels, predict
from compression.losses import category_loss, contrastive_loss, difference_loss, order_loss, score_loss
from compression.models import ATTRIBUTES, REGISTRY, build
from compression.models.heads import Outputs, QualityNet
from compression.models.weights import find_imagenet, load, save, start_from_imagenet
from compression.progress import console
from compression.train_config import TrainConfig
from compression.training import Job

_ARCHITECTURE = "resnet18"
_WEIGHTS = {"score": 1.0, "difference": 2.0, "order": 0.4, "category": 0.02, "embedding": 0.02}
"""How much each part of the loss counts: quality first; category and embedding ride along."""


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    return run_command(train_teacher, make_parser().parse_args(argv))


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.teacher",
        description="Train a teacher on labels built from full-reference metrics, severities and what "
        "people said. Several processes: torchrun --nproc-per-node N -m compression.teacher ...",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="CSV (path, split, group, label) or a folder"
    )
    parser.add_argument(
        "--weights", type=Path, help="folder of ImageNet npz weights; default: torchvision downloads"
    )
    parser.add_argument(
        "--architecture", choices=sorted(REGISTRY), help=f"default: {_ARCHITECTURE}, or what --start holds"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/teacher"), help="default: %(default)s")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument("--epochs", type=positive, default=TrainConfig.epochs, help="default: %(default)s")
    parser.add_argument("--start", type=Path, help="go on from a teacher; default: ImageNet weights")
    parser.add_argument(
        "--small-epochs",
        type=count,
        default=0,
        metavar="N",
        help=f"of the epochs, so many first ones at {TrainConfig.small_px} px",
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        default=TrainConfig.learning_rate,
        help="at its peak; lower to go on from a trained model; default: %(default)s",
    )
    parser.add_argument("--limit", type=positive, help="use at most so many training photos")
    parser.add_argument(
        "--scenes",
        type=count,
        default=SCENES,
        help="scenes added to the training photos, and as many enlarged photos, and a quarter as many pairs of one "
        "scene on white and on gray; default: %(default)s",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="go on where a killed run stopped")
    return parser


@processes.joined()
def train_teacher(options: argparse.Namespace) -> None:
    """Train, keep the epoch that did best on val, write model, record and curve."""
    started, config = check(options), _read_settings(options)
    torch.manual_seed(options.seed)
    with processes.first_prepares():
        scenes = (options.scenes, options.scenes // 10)
        data = make_dataset(options.data, ATTRIBUTES, options.cache, (options.limit, VAL_PHOTOS), scenes)
        net, start = _start(options, started, data.categories)
    net.to(processes.pick_device())
    samples = [sample for photo in data.val for sample in photo]
    path = options.out / "teacher.safetensors"
    about = {**data.describe(), "start": start, "weights": _WEIGHTS}

    def loss(batch: Batch, out: Outputs) -> Tensor:
        parts = {
            "score": score_loss(out.scores, batch.targets),
            "difference": difference_loss(out.scores, batch.targets, batch.photos),
            "order": order_loss(out.scores[:, 0], batch.targets[:, 0], batch.photos),
            "category": category_loss(out.category, batch.categories),
            "embedding": contrastive_loss(out.embedding, batch.photos),
        }
        return torch.stack([_WEIGHTS[name] * part for name, part in parts.items()]).sum()

    job = Job(
        net,
        loss,
        lambda epoch, first: training_batches(data.train, net.spec, config, epoch, first),
        count_steps(len(data.train), config.photos_per_step),
        lambda: compare_with_labels(predict(net, samples), samples),
        lambda scores: save(net, path, {"run": {**about, "val": scores}}, half=True),
        about,
    )
    state = training.fit(job, config, options.out, options.resume)
    if not processes.is_first():
        return
    record.write_record(options.out, "compression.teacher", config, state, about)
    record.plot_curve(
        options.out / "curve.png", "teacher", state, ("srcc_labels", "pair_order", "across_order")
    )
    training.finish(options.out)
    console.print(f"wrote {path}, run.json and curve.png in {options.out}")


def check(options: argparse.Namespace) -> QualityNet | None:
    """Refuse options that cannot work, as far as that shows without photos.

    Returns:
        The teacher to go on from; None for a fresh one.

    Raises:
        ValueError: a setting out of its range, or options that do not go together.
        CheckpointError: weights that are missing or do not fit.
    """
    _read_settings(options)
    if options.start is None:
        find_imagenet(options.architecture or _ARCHITECTURE, options.weights)
        return None
    if options.weights is not None:
        raise ValueError("--weights: ImageNet weights are for a fresh teacher; leave it out beside --start")
    net, _ = load(options.start)
    _compare(options.start, "--architecture", net.architecture, options.architecture or net.architecture)
    _compare(options.start, "attributes", net.attributes, ATTRIBUTES)
    return net


def _read_settings(options: argparse.Namespace) -> TrainConfig:
    return TrainConfig(
        epochs=options.epochs,
        small_epochs=options.small_epochs,
        learning_rate=options.learning_rate,
        seed=options.seed,
    )


def _start(
    options: argparse.Namespace, started: QualityNet | None, categories: tuple[str, ...]
) -> tuple[QualityNet, str]:
    """The teacher before training, and a sentence on where it comes from."""
    if started is None:
        net = build(options.architecture or _ARCHITECTURE, ATTRIBUTES, categories=categories)
        return net, start_from_imagenet(net, options.weights)
    _compare(options.start, "categories of the data", started.categories, categories)
    return started, f"{options.start.name} ({started.architecture})"


def _compare(start: Path, what: str, held: object, asked: object) -> None:
    if held != asked:
        raise ValueError(f"{start}: expected {what} {asked}, it has {held}")


if __name__ == "__main__":
    raise SystemExit(main())
