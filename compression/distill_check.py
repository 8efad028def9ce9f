"""What a distillation refuses before any photo is made ready, which may take hours."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import torch

from compression.command import read_arguments
from compression.data import read_photos
from compression.distill_options import REFERENCE, make_parser, read_settings
from compression.follow import check_fit
from compression.models import ATTRIBUTES, build
from compression.models.heads import QualityNet
from compression.models.weights import find_imagenet, load
from compression.objective import Weights
from edge_iqa.errors import OutputError
from edge_iqa.views import ViewSpec

_ELSEWHERE = frozenset({"aware", "cache", "data", "epochs", "out", "quick", "resume", "start", "teacher"})
"""What a command around a distillation takes as options of its own."""
_FRESH = frozenset({"details", "fusion", "size", "student", "weights", "width"})
"""What makes a fresh student; one that such a command goes on from says it itself."""


def check(options: argparse.Namespace) -> QualityNet | None:
    """Refuse options that cannot work, as far as that shows without teacher and photos.

    Returns:
        The student to start from; None for a fresh one.

    Raises:
        ValueError: a setting or weight out of its range, or options that do not go together.
        CheckpointError, DataError: a file that an option names is missing or does not fit.
    """
    read_settings(options)
    Weights.read(options.weight, options.label_weight)
    for name in ("sparsity", "follow_weight"):
        if not 0 <= (value := getattr(options, name)) < math.inf:
            raise ValueError(f"--{name.replace('_', '-')}: expected a number from 0 up, got {value}")
    if options.aware and options.follow is not None:
        raise ValueError(
            "--aware: follow first; a student that learns in int8 steps has no blocks to compare"
        )
    if options.aware and options.sparsity:
        raise ValueError(
            "--aware: prune first; a student that learns in int8 steps has no channels to thin out"
        )
    fresh = options.start in ("imagenet", "random")
    net = _draft(options) if fresh else _read_start(options)
    if options.frozen is not None and not 0 <= options.frozen <= len(net.backbone):
        raise ValueError(f"--frozen: expected 0 to {len(net.backbone)} blocks, got {options.frozen}")
    if options.follow is not None:
        check_fit(net, load(options.follow)[0])
    if options.unlabeled is not None:
        read_photos(options.unlabeled)
    return None if fresh else net


def find_start(options: argparse.Namespace) -> Path:
    """The file that `--start` means."""
    return REFERENCE / "student.safetensors" if options.start == "reference" else Path(options.start)


def check_not_over(start: Path, out: Path) -> None:
    """Refuse to write a student over the one that it is made from.

    Raises:
        OutputError: names both.
    """
    if start.resolve() == (out / "student.safetensors").resolve():
        raise OutputError(f"--out {out}: would write over {start}, which is read; choose another folder")


def check_passed_on(ours: Sequence[str], given: Sequence[str]) -> None:
    """Refuse options of a distillation that stand behind `--` of another command and cannot work there.

    Args:
        ours: the options that the other command sets itself.
        given: those behind `--`.

    Raises:
        ValueError: an option that is unknown, shortened, set by the other command, or refused by `check`.
        CheckpointError, DataError: as `check`.
    """
    taken = {*_name(ours), *_ELSEWHERE, *_FRESH}
    for name in _name(given):
        if name in taken:
            left = sorted({action.dest for action in make_parser()._actions} - taken - {"help"})
            raise ValueError(
                f"{_to_flag(name)}: cannot be passed on, the command decides it itself; "
                f"behind -- may stand {', '.join(map(_to_flag, left))}"
            )
    check(read_arguments(make_parser(), [*ours, *given]))


def _name(arguments: Sequence[str]) -> list[str]:
    """Names of the options that a command line sets."""
    if {"-h", "--help"} & {*arguments}:
        raise ValueError("--help: ask python -m compression.distill --help")
    parser = make_parser()
    parser.allow_abbrev = False
    for action in parser._actions:  # argparse shows them nowhere else
        action.default = argparse.SUPPRESS
    return list(vars(read_arguments(parser, arguments)))


def _to_flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _draft(options: argparse.Namespace) -> QualityNet:
    """A fresh student without weights; refuses what cannot be built, or not started from ImageNet weights."""
    architecture = options.student or "mobilenet_v2"
    if options.start == "imagenet":
        find_imagenet(architecture, options.weights)
    elif options.weights is not None:
        raise _no_weights(options)
    details = ViewSpec.detail if options.details is None else options.details
    with torch.device("meta"):
        return build(
            architecture,
            spec=ViewSpec(options.size or ViewSpec.size_px, details),
            width=1.0 if options.width is None else options.width,
            fusion=options.fusion or "split",
        )


def _read_start(options: argparse.Namespace) -> QualityNet:
    """The student to go on from; refuses options that ask for another one."""
    if options.weights is not None:
        raise _no_weights(options)
    path = find_start(options)
    net, _ = load(path)
    fixed = {"--student": (options.student, net.architecture), "--size": (options.size, net.spec.size_px)}
    fixed["--details"] = (options.details, net.spec.detail)
    fixed |= {"--width": (options.width, net.width), "--fusion": (options.fusion, net.fusion)}
    for option, (asked, held) in fixed.items():
        if asked not in (None, held):
            raise ValueError(f"{option} {asked}: {path} holds {held}; use --start imagenet or random")
    if net.attributes != ATTRIBUTES:
        raise ValueError(f"{path}: expected the attributes {ATTRIBUTES}, it has {net.attributes}")
    return net


def _no_weights(options: argparse.Namespace) -> ValueError:
    return ValueError(f"--weights: ImageNet weights are for --start imagenet, not {options.start}")
