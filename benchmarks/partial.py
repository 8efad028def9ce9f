"""A run that was cut off: what it had measured until then is kept, and marked so that nobody takes it for a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.validity import Reason

CODE = "dropped"


def mark(result: Mapping[str, Any], done: int, asked: int, what: str, why: str) -> dict[str, Any]:
    """The same figures as part of a run: `partial` is true, and they are INVALID whatever the machine was like.

    Args:
        done, asked: how many there are, and were to be.
        what: of what, such as `photos`.
        why: what ended it, such as `the link dropped`; no host name, as a file is meant to be published.
    """
    when = f"ended after {done} of {asked} {what}" if done < asked else f"ended behind the {what}"
    reason = Reason(CODE, "the run", when, f"{why}; all must be measured")
    return {**result, "partial": True, "valid": False, "invalid": [asdict(reason), *result["invalid"]]}
