"""`manifest.json`, typed: what a bundle holds, what its models take and give, and how they were proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_iqa.calibration import Calibration, Curve
from edge_iqa.errors import BundleError
from edge_iqa.fields import Field, parse
from edge_iqa.report import Verdict
from edge_iqa.views import ViewSpec

SCHEMA = 1
"""The schema that is read here. Fields unknown to it are left alone; a change of meaning is a new one."""

FILE_NAME = "manifest.json"
MAX_BYTES = 1 << 20
"""A manifest is some kilobytes; one that is larger than this is not read at all."""

RUNTIMES = ("onnx", "tflite")
"""Model formats, as `in_use` and `files` name them."""

ATTRIBUTES = ("sharpness", "exposure", "contrast", "color", "noise", "detail")
"""Qualities that can be named to a seller; a bundle lists those that it was trained for."""

_SHA256 = r"[0-9a-f]{64}"
SEMVER = r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


@dataclass(frozen=True)
class FileEntry:
    """One file of a bundle. `runtime` and `precision` (int8, fp32, ...) are given for models only."""

    path: str
    sha256: str
    size_bytes: int
    runtime: str | None = None
    precision: str | None = None


@dataclass(frozen=True)
class Outputs:
    """What the models give: scores are the overall quality and then `attributes`, in this order."""

    attributes: tuple[str, ...]
    embedding: int
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Thresholds:
    """Bounds on the 0-1 scale.

    Attributes:
        accept: an overall score from here on is accepted.
        reject: a score below is refused; between the two a photo is for review.
        attributes: an attribute below its bound is an issue.
        dark_below: a photo with bad exposure is too dark if its mean luma is below, else too bright.
    """

    accept: float
    reject: float
    attributes: Mapping[str, float]
    dark_below: float


@dataclass(frozen=True)
class Lineage:
    """Where the models come from: SHA-256 of student, teacher and data list, and the recipe as it was run."""

    student_sha256: str | None
    teacher_sha256: str | None
    data_sha256: str | None
    recipe: Mapping[str, Any]


@dataclass(frozen=True)
class Golden:
    """One photo with what must come out of it.

    Attributes:
        photo: path of the encoded photo.
        views: path of its views, stacked to one PNG of (V*S) x S.
        scores: expected scores (1+A) by path of the model.
        verdict: the expected verdict.
    """

    photo: str
    views: str
    scores: Mapping[str, tuple[float, ...]]
    verdict: Verdict


@dataclass(frozen=True)
class Tolerance:
    """How far golden values may differ from one machine to another.

    Attributes:
        views_levels: mean absolute difference of the views, in 8-bit levels.
        scores: largest absolute difference of a score, on the 0-1 scale.
    """

    views_levels: float
    scores: float


@dataclass(frozen=True)
class Gate:
    """A bound that the models had to hold, with the value measured, its interval and sample size."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    bound: str
    passed: bool


@dataclass(frozen=True)
class Manifest:
    """All of `manifest.json`. `in_use` names one model file per runtime; bundles up to 0.3.0 have no `calibration`."""

    name: str
    version: str
    experimental: bool
    views: ViewSpec
    outputs: Outputs
    thresholds: Thresholds
    lineage: Lineage
    in_use: Mapping[str, str]
    files: tuple[FileEntry, ...]
    golden: tuple[Golden, ...]
    tolerance: Tolerance
    gates: tuple[Gate, ...]
    full_bundle_sha256: str | None
    calibration: Calibration | None = None


