"""A row of a table for each photo: what a report tells, flat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TEXT, NUMBER, COUNT = "text", "number", "count"

COLUMNS: Mapping[str, str] = {
    "file": TEXT,
    "verdict": TEXT,
    "score": NUMBER,
    "confidence": NUMBER,
    "causes": TEXT,
    "hints": TEXT,
    "message": TEXT,
    "sharpness": NUMBER,
    "exposure": NUMBER,
    "contrast": NUMBER,
    "color": NUMBER,
    "noise": NUMBER,
    "detail": NUMBER,
    "category": TEXT,
    "rules_broken": TEXT,
    "width_px": COUNT,
    "height_px": COUNT,
    "policy": TEXT,
    "bundle": TEXT,
    "backend": TEXT,
    "total_ms": NUMBER,
    "error": TEXT,
    "error_message": TEXT,
}
"""Name of each column and what it holds: `text`, `number` (float) or `count` (int); any may be empty."""

Value = str | float | int | None


def flatten(row: Mapping[str, Any]) -> dict[str, Value]:
    """One photo as the columns of `COLUMNS`.

    Args:
        row: as `Report.to_dict` or `Failure.to_dict` gives it.
    """
    flat: dict[str, Value] = dict.fromkeys(COLUMNS)
    flat["file"] = row["file"]
    if "error" in row:
        return {**flat, "error": row["error"]["type"], "error_message": row["error"]["message"]}
    issues = row["issues"]
    causes = [issue for issue in issues if issue["blocking"]]
    category = row["category"]
    return {
        **flat,
        **{name: row["attributes"].get(name) for name in COLUMNS if name in row["attributes"]},
        **{
            name: row[name]
            for name in (
                "verdict",
                "score",
                "confidence",
                "width_px",
                "height_px",
                "policy",
                "bundle",
                "backend",
            )
        },
        "causes": " ".join(issue["code"] for issue in causes),
        "hints": " ".join(issue["code"] for issue in issues if not issue["blocking"]),
        "message": causes[0]["message"] if causes else None,
        "category": None if category is None else category["name"],
        "rules_broken": " ".join(rule["rule"] for rule in row["rules"] if rule["status"] == "broken"),
        "total_ms": row["timing_ms"]["total"],
    }
