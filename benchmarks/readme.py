"""Results → the tables of the README: `python benchmarks/readme.py`. No figure there is typed by hand."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from compression.gates import BOUNDS

CHECKOUT = Path(__file__).resolve().parent.parent
RESULTS = CHECKOUT / "benchmarks" / "results"
BEGIN, END = "<!-- results: python benchmarks/readme.py -->", "<!-- end of results -->"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(
        description="Write the results into the README, or check that they are in it."
    )
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if the README is not up to date"
    )
    options = parser.parse_args(argv)
    path = CHECKOUT / "README.md"
    old = path.read_text(encoding="utf-8")
    new = insert(old, render(RESULTS))
    if options.check:
        return int(old != new)
    path.write_text(new, encoding="utf-8")
    return 0


def insert(readme: str, results: str) -> str:
    """Put the results between the two marks.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md: expected the marks {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{results}\n{END}{after}"


def render(folder: Path) -> str:
    """All tables, as Markdown."""
    accuracy = [
        json.loads((folder / f"accuracy-{runtime}.json").read_text()) for runtime in ("onnx", "tflite")
    ]
    gates = json.loads((folder / "gates.json").read_text())
    latency = json.loads((folder / "latency-host.json").read_text())
    return "\n".join([*_pairs(accuracy), "", *_gates(gates), "", *_latency(latency), ""])


def _pairs(results: Sequence[dict[str, Any]]) -> list[str]:
    first = results[0]
    names = [name for name in first["pairs"] if " " not in name]
    columns = [f"{result['model']} ({result['backend']})" for result in results]
    rows = [
        [name.replace("_", "-"), *(_share(result["pairs"][name]) for result in results)] for name in names
    ]
    return [
        f"**Order.** {first['photos']} photos of {first['groups']} groups that training never saw, each spoiled by six "
        f"faults at severities {', '.join(f'{each:g}' for each in first['severities'])}, scored from encoded bytes: "
        "share of pairs in which the clean photo scores above its spoiled copy [95 % interval, groups resampled].",
        "",
        *_table(["fault", *columns], rows),
    ]


def _gates(report: dict[str, Any]) -> list[str]:
    rows = [
        [
            gate["name"],
            f"{gate['value']:.4g} [{gate['low']:.4g}, {gate['high']:.4g}]",
            str(gate["n"]),
            gate["bound"],
            "held" if gate["passed"] else "missed",
        ]
        for gate in report["gates"]
    ]
    bounds = report["lineage"]["recipe"]["bounds"]
    looser = [
        f"`{key}` {value:g} (a release: {BOUNDS[key]:g})"
        for key, value in bounds.items()
        if value != BOUNDS[key]
    ]
    kind = f" The bundle is **experimental**: {', '.join(looser)}." if looser else ""
    return [
        f"**Gates** of the default bundle, on `test`; a bound holds for the worse end of its interval.{kind}",
        "",
        *_table(["gate", "measured", "n", "bound", ""], rows),
    ]


def _latency(result: dict[str, Any]) -> list[str]:
    machine, rows = result["machine"], []
    sizes = {
        each["name"]: f"{each['name']}, {each['width_px']}x{each['height_px']}" for each in result["photos"]
    }
    for row in result["results"]:
        stages, photo = row["stages"], sizes[row["photo"]]
        cells = [_ms(stages[stage]["p50_ms"]) for stage in ("decode", "views", "model", "verdict")]
        whole = [_ms(stages["whole"][key]) for key in ("p50_ms", "p90_ms", "p99_ms")]
        rows.append([photo, f"{row['backend']} {row['precision']}", *cells, *whole])
    warnings = "".join(f" Warning: {each}." for each in result["warnings"])
    header = ["photo", "model", "decode", "views", "model", "verdict", "whole p50", "p90", "p99"]
    return [
        f"**Latency** on a host ({machine['cpu']}, {machine['cores']} cores, 1 thread), ms, from encoded bytes; stages "
        f"are p50. Read them as ratios: this is no phone.{warnings}",
        "",
        *_table(header, rows),
    ]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _share(share: dict[str, float]) -> str:
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}], n {share['n']}"


def _ms(estimate: dict[str, float] | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.1f}"


if __name__ == "__main__":
    raise SystemExit(main())
