"""Artifacts + gate report → one hash-checked bundle: `python -m export.pack`.

A bundle is written whole or not at all: it is put together in a hidden folder beside its place,
opened and run there as a device would, and only then renamed. Same inputs, same bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx

from edge_iqa import Inspector
from edge_iqa.backends import NAMES
from edge_iqa.bundle import Bundle
from edge_iqa.errors import BundleError, EdgeIqaError, GateError, OutputError
from edge_iqa.manifest import FILE_NAME, SCHEMA, Thresholds
from edge_iqa.measure import measure
from edge_iqa.verdict import judge
from export.card import write_card
from export.console import say, show_table
from export.contract import ModelInfo
from export.golden import GoldenCase, encode_views, make_cases, measure_tolerance
from export.report import MODEL_NAME, GateReport, read_models, read_report

_CARD = "MODEL_CARD.md"
_REPORTS = ("parity.json", "quantize.json")
_PHOTOS = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, eq=False)
class Packing:
    """A bundle before it is written: its files by path, and its manifest."""

    files: dict[str, bytes]
    manifest: dict[str, Any]

    @property
    def label(self) -> str:
        """Name of its folder, such as `default-0.1.0`."""
        return f"{self.manifest['name']}-{self.manifest['version']}"

    @property
    def manifest_bytes(self) -> bytes:
        """`manifest.json`."""
        return (json.dumps(self.manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`. Exit code 1 where a gate refuses, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m export.pack",
        description="Pack models into a bundle, if their gate report vouches for exactly these files.",
    )
    parser.add_argument(
        "--artifacts", type=Path, required=True, help="folder with model.{fp32,int8}.{onnx,tflite}"
    )
    parser.add_argument("--gates", type=Path, help="gate report; default: gates.json in the artifacts folder")
    parser.add_argument("--name", default="default", help="default: %(default)s")
    parser.add_argument("--version", default="0.1.0", help="semantic version; default: %(default)s")
    parser.add_argument(
        "--golden", type=Path, nargs="+", required=True, metavar="PHOTO", help="photos, or folders of photos"
    )
    parser.add_argument("--about", type=Path, help="Markdown on the training data, for the model card")
    parser.add_argument(
        "--out", type=Path, default=Path("bundles"), help="gets NAME-VERSION/; default: %(default)s"
    )
    parser.add_argument(
        "--trim",
        type=Path,
        metavar="DIR",
        help="also write the package's bundle: models in use, golden, card",
    )
    parser.add_argument("--replace", action="store_true", help="replace a bundle of this name and version")
    options = parser.parse_args(argv)
    try:
        _run(options)
    except EdgeIqaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; nothing was packed", file=sys.stderr)
        return 130
    return 0


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
    )
    folder = write_bundle(packing, options.out / packing.label, replace=options.replace)
    if options.trim:
        write_bundle(trim(packing), options.trim, replace=True)
    _show(packing, folder, options.trim)


def make_packing(
    models: Mapping[str, bytes],
    report: GateReport,
    name: str,
    version: str,
    photos: Sequence[Path],
    reports: Mapping[str, bytes] | None = None,
    about: str = "",
) -> Packing:
    """Put a bundle together in memory.

    Args:
        models: file name → content.
        report: vouches for them.
        photos: golden photos.
        reports: further reports to put beside the gate report, name → content.
        about: Markdown on the training data, for the card.

    Raises:
        GateError: the models are not all from one student, or disagree on a golden photo.
    """
    info = read_info(models)
    if info.student_sha256 != report.fields["lineage"].get("student_sha256"):
        raise GateError("lineage: the gates were measured for another student than the models were made from")
    cases = make_cases(photos, models, info.spec)
    files = {
        **models,
        **{f"golden/{case.name}": case.content for case in cases},
        **{f"golden/{case.views_name}": encode_views(case.views) for case in cases},
        **{f"reports/{each}": content for each, content in (reports or {}).items()},
        "reports/gates.json": report.content,
    }
    thresholds = read_thresholds(report, info)
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "name": name,
        "version": version,
        "experimental": report.fields["experimental"],
        "views": asdict(info.spec),
        "outputs": {"attributes": list(info.attributes), "embedding": info.embedding, "categories": []},
        "thresholds": report.fields["thresholds"],
        "lineage": report.fields["lineage"],
        "in_use": report.in_use,
        "files": _list_files(files),
        "golden": [_describe_case(case, report.in_use, info, thresholds) for case in cases],
        "tolerance": measure_tolerance(cases, models, info.spec),
        "gates": report.fields["gates"],
        "full_bundle_sha256": None,
    }
    files[_CARD] = write_card(manifest, about).encode()
    manifest["files"] = _list_files(files)
    return Packing(files, manifest)


def trim(packing: Packing) -> Packing:
    """The bundle for the package: complete in itself, with the models in use, golden cases and card alone."""
    in_use = set(packing.manifest["in_use"].values())
    files = {
        path: content
        for path, content in packing.files.items()
        if path in in_use or path == _CARD or path.startswith("golden/")
    }
    golden = [
        {**case, "scores": {name: scores for name, scores in case["scores"].items() if name in in_use}}
        for case in packing.manifest["golden"]
    ]
    manifest = {
        **packing.manifest,
        "files": _list_files(files),
        "golden": golden,
        "full_bundle_sha256": hashlib.sha256(packing.manifest_bytes).hexdigest(),
    }
    return Packing(files, manifest)


def write_bundle(packing: Packing, folder: Path, replace: bool = False) -> Path:
    """Write a bundle whole or not at all, after it has passed its self-test in a hidden folder beside.

    A bundle of the same bytes that stands there already is left as it is.

    Raises:
        GateError: the self-test failed on a golden photo.
        OutputError: another bundle is there and may not be replaced, or the place cannot be written.
    """
    there = _read_manifest(folder)
    if there == packing.manifest_bytes and _is_whole(folder):
        return folder
    if os.path.lexists(folder) and not (replace and folder.is_dir()):
        raise OutputError(f"{folder}: something else is there; raise --version, or give --replace")
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        whole = temporary / "new"
        for path, content in (*packing.files.items(), (FILE_NAME, packing.manifest_bytes)):
            (whole / path).parent.mkdir(parents=True, exist_ok=True)
            (whole / path).write_bytes(content)
        self_test(whole)
        if os.path.lexists(folder):
            folder.rename(temporary / "old")
        whole.rename(folder)
    except OSError as error:
        raise OutputError(
            f"{folder}: could not be written ({error.strerror or error}); free some space or choose another folder"
        ) from error
    finally:
        if temporary is not None:
            _clear(temporary, folder)
    return folder


def self_test(folder: Path) -> None:
    """Open a bundle with each of its runtimes as a device would, and run its golden photos.

    Raises:
        GateError: a golden photo did not come out as recorded, or the bundle does not open.
    """
    try:
        in_use = json.loads((folder / FILE_NAME).read_bytes())["in_use"]
        for runtime in in_use:
            with Inspector.open(folder, backend=NAMES[runtime]) as inspector:
                failed = [each for each in inspector.self_test() if not each.passed]
            if failed:
                raise GateError(f"golden: {failed[0].photo} came out otherwise with {runtime}: {failed[0]}")
    except BundleError as error:
        raise GateError(f"self-test: the bundle does not open: {error}") from error


def read_info(models: Mapping[str, bytes]) -> ModelInfo:
    """What the ONNX files say about themselves; all must say the same.

    Raises:
        GateError: no ONNX file, one without our metadata, or two that differ.
    """
    found = []
    for name, content in models.items():
        if name.endswith(".onnx"):
            meta = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}
            try:
                info = ModelInfo.from_metadata(meta)
            except (KeyError, ValueError, TypeError) as error:
                raise GateError(
                    f"{name}: its metadata is not that of compression.quantize ({error})"
                ) from error
            found.append(info)
    if not found or any(info != found[0] for info in found):
        raise GateError(
            "lineage: expected ONNX files that come from one student, got " + str(found or "none")
        )
    return found[0]


def read_thresholds(report: GateReport, info: ModelInfo) -> Thresholds:
    """The bounds of the gate report.

    Raises:
        GateError: one is missing.
    """
    try:
        thresholds = Thresholds(**report.fields["thresholds"])
    except TypeError as error:
        raise GateError(
            f"thresholds: expected accept, reject, attributes and dark_below ({error})"
        ) from error
    if set(thresholds.attributes) != set(info.attributes):
        raise GateError(
            f"thresholds: expected a bound for each of {info.attributes}, got {thresholds.attributes}"
        )
    return thresholds


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Photos among files and folders, sorted."""
    photos: set[Path] = set()
    for path in paths:
        photos |= (
            {each for each in path.iterdir() if each.suffix.lower() in _PHOTOS} if path.is_dir() else {path}
        )
    return sorted(photos)


