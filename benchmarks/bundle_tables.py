"""What bundles came to: their gates, and the recipes' bundles side by side, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.result_file import read_json
from benchmarks.rows import to_table
from compression.slices import SLICE_GATE
from export.release import BOUNDS, is_looser

BUNDLES = {"tiny": 0.8, "default": 1.5, "quality": 4.0}
"""Bundles of the recipes, and how large the int8 TFLite file of each may be, MB."""
_REPORTS = ("gates.json", "quantize.json")
_BUNDLE_GATES = {
    "student vs teacher, SRCC": (r"student vs teacher, SRCC", "≥", "student_teacher_srcc"),
    "the same on the worst slice": (SLICE_GATE.format(kind=".*", name=".*"), "≥", "slice_srcc"),
    "student / teacher, SRCC against labels": (r".*SRCC against labels", "≥", "student_teacher_label_ratio"),
    "int8 vs float: SRCC": (r"int8 vs fp32 .*, SRCC", "≥", "int8_srcc"),
    "int8 vs float: p99 of the difference": (r"int8 vs fp32 .*p99.*", "≤", "int8_p99"),
    "int8 vs float: verdict flips of clear photos": (r"int8 vs fp32 .*flips.*", "≤", "int8_flips"),
    "same verdict through ONNX and TFLite": (r"same verdict.*", "≥", "runtimes_agree"),
    "times as fast as its float": (r"int8 speed-up.*", ">", "int8_speed_up"),
}
"""What is shown of a bundle's gates: what it is called here; the gate's name, sign and bound."""


def tell_gates(report: dict[str, Any]) -> list[str]:
    """Of the slices only the worst has a row: the card has them all."""
    of_slices = {SLICE_GATE.format(**each): each for each in report.get("slices", ())}
    slices = [gate for gate in report["gates"] if gate["name"] in of_slices]
    worst = min(slices, key=lambda gate: gate["low"], default=None)
    rows = [
        [
            f"{gate['name']} (the worst of {len(slices)} slices)" if gate is worst else gate["name"],
            f"{gate['value']:.4g} [{gate['low']:.4g}, {gate['high']:.4g}]",
            str(gate["n"]),
            gate["bound"],
            "held" if gate["passed"] else "missed",
        ]
        for gate in report["gates"]
        if gate is worst or gate not in slices
    ]
    bounds = BOUNDS | report["lineage"]["recipe"]["bounds"]
    looser = [
        f"`{key}` {value:g} (a release: {BOUNDS[key]:g})"
        for key, value in bounds.items()
        if is_looser(BOUNDS | {key: value})
    ]
    kind = f" The bundle is **experimental**: {', '.join(looser)}." if report["experimental"] else ""
    return [
        f"**Gates** of the default bundle, on `test`; a bound holds for the worse end of its interval.{kind}",
        "",
        *to_table(["gate", "measured", "n", "bound", ""], rows),
        *_unmeasured(len(of_slices) - len(slices), len(of_slices)),
    ]


def tell_bundles(folder: Path) -> list[str]:
    """What the recipes make, side by side: those whose reports are kept in a folder of their name."""
    made = {name: folder / name for name in BUNDLES if (folder / name / "gates.json").is_file()}
    columns = [_bundle_column(*(read_json(path / file) for file in _REPORTS)) for path in made.values()]
    sizes = ", ".join(f"{BUNDLES[name]:g}" for name in made)
    bounds = {"int8 TFLite file, MB": f"≤ {sizes}"} | {
        what: f"{sign} {BOUNDS[key]:g}" for what, (_, sign, key) in _BUNDLE_GATES.items()
    }
    order = dict.fromkeys(what for column in columns for what in column)
    rows = [[what, *(column.get(what, "-") for column in columns), bounds.get(what, "")] for what in order]
    return [
        "**Bundles**, one a recipe ([`compression/recipes`](../compression/recipes)); gates on `test`, of each the "
        "worse of the two runtimes where both have one; work is that of the TFLite file; bounds are those of a "
        "release.",
        "",
        *to_table(["", *(f"`{name}`" for name in made), "bound"], rows),
        *_busy(made),
    ]


def _busy(made: Mapping[str, Path]) -> list[str]:
    """Which bundles were timed while others worked."""
    told = []
    for name, path in made.items():
        costs = read_json(path / "gates.json").get("costs", {})
        told += [f"`{name}`: {each}" for each in costs.get("warnings", ()) if "during the run" in each]
    return ["", f"Times to be taken with care: {'; '.join(told)}."] if told else []


def _bundle_column(gates: dict[str, Any], quantized: dict[str, Any]) -> dict[str, str]:
    """Figures of one bundle, by what they are."""
    name = "model.int8.tflite"
    column = {"int8 TFLite file, MB": f"{quantized['files'][name]['bytes'] / 1e6:.2f}"}
    if cost := gates.get("costs", {}).get("files", {}).get(name):
        moved = cost["weight_bytes"] + cost["activation_bytes"]
        column["multiplications of a photo, M"] = f"{cost['macs'] / 1e6:.0f}"
        column["bytes that it moves, MB"] = f"{moved / 1e6:.1f}"
    for what, (part, sign, _) in _BUNDLE_GATES.items():
        found = [gate for gate in gates["gates"] if re.fullmatch(part, gate["name"])]
        if found:
            worst = (
                min(found, key=lambda gate: gate["low"])
                if sign != "≤"
                else max(found, key=lambda gate: gate["high"])
            )
            column[what] = f"{worst['value']:.4g} [{worst['low']:.4g}, {worst['high']:.4g}]"
    return column


def _unmeasured(small: int, slices: int) -> list[str]:
    if not small:
        return []
    return [
        "",
        f"{small} of {slices} slices were too small to be measured by themselves; the bundle's card names them.",
    ]
