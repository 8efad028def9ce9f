"""Does the device order photos rightly? `python benchmarks/accuracy.py --data photos.csv`

Every photo of the `test` split, which training never saw, is spoiled by every fault at several
severities and scored from its encoded bytes through `edge_iqa`, by the model in use. A pair is in
order when the clean rendering scores above the spoiled one; a tie is out of order.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.machine import describe
from compression.command import positive, run_command
from compression.data import Photo, hash_photos, read_photos, select
from compression.degradations import FAULTS, degrade
from compression.metrics import estimate_share
from compression.progress import console, track
from edge_iqa import Inspector, image
from edge_iqa.files import write_json

SEVERITIES = (0.25, 0.5, 0.75, 1.0)
RESULTS = Path(__file__).parent / "results"


def main(argv: list[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(description="Share of clean-spoiled pairs in order, on held-out photos.")
    parser.add_argument("--data", type=Path, required=True, help="CSV with a split `test`, or a folder")
    parser.add_argument("--bundle", type=Path, help="default: the one in the package")
    parser.add_argument("--backend", choices=("onnx", "litert"), help="default: what the device would choose")
    parser.add_argument("--limit", type=positive, help="at most so many photos")
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: %(default)s")
    return run_command(bench, parser.parse_args(argv))


def bench(options: argparse.Namespace) -> None:
    """Score all renderings, write the result, print the table."""
    photos = select(read_photos(options.data), "test", options.limit)
    rows = []
    with Inspector.open(options.bundle, options.backend) as inspector:
        for photo in track(photos, len(photos), "photos"):
            rows += _score_photo(inspector, photo)
        bundle, backend = inspector.bundle, inspector.backend
    result = {
        "what": "share of pairs in which the clean rendering outscores the spoiled one; test photos, int8 or as in use",
        "bundle": bundle.label,
        "manifest_sha256": bundle.manifest_sha256,
        "model": bundle.manifest.in_use[backend.name],
        "backend": backend.version,
        "data": options.data.name,
        "data_sha256": hash_photos(photos),
        "photos": len(photos),
        "groups": len({photo.group for photo in photos}),
        "severities": SEVERITIES,
        "clean_accepted": _share([row for row in rows if row["fault"] is None], "accepted"),
        "pairs": summarize_pairs(rows),
        "machine": describe(),
    }
    path = write_json(options.out / f"accuracy-{backend.name}.json", result)
    for name, share in result["pairs"].items():
        console.print(
            f"{name:32s} {share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]  n {share['n']}"
        )
    console.print(f"wrote {path}")


def summarize_pairs(rows: list[dict[str, Any]]) -> dict[str, dict[str, float | int]]:
    """Shares of pairs in order: all, by fault, by fault and severity; intervals resample groups."""
    pairs = [row for row in rows if row["fault"]]
    named = {"all": pairs}
    for fault in FAULTS:
        named[fault] = [row for row in pairs if row["fault"] == fault]
        for severity in SEVERITIES:
            named[f"{fault} {severity}"] = [row for row in named[fault] if row["severity"] == severity]
    return {name: _share(chosen, "in_order") for name, chosen in named.items()}


def _share(rows: list[dict[str, Any]], key: str) -> dict[str, float | int]:
    return estimate_share(np.array([row[key] for row in rows]), [row["group"] for row in rows]).to_dict()


def _score_photo(inspector: Inspector, photo: Photo) -> list[dict[str, Any]]:
    """One row a rendering: fault, severity, group, whether it scored below the clean one."""
    encoded = photo.path.read_bytes()
    pixels = image.read(encoded).pixels
    clean = inspector.inspect(degrade(pixels, None, 0.0, _rng(encoded, "clean", 0.0)))
    rows = [{"fault": None, "group": photo.group, "accepted": clean.verdict.value == "accept"}]
    for fault in FAULTS:
        for severity in SEVERITIES:
            spoiled = inspector.inspect(degrade(pixels, fault, severity, _rng(encoded, fault, severity)))
            in_order = clean.score > spoiled.score
            rows.append({"fault": fault, "severity": severity, "group": photo.group, "in_order": in_order})
    return rows


def _rng(encoded: bytes, fault: str, severity: float) -> np.random.Generator:
    """A generator of the photo's content: the same renderings in every run, none that training drew."""
    text = f"accuracy {hashlib.sha256(encoded).hexdigest()} {fault} {severity}"
    return np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:16], 16))


if __name__ == "__main__":
    raise SystemExit(main())
