"""A report is one line of valid JSON, whatever the file is called."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_iqa import Category, Failure, Inspector, Issue, Report, Verdict
from edge_iqa.errors import DamagedPhotoError
from edge_iqa.mask import Mask
from edge_iqa.measurement import Measurement
from edge_iqa.report import RuleResult

REPORT = Report(
    file="mug.jpg",
    verdict=Verdict.RETAKE,
    score=12.3456789012345,
    attributes={"sharpness": 1.0, "noise": 99.5},
    confidence=0.9,
    issues=(
        Issue(
            "BLUR",
            0.75,
            None,
            (0.25, 0.5, 0.5, 0.25),
            False,
            40.5,
            "The photo is blurry.",
            "Hold the phone still.",
        ),
        Issue(
            "TOO_SMALL", 0.5, 1.0, None, False, 0.0, "Too few pixels.", "Send the original.", blocking=False
        ),
    ),
    policy="ours",
    rules=(
        RuleResult(
            "ours/long-side",
            "long_side_px",
            "broken",
            500.0,
            "px",
            ">= 1000 px",
            "should",
            "https://example.org/rules",
            "2026-11-26",
            None,
            "TOO_SMALL",
        ),
        RuleResult(
            "ours/format", "format", "held", "jpeg", "", "one of jpeg", "must", "own", None, None, "FORMAT"
        ),
    ),
    measurements={
        "product": Measurement(0.9, "share", (0.25, 0.25, 0.5, 0.5)),
        "noise": Measurement(2.5, "levels"),
    },
    lang="en",
    width_px=4000,
    height_px=3000,
    bundle="default-0.1.0",
    backend="litert",
    experimental=True,
    timing_ms={"decode": 20.0, "views": 5.0, "model": 1.5, "measure": 9.0, "verdict": 0.1, "total": 35.6},
    notes=("color profile left as it is",),
    embedding=np.ones(4, np.float32) / 2,
    mask=Mask(np.ones((192, 256), bool), "light", 0.9, 0.9),
    category=Category("mug", 0.875),
    override="the customer asked for it",
)


def _parse(line: str) -> object:
    """Read JSON as a strict reader does: Python alone would take NaN."""

    def refuse(name: str) -> object:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(line, parse_constant=refuse)


def test_json_is_the_dict_in_one_line() -> None:
    assert "\n" not in REPORT.to_json()
    assert _parse(REPORT.to_json()) == REPORT.to_dict()


def test_json_has_every_field_but_the_arrays() -> None:
    fields = {field.name for field in dataclasses.fields(Report)}
    assert set(REPORT.to_dict()) == fields - {"embedding", "mask"} | {"schema"}


def test_floats_are_not_rounded() -> None:
    parsed = _parse(REPORT.to_json())
    assert isinstance(parsed, dict)
    assert parsed["score"] == 12.3456789012345


def test_issue_is_told_in_full() -> None:
    assert REPORT.to_dict()["issues"][0] == {
        "code": "BLUR",
        "severity": 0.75,
        "confidence": None,
        "box": [0.25, 0.5, 0.5, 0.25],
        "fixable": False,
        "gain": 40.5,
        "message": "The photo is blurry.",
        "advice": "Hold the phone still.",
        "blocking": True,
    }


def test_measurements_are_told_with_unit_and_place() -> None:
    assert REPORT.to_dict()["measurements"] == {
        "product": {"value": 0.9, "unit": "share", "box": [0.25, 0.25, 0.5, 0.5]},
        "noise": {"value": 2.5, "unit": "levels", "box": None},
    }


def test_a_rule_is_told_with_its_source_and_the_day_it_was_read() -> None:
    rule = REPORT.to_dict()["rules"][0]
    assert set(rule) == {field.name for field in dataclasses.fields(RuleResult)}
    assert (rule["source"], rule["read"], rule["starts"]) == ("https://example.org/rules", "2026-11-26", None)


def test_the_verdict_stays_beside_the_reason_that_sets_it_aside() -> None:
    told = REPORT.to_dict()
    assert (told["verdict"], told["override"]) == ("retake", "the customer asked for it")


def test_category_is_told_with_its_confidence_or_as_null() -> None:
    assert REPORT.to_dict()["category"] == {"name": "mug", "confidence": 0.875}
    assert '"category": null' in dataclasses.replace(REPORT, category=None).to_json()


@given(st.text())
def test_any_file_name_makes_one_line_of_ascii(name: str) -> None:
    for result in (dataclasses.replace(REPORT, file=name), Failure(name, DamagedPhotoError(name))):
        line = result.to_json()
        assert line.isascii()
        assert "\n" not in line
        parsed = _parse(line)
        assert isinstance(parsed, dict)
        assert parsed["file"] == name


def test_failure_tells_what_and_why() -> None:
    failure = Failure("cut.jpg", DamagedPhotoError("cut.jpg: ends too soon"))
    assert _parse(failure.to_json()) == {
        "schema": 2,
        "file": "cut.jpg",
        "error": {"type": "DamagedPhotoError", "message": "cut.jpg: ends too soon"},
    }


def test_value_that_is_not_a_number_is_refused_rather_than_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        dataclasses.replace(REPORT, score=float("nan")).to_json()


@pytest.mark.parametrize("verdict", Verdict)
def test_verdict_prints_and_compares_as_its_word(verdict: Verdict) -> None:
    assert str(verdict) == f"{verdict}" == verdict.value
    assert verdict == verdict.value
    assert json.dumps(verdict) == f'"{verdict.value}"'


def test_report_of_a_real_photo_is_valid_json(inspector: Inspector, photo_paths: list[Path]) -> None:
    for path in photo_paths:
        report = inspector.inspect(path)
        assert _parse(report.to_json()) == report.to_dict()
