"""The JSON Schemas (draft 2020-12) of a line of `edge-iqa inspect --json` and of `edge-iqa fix --json`.

Made from the tables of the code; `edge_iqa/report.schema.json` and `edge_iqa/fix.schema.json` are the same on disk, for
those who read no Python. They are strict: what they do not name is refused, so that a slip in a reader or a writer
shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edge_iqa import errors
from edge_iqa.backends import NAMES
from edge_iqa.codes import CODES, FORMAT
from edge_iqa.inspector import STAGES
from edge_iqa.manifest import ATTRIBUTES
from edge_iqa.measurement import MEASURES
from edge_iqa.report import SCHEMA, STATUSES, Verdict
from edge_iqa.rule import OWN, SEVERITIES, UNVERIFIED

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_SAID: Json = {"type": "string", "minLength": 1}
_FLAG: Json = {"type": "boolean"}
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
_POINTS: Json = {"type": "number", "minimum": 0, "maximum": 100}
_SIDE: Json = {"type": "integer", "minimum": 1, "maximum": 65535}
_DAY: Json = {"type": ["string", "null"], "pattern": "^\\d{4}-\\d{2}-\\d{2}$"}
_BOX: Json = {"type": ["array", "null"], "items": _SHARE, "minItems": 4, "maxItems": 4}


def make_schema() -> Json:
    """The schema, as plain JSON values."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Edge IQA report, version {SCHEMA}",
        "description": "One line of `edge-iqa inspect --json`: a report, or a failure for a photo that "
        "could not be judged.",
        "oneOf": [{"$ref": "#/$defs/report"}, {"$ref": "#/$defs/failure"}],
        "$defs": {
            "report": _describe_report(),
            "failure": _describe_failure(errors.PhotoError),
            "issue": _describe_issue(),
            "rule": _describe_rule(),
        },
    }


def make_fix_schema() -> Json:
    """The schema of what `edge-iqa fix --json` tells of a photo, as plain JSON values."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Edge IQA repair, version {SCHEMA}",
        "description": "One line of `edge-iqa fix --json`: what became of a photo, or a failure for one that could "
        "not be read, or whose result could not be written.",
        "oneOf": [{"$ref": "#/$defs/fixed"}, {"$ref": "#/$defs/failure"}],
        "$defs": {
            "fixed": _describe_fixed(),
            "failure": _describe_failure(errors.PhotoError, errors.OutputError),
            "causes": {
                "type": "array",
                "items": _object({"code": _choice(list(CODES)), "message": _SAID, "advice": _SAID}),
            },
        },
    }


def _object(properties: Mapping[str, Json], required: Sequence[str] | None = None) -> Json:
    """An object of these members and no others; all are required where nothing else is said."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


def _nullable(schema: Json) -> Json:
    return {**schema, "type": [schema["type"], "null"]}


def _choice(names: Sequence[str]) -> Json:
    return {"type": "string", "enum": list(names)}


def _describe_report() -> Json:
    properties = {
        "schema": {"const": SCHEMA},
        "file": _TEXT,
        "verdict": _choice([verdict.value for verdict in Verdict]),
        "score": _POINTS,
        "confidence": _nullable(_SHARE),
        "attributes": {**_object(dict.fromkeys(ATTRIBUTES, _POINTS), ()), "minProperties": 1},
        "issues": {"type": "array", "items": {"$ref": "#/$defs/issue"}},
        "policy": _SAID,
        "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
        "measurements": _object(
            {name: _describe_measurement(each.unit) for name, each in MEASURES.items()}, ()
        ),
        "category": _nullable(_object({"name": _SAID, "confidence": _SHARE})),
        "lang": {"type": "string", "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"},
        "override": _nullable(_SAID),
        "width_px": _SIDE,
        "height_px": _SIDE,
        "bundle": _SAID,
        "backend": _choice(sorted(NAMES.values())),
        "experimental": _FLAG,
        "timing_ms": _object({stage: {"type": "number", "minimum": 0} for stage in (*STAGES, "total")}),
        "notes": {"type": "array", "items": _TEXT},
    }
    accepted = {"properties": {"verdict": {"const": Verdict.ACCEPT.value}}}
    blocking = {"properties": {"blocking": {"const": True}}}
    return {
        **_object(properties),
        "if": accepted,
        "then": {"properties": {"issues": {"not": {"contains": blocking}}}},
        "else": {"properties": {"issues": {"contains": blocking}}},
    }


def _describe_measurement(unit: str) -> Json:
    value = _SHARE if unit == "share" else {"type": "number"}
    return _object({"value": value, "unit": {"const": unit}, "box": _BOX})


def _describe_issue() -> Json:
    return _object(
        {
            "code": _choice(list(CODES)),
            "severity": _SHARE,
            "confidence": _nullable(_SHARE),
            "box": _BOX,
            "fixable": _FLAG,
            "gain": _POINTS,
            "message": _SAID,
            "advice": _SAID,
            "blocking": _FLAG,
        }
    )


def _describe_rule() -> Json:
    units = sorted({"", *(measure.unit for measure in MEASURES.values())})
    properties = {
        "rule": {"type": "string", "pattern": ".+/[a-z0-9]+(-[a-z0-9]+)*$"},
        "measure": _choice([*MEASURES, FORMAT]),
        "status": _choice(STATUSES),
        "value": {"type": ["number", "string", "null"]},
        "unit": _choice(units),
        "bound": _SAID,
        "severity": _choice(SEVERITIES),
        "source": {"type": "string", "pattern": f"^({UNVERIFIED}|{OWN}|https?://.+)$"},
        "read": _DAY,
        "starts": _DAY,
        "code": _choice(list(CODES)),
    }
    unmeasured = {"properties": {"status": {"const": "not measured"}}}
    return {
        **_object(properties),
        "if": unmeasured,
        "then": {"properties": {"value": {"type": "null"}}},
        "else": {"properties": {"value": {"type": ["number", "string"]}}},
    }


def _describe_fixed() -> Json:
    causes: Json = {"$ref": "#/$defs/causes"}
    step = _object(
        {
            "name": _SAID,
            "strength": _SHARE,
            "parameters": {"type": "object", "additionalProperties": {"type": ["number", "boolean"]}},
        }
    )
    properties = {
        "schema": {"const": SCHEMA},
        "file": _TEXT,
        "out": _nullable(_SAID),
        "bytes": {"type": ["integer", "null"], "minimum": 1},
        "changed": _FLAG,
        "why": _SAID,
        "verdict": _twice(_choice([verdict.value for verdict in Verdict])),
        "score": _twice(_POINTS),
        "attributes": {**_object(dict.fromkeys(ATTRIBUTES, _twice(_POINTS)), ()), "minProperties": 1},
        "causes": _twice(causes),
        "steps": {"type": "array", "items": step},
        "notes": {"type": "array", "items": _TEXT},
    }
    left = {"properties": {"out": {"type": "null"}}}
    return {
        **_object(properties),
        "if": left,
        "then": {"properties": {"bytes": {"type": "null"}, "changed": {"const": False}}},
        "else": {"properties": {"bytes": {"type": "integer"}}},
    }


def _twice(schema: Json) -> Json:
    return _object({"before": schema, "after": schema})


def _describe_failure(*bases: type[errors.EdgeIqaError]) -> Json:
    kinds = [
        name for name, error in vars(errors).items() if isinstance(error, type) and issubclass(error, bases)
    ]
    error = _object({"type": _choice(kinds), "message": _SAID})
    return _object({"schema": {"const": SCHEMA}, "file": _TEXT, "error": error})
