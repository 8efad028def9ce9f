"""A run that was cut off: what it had measured until then is kept, and marked so that nobody takes it for a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.validity import Reason

CODE = "dropped"


def mark(result: Mapping[str, Any], asked: int, why: str) -> dict[str, Any]:
    """The same figures as part of a run: `partial` is true, and they are INVALID whatever the machine was like.

    Args:
        result: of the photos that were done.
        asked: photos that were to be measured.
        why: what ended it, such as `the link dropped`; no host name, as a file is meant to be published.
    """
    done = len(result["photos"]) + len(result["failed"])
    reason = Reason(CODE, "the run", f"ended after {done} of {asked} photos", f"{why}; all must be measured")
    return {**result, "partial": True, "valid": False, "invalid": [asdict(reason), *result["invalid"]]}