def read_manifest(data: bytes, at: str = FILE_NAME) -> Manifest:
    """Read and check a manifest.

    Args:
        data: its bytes.
        at: its path, for messages.

    Raises:
        BundleError: it is not JSON, of another schema, or a field is missing, of the wrong type, out
            of range, or at odds with another one.
    """
    root = parse(data, at)
    _check_schema(root)
    outputs = _read_outputs(root["outputs"])
    files = _read_files(root["files"])
    in_use = _read_in_use(root["in_use"], files)
    return Manifest(
        name=root["name"].text(_NAME, "a short name of letters, digits, '.', '_' and '-'"),
        version=root["version"].text(SEMVER, "a version such as 1.2.3"),
        experimental=root["experimental"].flag(),
        views=_read_views(root["views"]),
        outputs=outputs,
        thresholds=read_thresholds(root["thresholds"], outputs.attributes),
        lineage=_read_lineage(root["lineage"]),
        in_use=in_use,
        files=files,
        golden=_read_golden(root["golden"], files, in_use, 1 + len(outputs.attributes)),
        tolerance=Tolerance(
            views_levels=root["tolerance"]["views_levels"].number(0, 255),
            scores=root["tolerance"]["scores"].number(0, 1),
        ),
        gates=tuple(read_gate(gate) for gate in root["gates"].items()),
        full_bundle_sha256=_optional_sha256(root, "full_bundle_sha256"),
        calibration=read_calibration(root.get("calibration"), outputs.attributes),
    )


def _check_schema(root: Field) -> None:
    schema = root["schema"].whole(0, 1 << 31)
    if schema != SCHEMA:
        raise BundleError(
            f"{root.at}: expected schema {SCHEMA}, got {schema}; "
            f"{'update edge-iqa' if schema > SCHEMA else 'pack the bundle again'}"
        )


def _read_views(field: Field) -> ViewSpec:
    try:
        return ViewSpec(
            size_px=field["size_px"].whole(1, 1 << 16),
            detail=field["detail"].whole(0, 1 << 16),
            long_side_px=field["long_side_px"].whole(1, 1 << 16),
        )
    except ValueError as error:
        raise BundleError(f"{field.at}: {error}") from error


def _read_outputs(field: Field) -> Outputs:
    attributes = tuple(item.choice(*ATTRIBUTES) for item in field["attributes"].items())
    categories = tuple(item.text() for item in field["categories"].items())
    if not attributes or len(set(attributes)) != len(attributes) or len(set(categories)) != len(categories):
        raise field.refuse("at least one attribute, and no name twice")
    return Outputs(attributes, field["embedding"].whole(1, 1 << 16), categories)


def read_thresholds(field: Field, attributes: tuple[str, ...]) -> Thresholds:
    """Read bounds of scores, 0-1.

    Raises:
        BundleError: one is missing, is no such number, or is of an attribute that the models do not give.
    """
    thresholds = Thresholds(
        accept=field["accept"].number(0, 1),
        reject=field["reject"].number(0, 1),
        attributes={name: bound.number(0, 1) for name, bound in field["attributes"].members()},
        dark_below=field["dark_below"].number(0, 1),
    )
    if thresholds.reject > thresholds.accept:
        raise BundleError(
            f"{field.at}: expected reject to be at most accept, "
            f"got reject {thresholds.reject} and accept {thresholds.accept}"
        )
    if set(thresholds.attributes) != set(attributes):
        raise field["attributes"].refuse("one bound for each of " + ", ".join(attributes))
    return thresholds


def read_calibration(field: Field | None, attributes: tuple[str, ...]) -> Calibration | None:
    """Read the curves that tell how sure scores are; None where there are none.

    Raises:
        BundleError: a number is missing or out of range, or a curve is of no attribute of the models.
    """
    if field is None:
        return None
    curves = dict(field["attributes"].members())
    if not set(curves) <= set(attributes):
        raise field["attributes"].refuse("curves of " + ", ".join(attributes))
    return Calibration(
        _read_curve(field["overall"]), {name: _read_curve(curve) for name, curve in curves.items()}
    )


def _read_curve(field: Field) -> Curve:
    return Curve(field["midpoint"].number(-1, 2), field["temperature"].number(1e-6, 10))


