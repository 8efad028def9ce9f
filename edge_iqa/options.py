"""Options that several commands of `edge-iqa` take."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edge_iqa.words import list_languages

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_BACKENDS = ("litert", "onnx")


def add_policy_options(parser: argparse.ArgumentParser) -> None:
    """Whose rules, and in which language."""
    parser.add_argument(
        "--policy",
        metavar="NAME|FILE",
        help="whose rules to check (`edge-iqa policies` lists them); else general",
    )
    parser.add_argument(
        "--lang",
        metavar="LANG",
        default="en",
        help=f"language of causes and advice: {', '.join(list_languages())}",
    )


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which model, and how it runs."""
    parser.add_argument("--bundle", metavar="DIR", help="another bundle than the one installed")
    parser.add_argument("--backend", choices=_BACKENDS, help="what runs the model; else the best installed")
    parser.add_argument("--threads", type=positive, metavar="N", help="threads of the model; 1 if not given")


def add_jobs_option(parser: argparse.ArgumentParser) -> None:
    """How many photos at the same time."""
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="photos at the same time; one per core if not given"
    )


def positive(text: str) -> int:
    """Read a whole number from 1 up, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return int(text)