def _describe_case(
    case: GoldenCase, in_use: Mapping[str, str], info: ModelInfo, thresholds: Thresholds
) -> dict[str, Any]:
    """One entry of `golden`; the verdict is that of the runtime that is chosen first."""
    first = next(in_use[runtime] for runtime in NAMES if runtime in in_use)
    overall, *attributes = case.scores[first].tolist()
    named = dict(zip(info.attributes, attributes, strict=True))
    judgement = judge(overall, named, measure(case.frame), thresholds)
    return {
        "photo": f"golden/{case.name}",
        "views": f"golden/{case.views_name}",
        "scores": {name: [float(value) for value in scores] for name, scores in case.scores.items()},
        "verdict": judgement.verdict.value,
    }


def _list_files(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    listed = []
    for path in sorted(files):
        entry: dict[str, Any] = {
            "path": path,
            "sha256": hashlib.sha256(files[path]).hexdigest(),
            "bytes": len(files[path]),
        }
        if match := MODEL_NAME.fullmatch(path):
            entry |= {"runtime": match[2], "precision": match[1]}
        listed.append(entry)
    return listed


def _read_manifest(folder: Path) -> bytes | None:
    try:
        return (folder / FILE_NAME).read_bytes()
    except OSError:
        return None


def _is_whole(folder: Path) -> bool:
    try:
        Bundle.open(folder)
    except BundleError:
        return False
    return True


def _clear(temporary: Path, folder: Path) -> None:
    """Remove the hidden folder; what stood at the bundle's place goes back if nothing new got there."""
    with contextlib.suppress(OSError):
        if not os.path.lexists(folder) and (temporary / "old").is_dir():
            (temporary / "old").rename(folder)
    shutil.rmtree(temporary, ignore_errors=True)


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
