"""The bounds of a release: what the gates ask, and what a bundle that is no experiment was held to."""

from __future__ import annotations

from collections.abc import Mapping

BOUNDS = {
    "student_teacher_srcc": 0.97,
    "student_teacher_label_ratio": 0.98,
    "slice_srcc": 0.94,
    "int8_srcc": 0.995,
    "int8_p99": 0.02,
    "int8_flips": 0.005,
    "runtimes_agree": 0.995,
    "parity": 1e-4,
    "int8_speed_up": 1.0,
    "file_mb": 4.0,
}
"""Looser ones make the bundle experimental."""

CAPS = frozenset({"int8_p99", "int8_flips", "parity", "file_mb"})
"""Bounds that a value must stay under; the others it must reach."""


def is_looser(bounds: Mapping[str, float]) -> bool:
    """Tell whether any bound is weaker than a release's; one that is missing is a release's."""
    return any(
        (bounds.get(key, value) > value) if key in CAPS else (bounds.get(key, value) < value)
        for key, value in BOUNDS.items()
    )
