"""Every report fits the schema, and one that was altered does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge_iqa
from edge_iqa import Category, Failure, Inspector, Issue, Report, Verdict
from edge_iqa.backends import NAMES
from edge_iqa.cli import main
from edge_iqa.codes import CODES
from edge_iqa.errors import DamagedPhotoError, PhotoError, PhotoSizeError
from edge_iqa.inspector import STAGES
from edge_iqa.manifest import ATTRIBUTES
from edge_iqa.mask import Mask
from edge_iqa.measurement import MEASURES, Measurement
from edge_iqa.policy import list_policies
from edge_iqa.report import RuleResult
from edge_iqa.schema import make_schema

jsonschema = pytest.importorskip("jsonschema")

SCHEMA = make_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples" / "photos").glob("*.jpg"))

share, points = st.floats(0, 1), st.floats(0, 100)
said = st.text(min_size=1, max_size=20)
boxes = st.none() | st.tuples(share, share, share, share)
days = st.none() | st.dates().map(lambda day: day.isoformat())


@st.composite
def draw_measurements(draw: st.DrawFn) -> dict[str, Measurement]:
    names = draw(st.lists(st.sampled_from(sorted(MEASURES)), unique=True))
    values = {}
    for name in names:
        unit = MEASURES[name].unit
        value = draw(share if unit == "share" else st.floats(-1e12, 1e12))
        values[name] = Measurement(value, unit, draw(boxes))
    return values


@st.composite
def draw_rule(draw: st.DrawFn) -> RuleResult:
    status = draw(st.sampled_from(("held", "broken", "not measured", "upcoming")))
    value = None if status == "not measured" else draw(st.floats(-1e12, 1e12) | said)
    measure = draw(st.sampled_from(sorted(MEASURES)))
    source = draw(st.sampled_from(("own", "unverified", "https://example.org/rules?id=1")))
    severity, code = draw(st.sampled_from(("must", "should"))), draw(st.sampled_from(sorted(CODES)))
    unit = MEASURES[measure].unit
    return RuleResult(
        "ours/a-1", measure, status, value, unit, "<= 1", severity, source, draw(days), draw(days), code
    )


issues = st.builds(
    Issue, st.sampled_from(sorted(CODES)), share, st.none() | share, boxes, st.booleans(), points, said, said
)


@st.composite
def draw_report(draw: st.DrawFn) -> Report:
    verdict = draw(st.sampled_from(Verdict))
    causes = [] if verdict is Verdict.ACCEPT else draw(st.lists(issues, min_size=1, max_size=3))
    return Report(
        file=draw(st.text()),
        verdict=verdict,
        score=draw(points),
        confidence=draw(st.none() | share),
        attributes=draw(st.dictionaries(st.sampled_from(ATTRIBUTES), points, min_size=1)),
        issues=tuple(causes),
        policy=draw(said),
        rules=tuple(draw(st.lists(draw_rule(), max_size=3))),
        measurements=draw(draw_measurements()),
        lang=draw(st.sampled_from(("en", "zh", "pt-BR"))),
        width_px=draw(st.integers(1, 65535)),
        height_px=draw(st.integers(1, 65535)),
        bundle="default-0.3.0",
        backend=draw(st.sampled_from(sorted(NAMES.values()))),
        experimental=draw(st.booleans()),
        timing_ms={stage: draw(st.floats(0, 1e6)) for stage in (*STAGES, "total")},
        notes=tuple(draw(st.lists(st.text(), max_size=2))),
        embedding=np.ones(2, np.float32),
        mask=Mask(np.ones((2, 2), bool), "light", 1.0, 1.0),
        category=draw(st.none() | st.builds(Category, said, share)),
        override=draw(st.none() | said),
    )


def _says(value: object) -> bool:
    """Whether a line of JSON with this value fits the schema."""
    return bool(VALIDATOR.is_valid(json.loads(json.dumps(value))))


def test_the_schema_on_disk_is_the_one_that_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    printed = capsys.readouterr().out
    kept = (Path(edge_iqa.__file__).parent / "report.schema.json").read_text()
    assert printed == kept, "run `edge-iqa schema > edge_iqa/report.schema.json`"
    jsonschema.Draft202012Validator.check_schema(json.loads(kept))


@pytest.mark.parametrize("policy", list_policies())
def test_reports_of_real_photos_fit_under_every_policy(policy: str, inspector: Inspector) -> None:
    for report in inspector.inspect_many(EXAMPLES, policy=policy):
        VALIDATOR.validate(json.loads(report.to_json()))


def test_reports_of_odd_photos_fit(inspector: Inspector) -> None:
    rng = np.random.default_rng(4)
    for shape in ((32, 32, 3), (32, 700, 3), (300, 40)):
        for photo in (np.full(shape, 255, np.uint8), rng.integers(0, 256, shape, np.uint8)):
            VALIDATOR.validate(json.loads(inspector.inspect(photo, override="a test").to_json()))


@given(draw_report())
def test_every_report_fits(report: Report) -> None:
    VALIDATOR.validate(json.loads(report.to_json()))


@given(st.text(), st.sampled_from((PhotoError, DamagedPhotoError, PhotoSizeError)), said)
def test_every_failure_fits(file: str, kind: type[PhotoError], why: str) -> None:
    VALIDATOR.validate(json.loads(Failure(file, kind(why)).to_json()))


def test_a_failure_that_is_no_error_of_a_photo_or_says_more_is_refused() -> None:
    told = Failure("a.jpg", DamagedPhotoError("a.jpg: cut")).to_dict()
    assert _says(told)
    for error in (
        {},
        {"type": "OSError", "message": "x"},
        {"type": "PhotoError"},
        {**told["error"], "line": 3},
    ):
        assert not _says({**told, "error": error})
    assert not _says({**told, "verdict": "accept"}) and not _says({**told, "schema": 1})


def _walk(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a report but the report itself."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        yield (*path, key)
        yield from _walk(member, (*path, key))


def _parent(told: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        told = told[key]
    return told


FREE = ("attributes", "measurements")
"""Maps whose members may be missing."""


@given(draw_report(), st.data())
def test_a_report_without_one_of_its_fields_is_refused(report: Report, data: st.DataObject) -> None:
    told = json.loads(report.to_json())
    fixed = [
        path for path in _walk(told) if isinstance(path[-1], str) and path[-2:-1] not in [(f,) for f in FREE]
    ]
    path = data.draw(st.sampled_from(fixed))
    del _parent(told, path)[path[-1]]
    assert not _says(told), path


@given(draw_report(), st.data())
def test_a_report_with_a_field_too_many_is_refused_wherever_it_stands(
    report: Report, data: st.DataObject
) -> None:
    told = json.loads(report.to_json())
    objects = [
        told,
        *(found for found in (_parent(told, (*path, 0)) for path in _walk(told)) if isinstance(found, dict)),
    ]
    data.draw(st.sampled_from(objects))["surprise"] = 1
    assert not _says(told)


@given(draw_report(), st.data())
def test_a_value_of_another_type_is_refused_wherever_it_stands(report: Report, data: st.DataObject) -> None:
    told = json.loads(report.to_json())
    path = data.draw(st.sampled_from(list(_walk(told))))
    before = _parent(told, path)[path[-1]]
    wrong = {"not": "this"} if not isinstance(before, dict) else "not this"
    _parent(told, path)[path[-1]] = wrong
    assert not _says(told), path


def _first_issue(told: Any) -> Any:
    return told["issues"][0]


def _first_rule(told: Any) -> Any:
    return told["rules"][0]


OUT = [
    (lambda told: told, "schema", 1),
    (lambda told: told, "score", 100.1),
    (lambda told: told, "score", -1),
    (lambda told: told, "confidence", 1.1),
    (lambda told: told, "verdict", "reject"),
    (lambda told: told, "verdict", "accept"),  # with a cause that blocks
    (lambda told: told, "issues", []),  # refused without a cause
    (lambda told: told, "attributes", {}),
    (lambda told: told, "override", ""),
    (lambda told: told, "lang", ""),
    (lambda told: told, "width_px", 0),
    (lambda told: told, "width_px", 1.5),
    (lambda told: told, "backend", "torch"),
    (lambda told: told["attributes"], "beauty", 50),
    (lambda told: told["attributes"], "noise", 101),
    (lambda told: told["timing_ms"], "model", -1),
    (lambda told: told["timing_ms"], "lunch", 1),
    (lambda told: told["measurements"], "charm", {"value": 1, "unit": "", "box": None}),
    (lambda told: told["measurements"]["fill"], "unit", "px"),
    (lambda told: told["measurements"]["fill"], "value", 1.01),
    (lambda told: told["measurements"]["fill"], "box", [0, 0, 1]),
    (lambda told: told["measurements"]["fill"], "box", [0, 0, 1, 1.1]),
    (_first_issue, "code", "UGLY"),
    (_first_issue, "code", "blur"),
    (_first_issue, "severity", 1.1),
    (_first_issue, "gain", -0.1),
    (_first_issue, "message", ""),
    (_first_rule, "code", ""),
    (_first_rule, "status", "ok"),
    (_first_rule, "status", "not measured"),  # with a value
    (_first_rule, "value", None),  # held, without one
    (_first_rule, "severity", "may"),
    (_first_rule, "source", "somebody said so"),
    (_first_rule, "read", "yesterday"),
    (_first_rule, "measure", "charm"),
    (_first_rule, "unit", "stone"),
    (_first_rule, "rule", "long-side"),
]


@pytest.fixture(scope="module")
def refused() -> dict[str, Any]:
    """A report with an issue, a rule that has a value, and a measurement."""
    with Inspector.open() as inspector:
        report = inspector.inspect(next(path for path in EXAMPLES if path.name == "coffee-blurred.jpg"))
    told: dict[str, Any] = json.loads(report.to_json())
    told["rules"].sort(key=lambda rule: rule["status"] != "held")
    told["measurements"]["fill"] = {"value": 0.5, "unit": "share", "box": [0, 0, 0.5, 0.5]}
    assert _says(told)
    return told


@pytest.mark.parametrize(("find", "key", "value"), OUT, ids=[f"{key}={value}" for _, key, value in OUT])
def test_what_no_report_says_is_refused(refused: dict[str, Any], find: Any, key: str, value: object) -> None:
    told = copy.deepcopy(refused)
    assert find(told).get(key) != value, "nothing is altered"
    find(told)[key] = value
    assert not _says(told)
