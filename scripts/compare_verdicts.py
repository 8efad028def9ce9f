"""Hold two runs of `edge-iqa inspect --json` against each other: `python scripts/compare_verdicts.py A B`.

Two runtimes, two versions, two machines: do they say the same of the same photos? Needs Python alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the script; see `--help`. Exit code 1 where fewer agree than asked for."""
    parser = argparse.ArgumentParser(
        description="Compare the verdicts of two runs of `edge-iqa inspect --json` on the same photos."
    )
    parser.add_argument("runs", type=Path, nargs=2, metavar="RUN", help="what the command printed")
    parser.add_argument(
        "--at-least", type=_share, default=0.99, help="share of the same verdict; default: %(default)s"
    )
    options = parser.parse_args(argv)
    try:
        first, second = map(read, options.runs)
        return compare(first, second, options.at_least)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _share(text: str) -> float:
    """Read a share from 0 to 1, for argparse."""
    value = float(text) if text.replace(".", "", 1).isdigit() else -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, got {text!r}")
    return value


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Name of the photo → what was said of it.

    Raises:
        ValueError: no file, or not what `edge-iqa inspect --json` prints.
    """
    try:
        said = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        found = {Path(each["file"]).name: each for each in said}
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected the output of `edge-iqa inspect --json` ({error!r})") from error
    if len(found) < len(said):
        raise ValueError(f"{path}: two photos have one name; photos are told apart by it")
    return found


def compare(first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]], at_least: float) -> int:
    """Print how many verdicts are the same and how far the scores lie apart.

    Raises:
        ValueError: no photo, or other photos on one side.
    """
    if first.keys() != second.keys() or not first:
        other = sorted(first.keys() ^ second.keys())
        raise ValueError(
            f"expected the same photos on both sides, at least one; on one side alone: {other[:5]}"
        )
    both = [(name, first[name], second[name]) for name in sorted(first)]
    for name, one, two in both:
        for each in (one, two):
            if not isinstance(each.get("verdict"), str) or not isinstance(each.get("score"), int | float):
                raise ValueError(
                    f"{name}: expected a report with verdict and score, got {each.get('error') or each}"
                )
    differ = [each for each in both if each[1]["verdict"] != each[2]["verdict"]]
    for name, one, two in differ:
        print(f"{name}: {one['verdict']} ({one['score']:.1f}) or {two['verdict']} ({two['score']:.1f})")
    share = 1 - len(differ) / len(both)
    apart = max(abs(one["score"] - two["score"]) for _, one, two in both)
    print(
        f"same verdict: {share:.4f} of {len(both)} photos, asked for {at_least}; scores differ by up to {apart:.2f}"
    )
    return 0 if share >= at_least else 1


if __name__ == "__main__":
    raise SystemExit(main())
