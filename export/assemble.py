"""Puts a bundle together in memory: models, golden cases, reports, card and manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_iqa.backends import NAMES
from edge_iqa.errors import BundleError, GateError
from edge_iqa.fields import Field
from edge_iqa.manifest import SCHEMA, Thresholds, read_calibration, read_thresholds
from export.card import write_card
from export.contract import ModelInfo
from export.failures import FOLDER as FAILURES
from export.failures import Example, try_examples
from export.golden import GoldenCase, encode_views, judge_scores, make_cases, measure_tolerance
from export.metadata import read_metadata
from export.operators import check_operators, read_onnx
from export.report import MODEL_NAME, GateReport, read_float_layers

CARD = "MODEL_CARD.md"


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


def make_packing(
    models: Mapping[str, bytes],
    report: GateReport,
    name: str,
    version: str,
    photos: Sequence[Path],
    reports: Mapping[str, bytes] | None = None,
    about: str = "",
    examples: Sequence[Example] | None = None,
    licence: str = "",
) -> Packing:
    """Put a bundle together in memory.

    Args:
        models: file name → content.
        report: vouches for them.
        photos: golden photos.
        reports: further reports to put beside the gate report, name → content.
        about: Markdown on the training data, for the card.
        examples: photos of known truth: those that are judged wrongly stand in the card.
        licence: of the models, for the card.

    Raises:
        DataError: one of the examples is no photo.
        GateError: the models are not all from one student, disagree on a golden photo, or have an operator
            that a phone may lack; or the report on quantization is none.
    """
    for file, content in models.items():
        check_operators(file, content)
    info = read_info(models)
    if info.student_sha256 != report.fields["lineage"].get("student_sha256"):
        raise GateError("lineage: the gates were measured for another student than the models were made from")
    cases = make_cases(photos, models, info.spec)
    thresholds = _read_thresholds(report, info)
    calibration = _read_calibration(report, info)
    first = _choose_first(report.in_use)
    trials = None if examples is None else try_examples(examples, first, models[first], info, thresholds)
    files = {
        **models,
        **{miss.picture: miss.content for miss in (trials.misses if trials else ())},
        **{f"golden/{case.name}": case.content for case in cases},
        **{f"golden/{case.views_name}": encode_views(case.views) for case in cases},
        **{f"reports/{each}": content for each, content in (reports or {}).items()},
        "reports/gates.json": report.content,
    }
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "name": name,
        "version": version,
        "experimental": report.fields["experimental"],
        "views": asdict(info.spec),
        "outputs": {
            "attributes": list(info.attributes),
            "embedding": info.embedding,
            "categories": list(info.categories),
        },
        "thresholds": report.fields["thresholds"],
        **calibration,
        "lineage": report.fields["lineage"],
        "in_use": report.in_use,
        "files": _list_files(files),
        "golden": [_describe_case(case, report.in_use, info, thresholds) for case in cases],
        "tolerance": measure_tolerance(cases, models, info.spec),
        "gates": report.fields["gates"],
        "full_bundle_sha256": None,
    }
    told = report.fields
    files[CARD] = write_card(
        manifest,
        about,
        told.get("slices") or (),
        told.get("costs"),
        trials,
        read_float_layers((reports or {}).get("quantize.json"), models),
        licence,
    ).encode()
    manifest["files"] = _list_files(files)
    return Packing(files, manifest)


def trim(packing: Packing) -> Packing:
    """The bundle for the package: complete in itself, with the models in use, golden cases, card and its pictures."""
    in_use = set(packing.manifest["in_use"].values())
    files = {
        path: content
        for path, content in packing.files.items()
        if path in in_use or path == CARD or path.startswith(("golden/", f"{FAILURES}/"))
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


def read_info(models: Mapping[str, bytes]) -> ModelInfo:
    """What the files say about themselves; all must say the same.

    A TFLite file from before it had metadata says nothing; that it agrees on golden photos is checked later.

    Raises:
        GateError: no ONNX file, one without our metadata, or two that differ.
    """
    told = {name: _read_own_info(name, content) for name, content in models.items()}
    first = next((info for name, info in told.items() if name.endswith(".onnx")), None)
    if first is None:
        raise GateError(f"lineage: expected an ONNX file among the models, got {', '.join(models) or 'none'}")
    others = {name: info for name, info in told.items() if info not in (None, first)}
    if others:
        listed = "; ".join(f"{name} says {info}" for name, info in others.items())
        raise GateError(f"lineage: expected files that come from one student, {first}, but {listed}")
    return first


def _read_own_info(name: str, content: bytes) -> ModelInfo | None:
    if not name.endswith(".onnx"):
        return read_metadata(content, name)
    try:
        model = read_onnx(content)
    except GateError as error:
        raise GateError(f"{name}: {error}") from error
    try:
        return ModelInfo.from_metadata({entry.key: entry.value for entry in model.metadata_props})
    except (KeyError, ValueError, TypeError) as error:
        raise GateError(f"{name}: its metadata is not that of compression.quantize ({error})") from error


def _read_thresholds(report: GateReport, info: ModelInfo) -> Thresholds:
    """The bounds of the gate report, read as a device would."""
    try:
        return read_thresholds(Field(report.fields["thresholds"], "gates.json: thresholds"), info.attributes)
    except BundleError as error:
        raise GateError(f"{error}; run `python -m compression.gates` again") from error


def _read_calibration(report: GateReport, info: ModelInfo) -> dict[str, Any]:
    """The curves of the gate report, read as a device would; empty for a report that has none, as older ones."""
    told = report.fields.get("calibration")
    if told is None:
        return {}
    try:
        read_calibration(Field(told, "gates.json: calibration"), info.attributes)
    except BundleError as error:
        raise GateError(f"{error}; run `python -m compression.calibrate` again") from error
    return {"calibration": told}


def _describe_case(
    case: GoldenCase, in_use: Mapping[str, str], info: ModelInfo, thresholds: Thresholds
) -> dict[str, Any]:
    """One entry of `golden`; the verdict is that of the runtime that is chosen first."""
    first = _choose_first(in_use)
    judgement = judge_scores(case.scores[first], case.frame, info, thresholds)
    return {
        "photo": f"golden/{case.name}",
        "views": f"golden/{case.views_name}",
        "scores": {name: [float(value) for value in scores] for name, scores in case.scores.items()},
        "verdict": judgement.verdict.value,
    }


def _choose_first(in_use: Mapping[str, str]) -> str:
    """The file that a device with both runtimes loads."""
    return next(in_use[runtime] for runtime in NAMES if runtime in in_use)


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
