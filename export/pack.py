"""Artifacts + gate report → one hash-checked bundle: `python -m export.pack`.

Refuses what the gate report does not vouch for. Same inputs, same bytes.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge_iqa import image
from edge_iqa.errors import DataError, EdgeIqaError, OutputError
from edge_iqa.formats import SUFFIXES
from edge_iqa.manifest import SEMVER
from export.assemble import Packing, make_packing, trim
from export.console import say, show_table
from export.failures import read_examples
from export.golden import check_names
from export.report import MODEL_NAME, read_models, read_report
from export.write import check_free, check_place, is_whole_bundle, write_bundle

_REPORTS = ("parity.json", "quantize.json")


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`. Exit code 1 where a gate refuses, 2 for wrong usage."""
    options = make_parser().parse_args(argv)
    try:
        _run(options)
    except EdgeIqaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing was packed", file=sys.stderr)
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m export.pack",
        description="Pack models into a bundle, if their gate report vouches for exactly these files.",
    )
    parser.add_argument(
        "--artifacts", type=Path, required=True, help="folder with model.{fp32,int8}.{onnx,tflite}"
    )
    parser.add_argument("--gates", type=Path, help="gate report; default: gates.json in the artifacts folder")
    parser.add_argument("--name", default="default", help="default: %(default)s")
    parser.add_argument(
        "--version", type=_version, default="0.1.0", help="semantic version; default: %(default)s"
    )
    parser.add_argument(
        "--golden",
        type=Path,
        nargs="+",
        required=True,
        metavar="PHOTO",
        help="photos, or folders of photos",
    )
    parser.add_argument("--about", type=Path, help="Markdown on the training data, for the model card")
    parser.add_argument(
        "--licence", default="", metavar="TEXT", help="of the models, such as Apache-2.0, for the model card"
    )
    parser.add_argument(
        "--examples",
        type=Path,
        metavar="CSV",
        help="photos of known truth that may be shown (columns path, accepted, licence; issues, shows): the card "
        "shows those that are judged wrongly",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("bundles"), help="gets NAME-VERSION/; default: %(default)s"
    )
    parser.add_argument(
        "--trim",
        type=Path,
        metavar="DIR",
        help="also write the package's bundle (models in use, golden, card with pictures) to DIR; replaces the bundle "
        "that is there",
    )
    parser.add_argument("--replace", action="store_true", help="replace a bundle of this name and version")
    return parser


def check(options: argparse.Namespace) -> None:
    """Refuse files that cannot be read; a recipe asks this hours before there is anything to pack.

    Raises:
        DataError: names the option, and what is wrong with its file.
    """
    reads: dict[str, Callable[[], object]] = {
        "golden": lambda: [image.read(photo) for photo in check_names(find_photos(options.golden))],
        "about": lambda: _read_text(options.about),
        "examples": lambda: options.examples and read_examples(options.examples),
        "trim": lambda: options.trim and check_place(options.trim),
    }
    for option, read in reads.items():
        try:
            read()
        except EdgeIqaError as error:
            raise DataError(f"{option}: {error}") from error


def _version(text: str) -> str:
    """Check a version, for argparse: it becomes part of a folder's name."""
    if not re.fullmatch(SEMVER, text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected a version such as 1.2.0, got {text!r}")
    return text


def _run(options: argparse.Namespace) -> None:
    models = read_models(options.artifacts)
    report = read_report(options.gates or options.artifacts / "gates.json", models)
    reports = {name: path.read_bytes() for name in _REPORTS if (path := options.artifacts / name).is_file()}
    packing = make_packing(
        models,
        report,
        options.name,
        options.version,
        find_photos(options.golden),
        reports=reports,
        about=_read_text(options.about),
        examples=read_examples(options.examples) if options.examples else None,
        licence=options.licence,
    )
    if options.trim:  # before anything is written
        _check_trim(options.trim, options.out / packing.label, options.name)
    folder = write_bundle(packing, options.out / packing.label, replace=options.replace)
    if options.trim:
        write_bundle(trim(packing), options.trim, replace=True)
    _show(packing, folder, options.trim)


def _check_trim(trim: Path, whole: Path, name: str) -> None:
    """Refuse a place for the short bundle where it would cost the whole one, or another whole one."""
    place, other = trim.resolve(), whole.resolve()
    if place == other or place in other.parents or other in place.parents:
        raise OutputError(
            f"--trim {trim}: the whole bundle goes to {whole}; choose a folder beside it, not around it"
        )
    check_place(trim)
    check_free(trim, name)
    if is_whole_bundle(trim):
        raise OutputError(
            f"--trim {trim}: a whole bundle is there, with its float models; choose another folder"
        )


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Photos among files and folders, sorted."""
    photos: set[Path] = set()
    for path in paths:
        photos |= (
            {each for each in path.iterdir() if each.suffix.lower() in SUFFIXES} if path.is_dir() else {path}
        )
    return sorted(photos)


def _read_text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: expected a text in UTF-8, could not read it ({error})") from error


def _show(packing: Packing, folder: Path, trimmed: Path | None) -> None:
    manifest = packing.manifest
    in_use = set(manifest["in_use"].values())
    rows = []
    for entry in manifest["files"]:
        worst = _worst_on_golden(manifest, entry["path"])
        shown = "-" if worst is None else f"{worst:.4f}"
        rows.append(
            (entry["path"], f"{entry['bytes'] / 1e6:.3f}", shown, "yes" if entry["path"] in in_use else "")
        )
    show_table(folder.name, ("file", "MB", "golden vs fp32", "in use"), rows)
    tolerance = manifest["tolerance"]
    say(f"tolerance: views {tolerance['views_levels']} of 255 levels, scores {tolerance['scores']}")
    say(f"wrote {folder}" + (f" and {trimmed}" if trimmed else ""))


def _worst_on_golden(manifest: Mapping[str, Any], path: str) -> float | None:
    """Largest difference of a model's golden scores from those of the float model of its runtime."""
    match = MODEL_NAME.fullmatch(path)
    exact = f"model.fp32.{match[2]}" if match else ""
    pairs = [
        abs(a - b)
        for case in manifest["golden"]
        if path in case["scores"] and exact in case["scores"]
        for a, b in zip(case["scores"][path], case["scores"][exact], strict=True)
    ]
    return max(pairs, default=None)


if __name__ == "__main__":
    raise SystemExit(main())
