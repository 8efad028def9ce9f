"""The gate report: which files were proven, what was measured, and whether all of it still holds."""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_iqa.errors import BundleError, GateError
from edge_iqa.fields import Field, parse
from edge_iqa.manifest import RUNTIMES, read_gate
from export.release import is_looser

MODEL_NAME = re.compile(r"model\.([a-z0-9]+)\.(onnx|tflite)")
_BOUND = re.compile(r"(>=|<=|>) ([0-9.]+(?:e-?[0-9]+)?)")
_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
}
REPORT_SCHEMA = 2
"""Raised with each gate that is added: a report of before does not vouch for it."""
SPEED_GATE = "int8 speed-up ({runtime})"
"""The one gate that decides instead of refusing: where int8 is not faster, the float file is in use."""


@dataclass(frozen=True, eq=False)
class GateReport:
    """`gates.json`, checked.

    Attributes:
        content: its bytes, which go into the bundle.
        in_use: runtime → file.
        fields: the rest of it: `experimental`, `thresholds`, `gates`, `lineage`, and `calibration`, `slices` and
            `costs` where there are any.
    """

    content: bytes
    in_use: dict[str, str]
    fields: Mapping[str, Any]


def read_report(path: Path, models: Mapping[str, bytes]) -> GateReport:
    """Read the gate report of some models; refuse where it does not vouch for exactly these.

    Args:
        models: file name → content.

    Raises:
        GateError: the report is missing or no report, a gate failed (it is named), or a file was
            altered, added or removed since the gates were measured.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GateError(
            f"{path}: expected the gate report, could not read it ({error.strerror or error}); "
            "run `python -m compression.gates` first"
        ) from error
    try:
        root = parse(content, path.name)
        _check_gates(root)
        _check_schema(root)
        _check_files(root, models)
        _check_slices(root)
        _check_costs(root, models)
        in_use = {runtime: file.text() for runtime, file in root["in_use"].members()}
        _check_experimental(root)
        dict(root["thresholds"].members())
    except BundleError as error:  # how `fields` says that a value is not what it should be
        raise GateError(f"{error}; run `python -m compression.gates` again") from error
    fields = root.value
    known = set(in_use.values()) <= set(models) and set(in_use) <= set(RUNTIMES)
    if not isinstance(fields, dict) or not in_use or not known:
        raise GateError(f"{path.name}: in_use: expected one of the models for each runtime, got {in_use}")
    return GateReport(content, in_use, fields)


def read_models(folder: Path) -> dict[str, bytes]:
    """Read `model.PRECISION.RUNTIME` files of a folder.

    Raises:
        GateError: there is none.
    """
    names = sorted(
        path.name for path in folder.glob("model.*") if MODEL_NAME.fullmatch(path.name) and path.is_file()
    )
    if not names:
        raise GateError(
            f"{folder}: expected models such as model.int8.onnx, found none; run compression.quantize"
        )
    return {name: (folder / name).read_bytes() for name in names}


def read_costs(content: bytes, models: Collection[str]) -> Mapping[str, Any] | None:
    """Read what each model costs, and on which machine, from a gate report; None where it tells nothing of that.

    Raises:
        GateError: the report is not what `compression.gates` writes.
    """
    try:
        root = parse(content, "gates.json")
        _check_costs(root, models)
        value = root.value
    except BundleError as error:
        raise GateError(f"{error}; run `python -m compression.gates` again") from error
    return value.get("costs") if isinstance(value, dict) else None


def read_float_layers(content: bytes | None, models: Mapping[str, bytes]) -> dict[str, int]:
    """Read from `quantize.json` how many convolutions of each int8 file compute in float.

    Args:
        content: of that report; None where there is none.
        models: file name → content; nothing is told of a file that the report was not made with.

    Raises:
        GateError: the report is not what `compression.quantize` writes.
    """
    if content is None:
        return {}
    counts = {}
    try:
        root = parse(content, "quantize.json")
        files, chosen = root.get("files"), root.get("chosen")
        for runtime, trial in chosen.members() if files and chosen else ():
            name = f"model.int8.{runtime}"
            count, file = _count_float(trial), files.get(name) if files else None
            if count is None or file is None or name not in models:
                continue
            if file["sha256"].text() == hashlib.sha256(models[name]).hexdigest():
                counts[name] = count
    except BundleError as error:
        raise GateError(f"{error}; run `python -m compression.quantize` again") from error
    return counts


def _count_float(trial: Field) -> int | None:
    """Reports of before 0.2 tell the number alone."""
    if (layers := trial.get("float_layers")) is not None:
        return len(layers.items())
    number = trial.get("keep_float")
    return None if number is None else number.whole(0, 1 << 20)


def _check_schema(root: Field) -> None:
    schema = root.get("schema")
    if schema is None or schema.whole(1, 1 << 20) != REPORT_SCHEMA:
        found = "none" if schema is None else schema.value
        raise GateError(
            f"schema: expected a report with the gates of this version ({REPORT_SCHEMA}), got {found}; "
            "run `python -m compression.gates` again"
        )


def _check_gates(root: Field) -> None:
    in_use = {runtime: file.text() for runtime, file in root["in_use"].members()}
    gates = root["gates"].items()
    for gate in gates:
        _check_told(gate)
    failed = [
        gate["name"].text() for gate in gates if not gate["passed"].flag() and not _decides(gate, in_use)
    ]
    if failed or not root["passed"].flag():
        raise GateError(f"gates failed: {', '.join(failed) or 'the report as a whole'}; nothing was packed")
    if not gates:
        raise GateError(
            "gates: the report holds none, so nothing is proven; run `python -m compression.gates`"
        )


def _check_told(field: Field) -> None:
    """Refuse a gate that says it held where its own figures say otherwise: damage, or a slip of an editor."""
    gate = read_gate(field)
    bound = _BOUND.fullmatch(gate.bound)
    if bound is None:
        raise field["bound"].refuse("a bound such as >= 0.9")
    holds, limit = _HOLDS[bound[1]], float(bound[2])
    told = (gate.low, gate.value, gate.high)
    if gate.passed and not (gate.n and all(each is not None and holds(each, limit) for each in told)):
        raise field.refuse(f"a value and an interval that hold {bound[0]}, as `passed` says")


def _decides(gate: Field, in_use: Mapping[str, str]) -> bool:
    """Whether a failed gate only says that int8 is not faster, and the float file is in use for it."""
    return any(
        gate["name"].text().startswith(SPEED_GATE.format(runtime=runtime)) and ".int8." not in file
        for runtime, file in in_use.items()
    )


def _check_experimental(root: Field) -> None:
    """A report that was held to looser bounds must say so; fewer senders than a release needs make one too."""
    says, recipe = root["experimental"].flag(), root["lineage"].get("recipe")
    told = recipe.get("bounds") if recipe is not None and isinstance(recipe.value, dict) else None
    bounds = {} if told is None else {name: value.number() for name, value in told.members()}
    if is_looser(bounds) and not says:
        raise root["experimental"].refuse(
            "true, since the bounds of `lineage.recipe` are looser than a release's"
        )


def _check_files(root: Field, models: Mapping[str, bytes]) -> None:
    proven = {name: digest.text() for name, digest in root["files"].members()}
    for name in sorted(set(proven) | set(models)):
        if name not in models:
            raise GateError(
                f"{name}: the gates were measured with it, and it is missing; run compression.quantize"
            )
        if name not in proven:
            raise GateError(
                f"{name}: the gates were measured without it; run `python -m compression.gates` again"
            )
        if hashlib.sha256(models[name]).hexdigest() != proven[name]:
            raise GateError(
                f"{name}: altered since the gates were measured; run `python -m compression.gates` again"
            )


def _check_slices(root: Field) -> None:
    """What the card tells of each; a report may have none."""
    slices = root.get("slices")
    for each in [] if slices is None else slices.items():
        (
            each["kind"].text(),
            each["name"].text(),
            each["n"].whole(0, 1 << 40),
            each["groups"].whole(0, 1 << 40),
        )


def _check_costs(root: Field, models: Collection[str]) -> None:
    """What the card tells of each file and of the machine; a report may have none."""
    costs = root.get("costs")
    if costs is None:
        return
    for key in ("cpu", "architecture", "os"):
        if (fact := costs["machine"].get(key)) is not None:
            fact.text()
    if (products := costs["machine"].get("int8_products")) is not None:
        products.flag()
    for count in (costs["machine"]["cores"], costs["threads"], costs["photos"]):
        count.whole(1, 1 << 20)
    for warning in costs["warnings"].items():
        warning.text()
    for _, version in costs["versions"].members():
        version.text()
    for name, file in costs["files"].members():
        if name not in models:
            raise file.refuse("what one of the models costs")
        for key in ("n", "macs", "int8_macs", "weight_bytes", "activation_bytes"):
            file[key].whole(0, 1 << 50)
        for key in ("p50_ms", "p90_ms"):
            if (estimate := file.get(key)) is not None:
                estimate["value"].number(0)
