"""Edge IQA: is this product photo good enough? Answered on the device, in milliseconds.

    from edge_iqa import Inspector

    with Inspector.open() as inspector:
        report = inspector.inspect("photo.jpg")
    print(report.verdict, report.score)

Importing this package costs next to nothing: numpy, OpenCV and the inference runtime load on
first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_iqa.camera.frame_report import Best, FrameReport
    from edge_iqa.camera.watch import Watch
    from edge_iqa.errors import CameraError, EdgeIqaError, FrameError
    from edge_iqa.fix.photo import FixedPhoto
    from edge_iqa.frame import Frame
    from edge_iqa.gallery.gallery import Gallery
    from edge_iqa.gallery.match import Match
    from edge_iqa.inspector import Inspector
    from edge_iqa.report import Category, Failure, Issue, Report, Verdict
    from edge_iqa.stream.buffer import Buffer
    from edge_iqa.stream.feed import Feed

__version__ = "0.2.0"

__all__ = [
    "Best",
    "Buffer",
    "CameraError",
    "Category",
    "EdgeIqaError",
    "Failure",
    "Feed",
    "FixedPhoto",
    "Frame",
    "FrameError",
    "FrameReport",
    "Gallery",
    "Inspector",
    "Issue",
    "Match",
    "Report",
    "Verdict",
    "Watch",
    "__version__",
]

_HOMES = {
    "Best": "edge_iqa.camera.frame_report",
    "Buffer": "edge_iqa.stream.buffer",
    "CameraError": "edge_iqa.errors",
    "Category": "edge_iqa.report",
    "EdgeIqaError": "edge_iqa.errors",
    "Failure": "edge_iqa.report",
    "Feed": "edge_iqa.stream.feed",
    "FixedPhoto": "edge_iqa.fix.photo",
    "Frame": "edge_iqa.frame",
    "FrameError": "edge_iqa.errors",
    "FrameReport": "edge_iqa.camera.frame_report",
    "Gallery": "edge_iqa.gallery.gallery",
    "Inspector": "edge_iqa.inspector",
    "Issue": "edge_iqa.report",
    "Match": "edge_iqa.gallery.match",
    "Report": "edge_iqa.report",
    "Verdict": "edge_iqa.report",
    "Watch": "edge_iqa.camera.watch",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562), so that the import itself stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'edge_iqa' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
