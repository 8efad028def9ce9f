"""Adds a calibration to a gate report of before there was one: `python -m compression.calibrate`.

Gates of today fit it themselves. What they measured stays as it is, and so do the models; the photos of `val` are
scored again, and thresholds fitted anew must come out as those of the report, or these are other photos or scores.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compression.command import run_command
from compression.confidence import fit_calibration
from compression.data import hash_photos, read_photos, select
from compression.dataset import CACHE
from compression.gates import read_artifacts
from compression.progress import console
from compression.scoring import Split, score_split
from compression.thresholds import fit_thresholds
from edge_iqa.errors import DataError, GateError
from edge_iqa.files import write_json
from export.assemble import read_info
from export.report import read_report

_NEAR = 1e-3
"""How far thresholds may lie from those of the report: another processor's kernels, no other photos."""


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.calibrate",
        description="Fit on val how sure scores are, and write it into a gate report that was made without. Models, "
        "thresholds and gates stay as they are; export.pack then makes the bundle, of a higher version.",
    )
    parser.add_argument(
        "--artifacts",
        type=Path,
        required=True,
        help="folder with the models and gates.json, or a whole bundle",
    )
    parser.add_argument("--gates", type=Path, help="gate report; default: gates.json in the artifacts folder")
    parser.add_argument(
        "--data", type=Path, required=True, help="the CSV or folder that the gates were measured on"
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument("--out", type=Path, help="where the report goes; default: where it was read")
    return run_command(calibrate, parser.parse_args(argv))


def calibrate(options: argparse.Namespace) -> None:
    """Score val, fit, write the report.

    Raises:
        GateError: the report does not vouch for the models, or its thresholds do not come out again.
        DataError: other photos than the gates were measured on, or labels of one kind alone.
    """
    files = read_artifacts(options.artifacts)
    path = options.gates or options.artifacts / "gates.json"
    report = read_report(path, files)
    photos = read_photos(options.data)
    _check_photos(options.data, hash_photos(photos), report.fields["lineage"])
    info, fitted_with = read_info(files), report.in_use["onnx"]
    recipe = report.fields["lineage"].get("recipe") or {}
    val = score_split(
        select(photos, "val"),
        "val",
        info,
        {fitted_with: files[fitted_with]},
        options.cache,
        recipe.get("scenes", 40),
        recipe.get("every_fault", False),
    )
    scores = val.scores[fitted_with]
    again = fit_thresholds(scores, val.samples, info.attributes, val.luma)
    check_thresholds(report.fields["thresholds"], again)
    calibration = fit_calibration(scores, val.samples, info.attributes)
    if calibration is None:
        raise DataError(f"{options.data}: expected good and bad labels in split 'val', got one kind alone")
    written = write_json(options.out or path, add_calibration(report.content, calibration, val, fitted_with))
    console.print(f"wrote {written}; export.pack, with a higher --version, makes the bundle")


def _check_photos(source: Path, sha256: str, lineage: Mapping[str, Any]) -> None:
    if sha256 != lineage.get("data_sha256"):
        raise DataError(
            f"{source}: expected the photos that the gates were measured on (sha256 {lineage.get('data_sha256')}), "
            f"got others ({sha256}); run `python -m compression.gates` on these"
        )


def check_thresholds(told: Mapping[str, Any], again: Mapping[str, Any]) -> None:
    """Refuse where thresholds fitted anew are not those of the report.

    Raises:
        GateError: names the first that differs.
    """
    names = ("accept", "reject", "dark_below")
    pairs = {name: (told[name], again[name]) for name in names}
    pairs |= {name: (bound, again["attributes"][name]) for name, bound in told["attributes"].items()}
    for name, (before, now) in pairs.items():
        if abs(before - now) > _NEAR:
            raise GateError(
                f"thresholds.{name}: expected {before:g}, as in the report, got {now:g} from the scores measured now; "
                "run `python -m compression.gates` again"
            )


def add_calibration(
    content: bytes, calibration: Mapping[str, Any], val: Split, fitted_with: str
) -> dict[str, Any]:
    """The report with the calibration behind its thresholds; its lineage tells that it came later."""
    report = json.loads(content)
    told: dict[str, Any] = {}
    for name, value in report.items():
        if name != "calibration":
            told[name] = value
        if name == "thresholds":
            told["calibration"] = dict(calibration)
    recipe = dict(told["lineage"].get("recipe") or {})
    recipe["calibration"] = {
        "made": "after the gates, by compression.calibrate",
        "fitted_with": fitted_with,
        "samples": len(val.samples),
        "groups": len(set(val.groups)),
    }
    told["lineage"] = {**told["lineage"], "recipe": recipe}
    return told


if __name__ == "__main__":
    raise SystemExit(main())
