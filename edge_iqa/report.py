"""What comes out: a `Report` for a photo that was judged, a `Failure` for one that was not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from edge_iqa import plain_json
from edge_iqa.errors import PhotoError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_iqa.mask import Mask
    from edge_iqa.measurement import Box, Measurement

SCHEMA = 2
"""Version of the JSON that `to_json` gives; it changes when a field changes its meaning or goes."""


class Verdict(str, Enum):
    """What to do with a photo: upload it, let the device repair it, take it again, or ask somebody."""

    ACCEPT = "accept"
    FIX = "fix"
    RETAKE = "retake"
    REVIEW = "review"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Issue:
    """One cause of a verdict, or a hint beside it.

    Attributes:
        code: stable name for programs, such as `BLUR_MOTION`; `edge_iqa.codes.CODES` lists them.
        severity: 0 (barely) to 1 (as bad as can be).
        confidence: 0 to 1 that it is so; None where nothing tells, as for scores of a bundle without calibration.
        box: where in the photo; None is all of it, or nowhere in particular.
        fixable: the device can repair it.
        gain: points (0 to 100) that the score would win without it; 0 where the score does not see it.
        message: what is wrong, in words a seller understands, in the report's language.
        advice: what to do about it.
        blocking: a cause of the verdict; False is a hint, with which the photo could be accepted.
    """

    code: str
    severity: float
    confidence: float | None
    box: Box | None
    fixable: bool
    gain: float
    message: str
    advice: str
    blocking: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "box": _to_list(self.box)}


@dataclass(frozen=True)
class Category:
    """What the product most likely is.

    Attributes:
        name: one of the categories of the bundle.
        confidence: its share among these categories, 0 to 1; a thing of none of them gets one all the same.
    """

    name: str
    confidence: float


STATUSES = ("held", "broken", "not measured", "upcoming")
"""How a rule may come out."""


@dataclass(frozen=True)
class RuleResult:
    """One rule of a policy, checked on one photo.

    Attributes:
        rule: policy and rule, such as `amazon-main/long-side`.
        measure: what was asked for: a name in `edge_iqa.measurement.MEASURES`, or `format`.
        status: `held`, `broken`, `not measured`, or `upcoming`: not in force yet, and would be broken.
        value: what was measured, in `unit`; the format's name for `format`; None where it was not measured.
        unit: as in `MEASURES`; "" for counts and formats.
        bound: what the rule asks for, in words, such as `>= 1000 px` or `one of jpeg, png`.
        severity: `must` (the marketplace refuses the photo) or `should` (advice).
        source: address of the page that says so; `unverified` where none could be read, `own` for a team's own wish.
        read: day on which the page was read, such as `2026-11-26`; None where none was.
        starts: first day on which the rule is in force; None where it always was.
        code: the cause that it raises when broken, such as `FILL_LOW`.
    """

    rule: str
    measure: str
    status: str
    value: float | str | None
    unit: str
    bound: str
    severity: str
    source: str
    read: str | None
    starts: str | None
    code: str


@dataclass(frozen=True, eq=False)
class Report:
    """The judgement of one photo.

    Attributes:
        file: the path as it was given; "" for bytes and arrays.
        verdict: what to do.
        score: overall quality, 0 to 100, higher is better.
        confidence: calibrated chance (0 to 1) that the side of the verdict that the scores speak of, good or not, is
            right; None where the bundle has no calibration. Broken rules do not enter.
        attributes: the same scale for each quality that the bundle was trained for.
        issues: causes, the first the one to tell; at least one unless the verdict is accept. Beside the causes of the
            verdict stand hints.
        policy: name of the policy whose rules were checked.
        rules: every rule of it that has not ended.
        measurements: by name, as in `edge_iqa.measurement.MEASURES`; what could not be measured is missing. The box
            of `product` is the product's.
        lang: language of the messages, such as `en`.
        override: why the verdict is set aside, in the words of whoever did; the verdict stays as it is.
        width_px, height_px: size of the photo as it is shown.
        bundle: name and version of the bundle, such as `default-0.1.0`.
        backend: `onnx` or `litert`.
        experimental: the bundle was made with looser bounds than a release needs.
        timing_ms: milliseconds for `decode`, `views`, `model`, `measure`, `verdict` and `total`.
        notes: what a careful reader should know about how the photo was read and judged.
        embedding: float32 (D,), unit length: close for near-duplicates. Not in the JSON.
        mask: the product's outline. Not in the JSON.
        category: what the product most likely is; None where the bundle has no categories.
    """

    file: str
    verdict: Verdict
    score: float
    confidence: float | None
    attributes: Mapping[str, float]
    issues: tuple[Issue, ...]
    policy: str
    rules: tuple[RuleResult, ...]
    measurements: Mapping[str, Measurement]
    lang: str
    width_px: int
    height_px: int
    bundle: str
    backend: str
    experimental: bool
    timing_ms: Mapping[str, float]
    notes: tuple[str, ...]
    embedding: NDArray[np.float32] = field(repr=False)
    mask: Mask = field(repr=False)
    category: Category | None = None
    override: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; floats are not rounded. `edge_iqa/report.schema.json` describes them."""
        return {
            "schema": SCHEMA,
            "file": self.file,
            "verdict": self.verdict.value,
            "score": self.score,
            "confidence": self.confidence,
            "attributes": dict(self.attributes),
            "issues": [issue.to_dict() for issue in self.issues],
            "policy": self.policy,
            "rules": [asdict(rule) for rule in self.rules],
            "measurements": {
                name: {"value": each.value, "unit": each.unit, "box": _to_list(each.box)}
                for name, each in self.measurements.items()
            },
            "category": None if self.category is None else asdict(self.category),
            "lang": self.lang,
            "override": self.override,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "bundle": self.bundle,
            "backend": self.backend,
            "experimental": self.experimental,
            "timing_ms": dict(self.timing_ms),
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """As one line of JSON in ASCII (other letters escaped), so that any terminal or pipe takes it."""
        return plain_json.dump(self.to_dict())


@dataclass(frozen=True, eq=False)
class Failure:
    """A photo that could not be judged.

    Attributes:
        file: the path as it was given; "" for bytes and arrays.
        error: why; its message names the file and says what was expected.
    """

    file: str
    error: PhotoError

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values: `{"schema", "file", "error": {"type", "message"}}`."""
        return describe_failure(self.file, self.error)

    def to_json(self) -> str:
        """As one line of JSON in ASCII."""
        return plain_json.dump(self.to_dict())


def describe_failure(file: str, error: Exception) -> dict[str, Any]:
    """What JSON tells of a file that an error stopped."""
    told = {"type": type(error).__name__, "message": str(error)}
    return {"schema": SCHEMA, "file": file, "error": told}


def _to_list(box: Box | None) -> list[float] | None:
    return None if box is None else list(box)