def _read_lineage(field: Field) -> Lineage:
    recipe = field.get("recipe")
    return Lineage(
        student_sha256=_optional_sha256(field, "student_sha256"),
        teacher_sha256=_optional_sha256(field, "teacher_sha256"),
        data_sha256=_optional_sha256(field, "data_sha256"),
        recipe={} if recipe is None else {name: member.value for name, member in recipe.members()},
    )


def _read_files(field: Field) -> tuple[FileEntry, ...]:
    files = tuple(_read_file(item) for item in field.items())
    if len({entry.path for entry in files}) != len(files):
        raise BundleError(f"{field.at}: a path is listed twice")
    return files


def _read_file(field: Field) -> FileEntry:
    runtime, precision = field.get("runtime"), field.get("precision")
    if (runtime is None) != (precision is None):
        raise field.refuse("both runtime and precision, or neither")
    return FileEntry(
        path=_read_path(field["path"]),
        sha256=_sha256(field["sha256"]),
        size_bytes=field["bytes"].whole(0, 1 << 40),
        runtime=None if runtime is None else runtime.choice(*RUNTIMES),
        precision=None if precision is None else precision.text(_NAME, "a short name such as int8"),
    )


def _read_path(field: Field) -> str:
    """A path that stays inside the bundle on every system: relative, with forward slashes."""
    path = field.text()
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or any(c in path for c in "\\:\0") or path == FILE_NAME:
        raise field.refuse("a path inside the bundle, relative and with '/' between its parts")
    return path


def _read_in_use(field: Field, files: tuple[FileEntry, ...]) -> dict[str, str]:
    runtimes = {entry.path: entry.runtime for entry in files}
    in_use = {}
    for runtime, path in field.members():
        if runtime not in RUNTIMES:
            raise path.refuse(f"one of the runtimes {', '.join(RUNTIMES)} as its name")
        if runtimes.get(path.text()) != runtime:
            raise path.refuse(f"the path of a listed model whose runtime is {runtime}")
        in_use[runtime] = path.text()
    if not in_use:
        raise field.refuse("a model for at least one of " + ", ".join(RUNTIMES))
    return in_use


def _read_golden(
    field: Field, files: tuple[FileEntry, ...], in_use: Mapping[str, str], count: int
) -> tuple[Golden, ...]:
    paths = [entry.path for entry in files]
    models = [entry.path for entry in files if entry.runtime is not None]
    golden = []
    for item in field.items():
        scores = {}
        for model, values in item["scores"].members():
            scores[model] = tuple(value.number(0, 1) for value in values.items())
            if model not in models or len(scores[model]) != count:
                raise values.refuse(f"{count} scores of a listed model")
        missing = set(in_use.values()) - set(scores)
        if missing:
            raise item["scores"].refuse("scores for every model in use, also " + ", ".join(sorted(missing)))
        verdict = Verdict(item["verdict"].choice(*[verdict.value for verdict in Verdict]))
        golden.append(Golden(_listed(item["photo"], paths), _listed(item["views"], paths), scores, verdict))
    if not golden:
        raise field.refuse("at least one golden photo, or nothing proves that the bundle works")
    return tuple(golden)


def _listed(field: Field, paths: list[str]) -> str:
    path = field.text()
    if path not in paths:
        raise field.refuse("the path of a listed file")
    return path


def read_gate(field: Field) -> Gate:
    """Read one gate, as manifests and gate reports tell it.

    Raises:
        BundleError: a value is missing or of another kind.
    """
    value, low, high = (field.get(name) for name in ("value", "low", "high"))
    return Gate(
        name=field["name"].text(),
        value=None if value is None else value.number(),
        low=None if low is None else low.number(),
        high=None if high is None else high.number(),
        n=field["n"].whole(0, 1 << 40),
        bound=field["bound"].text(),
        passed=field["passed"].flag(),
    )


def _sha256(field: Field) -> str:
    return field.text(_SHA256, "a SHA-256 in 64 lower-case hexadecimal digits")


def _optional_sha256(field: Field, key: str) -> str | None:
    member = field.get(key)
    return None if member is None else _sha256(member)
