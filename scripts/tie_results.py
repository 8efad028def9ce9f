"""Tells results of benches by which judging they were measured: `python scripts/tie_results.py BUNDLE...`

Benches record two hashes: of the bundle's manifest, and of what scores photos (`Bundle.judging_sha256`), which stays
where a bundle is told more about itself and judges as before. Results of before have the first alone; this adds the
second to those that were measured with one of these bundles, and changes nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts scripts/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from edge_iqa.bundle import Bundle
from edge_iqa.errors import EdgeIqaError
from edge_iqa.files import write_json

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"


def main(argv: list[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(
        description="Add the hash of what scores photos to results that were measured with these bundles."
    )
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE", help="folder of a bundle")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder; default: %(default)s")
    options = parser.parse_args(argv)
    try:
        opened = [Bundle.open(path) for path in options.bundles]
        known = {bundle.manifest_sha256: bundle.judging_sha256 for bundle in opened}
        for path in sorted(options.results.rglob("*.json")):
            if (tied := tie(json.loads(path.read_text(encoding="utf-8")), known)) is not None:
                print(f"tied {write_json(path, tied)}")
    except EdgeIqaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def tie(result: Any, known: Mapping[str, str]) -> dict[str, Any] | None:
    """Add the hash to a result.

    Args:
        known: hash of a manifest → hash of what scores photos.

    Returns:
        The result with it; None where there is nothing to add: it has it, or is of another bundle, or of none.
    """
    if not isinstance(result, dict):
        return None
    if (judging := known.get(str(result.get("manifest_sha256")))) and "judging_sha256" not in result:
        told: dict[str, Any] = {}
        for name, value in result.items():
            told[name] = value
            if name == "manifest_sha256":
                told["judging_sha256"] = judging
        return told
    inner = tie(result.get("bundle"), known)
    return None if inner is None else {**result, "bundle": inner}


if __name__ == "__main__":
    raise SystemExit(main())
