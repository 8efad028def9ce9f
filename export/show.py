"""What a bundle holds, and what another one changes: `python -m export.show BUNDLE --against OTHER`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_iqa import Inspector
from edge_iqa.bundle import DEFAULT, Bundle
from edge_iqa.cli import BROKEN_PIPE, drop_output
from edge_iqa.errors import EdgeIqaError, PhotoError
from export.console import say, show_table, track
from export.pack import find_photos
from export.report import read_costs

_NOTHING = "-"
_REPORT = "reports/gates.json"


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`. Exit code 1 where a bundle or a photo cannot be read, 141 where nobody
    reads the output any more."""
    parser = argparse.ArgumentParser(
        prog="python -m export.show",
        description="Print what a bundle holds: models, outputs, thresholds, gates, lineage, costs. Every hash is "
        "checked first. With --against, print what differs, and run photos through both.",
    )
    parser.add_argument(
        "bundle", type=Path, nargs="?", default=DEFAULT, help="its folder; default: the one in the package"
    )
    parser.add_argument("--against", type=Path, metavar="OTHER", help="folder of the bundle to compare with")
    parser.add_argument(
        "--photos",
        type=Path,
        nargs="+",
        metavar="PHOTO",
        help="with --against: photos, or folders of photos, to run through both; default: the golden ones of both",
    )
    parser.add_argument(
        "--backend", choices=("onnx", "litert"), help="with --against; default: as on the device"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args(argv)
    if options.against is None and (options.photos or options.backend):
        parser.error("--photos and --backend are for --against OTHER")
    try:
        return 0 if _run(options) else 1
    except BrokenPipeError:  # whoever read our output has gone, as `| head` does
        drop_output()
        return BROKEN_PIPE
    except EdgeIqaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> bool:
    """Show or compare; whether every photo could be read, and there was one where photos were named."""
    bundle = Bundle.open(options.bundle)
    if options.against is None:
        if options.json:
            say(json.dumps(describe(bundle), indent=2))
        else:
            _show(bundle)
        return True
    other = Bundle.open(options.against)
    changes = compare(bundle, other)
    photos = find_photos(options.photos) if options.photos else _golden_photos(bundle, other)
    judged = run_both(bundle, other, photos, options.backend)
    if options.json:
        say(
            json.dumps({"bundle": bundle.label, "against": other.label, "changes": changes, "photos": judged})
        )
    else:
        _show_changes(bundle, other, changes, judged)
    if not photos:
        raise PhotoError("--photos: expected photos, or folders of photos, got none; name some")
    return not any("error" in each for each in judged)


def describe(bundle: Bundle) -> dict[str, Any]:
    """The manifest as plain values, with the hash that stands for the whole bundle."""
    return {"path": str(bundle.path), "manifest_sha256": bundle.manifest_sha256, **asdict(bundle.manifest)}


def compare(bundle: Bundle, other: Bundle) -> dict[str, tuple[Any, Any]]:
    """What differs between two bundles: name of a value → here, there; None where one has none."""
    here, there = _flatten(bundle), _flatten(other)
    names = dict.fromkeys([*here, *there])
    return {name: (here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name)}


def run_both(
    bundle: Bundle, other: Bundle, photos: Sequence[Path], backend: str | None = None
) -> list[dict[str, Any]]:
    """Judge photos with both bundles.

    Args:
        photos: encoded photos.
        backend: `onnx` or `litert`; None takes what the device would.

    Returns:
        For each photo its path and, of both bundles in turn, score (0-100) and verdict; or its error.
    """
    judged: list[dict[str, Any]] = []
    with Inspector.open(bundle.path, backend) as one, Inspector.open(other.path, backend) as two:
        for photo in track(photos, "photos"):
            try:
                reports = one.inspect(photo), two.inspect(photo)
            except PhotoError as error:
                judged.append({"photo": str(photo), "error": str(error)})
                continue
            judged.append(
                {
                    "photo": str(photo),
                    "score": [report.score for report in reports],
                    "verdict": [report.verdict.value for report in reports],
                }
            )
    return judged


def _golden_photos(*bundles: Bundle) -> list[Path]:
    """The golden photos of all bundles, each content once."""
    found: dict[str, Path] = {}
    for bundle in bundles:
        hashes = {entry.path: entry.sha256 for entry in bundle.manifest.files}
        for golden in bundle.manifest.golden:
            found.setdefault(hashes[golden.photo], bundle.path / golden.photo)
    return list(found.values())


def _flatten(bundle: Bundle) -> dict[str, Any]:
    """Values that tell one bundle from another, by dotted names."""
    manifest = bundle.manifest
    told = {
        "version": manifest.version,
        "experimental": manifest.experimental,
        **{f"views.{key}": value for key, value in asdict(manifest.views).items()},
        "attributes": ", ".join(manifest.outputs.attributes),
        "embedding": manifest.outputs.embedding,
        "categories": ", ".join(manifest.outputs.categories),
        "accept from": manifest.thresholds.accept,
        "retake below": manifest.thresholds.reject,
        **{f"{name} at fault below": bound for name, bound in manifest.thresholds.attributes.items()},
        **_tell_calibration(bundle),
        "student": manifest.lineage.student_sha256,
        "teacher": manifest.lineage.teacher_sha256,
        "data": manifest.lineage.data_sha256,
    }
    told |= {f"in use, {runtime}": path for runtime, path in manifest.in_use.items()}
    for entry in bundle.models:
        told |= {f"{entry.path}, bytes": entry.size_bytes, f"{entry.path}, sha256": entry.sha256}
    told |= {gate.name: gate.value for gate in manifest.gates}
    if costs := _costs_of(bundle):
        told["timed on"] = costs["machine"].get("cpu")
        for path, file in costs["files"].items():
            told |= {f"{path}, {name}": value for name, value in _tell_cost(file).items()}
    return told


def _tell_calibration(bundle: Bundle) -> dict[str, float]:
    """Numbers of the curves that tell how sure scores are, by name; none where the bundle has no calibration."""
    calibration = bundle.manifest.calibration
    if calibration is None:
        return {}
    told = {}
    for name, curve in (("overall", calibration.overall), *calibration.attributes.items()):
        told |= {f"{name} as likely good as bad at": curve.midpoint, f"{name} temperature": curve.temperature}
    return told


def _costs_of(bundle: Bundle) -> Mapping[str, Any] | None:
    """What each model took and does, as the gates measured it; None where the bundle is one without reports."""
    if _REPORT not in {entry.path for entry in bundle.manifest.files}:
        return None
    return read_costs((bundle.path / _REPORT).read_bytes(), {entry.path for entry in bundle.models})


def _tell_cost(file: Mapping[str, Any]) -> dict[str, float | None]:
    """Of one model: milliseconds on one thread, million multiplications, megabytes moved (they stand for energy)."""
    return {
        **{
            f"{key.removesuffix('_ms')} ms": (file.get(key) or {}).get("value")
            for key in ("p50_ms", "p90_ms")
        },
        "M multiplications": file["macs"] / 1e6,
        "of them int8": file["int8_macs"] / 1e6,
        "MB moved": (file["weight_bytes"] + file["activation_bytes"]) / 1e6,
    }


def _show(bundle: Bundle) -> None:
    manifest = bundle.manifest
    kind = ", experimental: held to looser bounds than a release" if bundle.experimental else ""
    say(f"{bundle.label}{kind}\nmanifest sha256 {bundle.manifest_sha256}, all files as it says\n")
    used = set(manifest.in_use.values())
    rows = [
        (entry.path, f"{entry.size_bytes / 1e6:.3f}", "yes" if entry.path in used else "", entry.sha256[:12])
        for entry in manifest.files
    ]
    show_table("files", ("file", "MB", "in use", "sha256"), rows)
    spec, outputs, bounds = manifest.views, manifest.outputs, manifest.thresholds
    say(
        f"\nviews: {spec.count} of {spec.size_px} px, {spec.detail} of them details at {spec.long_side_px} px"
    )
    say(f"scores: overall, {', '.join(outputs.attributes)}; embedding of {outputs.embedding}")
    say(f"categories: {', '.join(outputs.categories) or 'none'}")
    say(f"verdict: accept from {bounds.accept:.3f}, retake below {bounds.reject:.3f}, review between")
    say(f"at fault below: {', '.join(f'{name} {value:.3f}' for name, value in bounds.attributes.items())}")
    say(f"confidence, midpoint and temperature: {_list_curves(bundle)}")
    for name in ("student", "teacher", "data"):
        say(f"{name} sha256: {getattr(manifest.lineage, f'{name}_sha256') or 'not told'}")
    say("")
    rows = [
        (
            gate.name,
            _number(gate.value),
            f"{_number(gate.low)} to {_number(gate.high)}",
            str(gate.n),
            gate.bound,
            "held" if gate.passed else "MISSED",
        )
        for gate in manifest.gates
    ]
    show_table("gates", ("gate", "value", "95 % interval", "n", "bound", ""), rows)
    if (costs := _costs_of(bundle)) is None:
        say("\nwhat each model costs stands in the card, or in the reports of the whole bundle")
        return
    told = {path: _tell_cost(file) for path, file in costs["files"].items()}
    rows = [(path, *map(_number, cost.values())) for path, cost in told.items()]
    machine = costs["machine"].get("cpu") or "unknown processor"
    show_table(f"\ncosts, {machine}, one thread", ("model", *next(iter(told.values()), ())), rows)


def _list_curves(bundle: Bundle) -> str:
    calibration = bundle.manifest.calibration
    if calibration is None:
        return "not calibrated"
    curves = {"overall": calibration.overall, **calibration.attributes}
    return ", ".join(f"{name} {curve.midpoint:.3f} {curve.temperature:.3f}" for name, curve in curves.items())


def _show_changes(
    bundle: Bundle, other: Bundle, changes: dict[str, tuple[Any, Any]], judged: list[dict[str, Any]]
) -> None:
    rows = [(name, *(_number(value) for value in pair)) for name, pair in changes.items()]
    # two bundles of one name and version may differ all the same
    headers = [f"{each.label} {each.manifest_sha256[:8]}" for each in (bundle, other)]
    if rows:
        show_table("what differs", ("", *headers), rows)
    else:
        say("nothing differs in views, outputs, thresholds, models, gates and lineage")
    read = [each for each in judged if "error" not in each]
    for each in judged:
        if "error" in each:
            print(f"error: {each['error']}", file=sys.stderr)
    flips = [each for each in read if len(set(each["verdict"])) > 1]
    if flips:
        rows = [
            (each["photo"], *(f"{v} {s:.1f}" for v, s in zip(each["verdict"], each["score"], strict=True)))
            for each in flips
        ]
        show_table("\nphotos whose verdict differs", ("photo", *headers), rows)
    apart = max((abs(each["score"][0] - each["score"][1]) for each in read), default=0.0)
    say(f"{len(read)} photos: {len(flips)} verdicts differ, scores by at most {apart:.1f} of 100")


def _number(value: Any) -> str:
    """A value for people: floats short, hashes cut, nothing as a dash."""
    if value is None:
        return _NOTHING
    if isinstance(value, float):
        return f"{value:.4g}"
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
