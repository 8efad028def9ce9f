"""A window that shows a live stream, with what is said of it; only where OpenCV has windows."""

from __future__ import annotations

import contextlib
import os
import re
import sys

import numpy as np
from numpy.typing import NDArray

from edge_iqa import opencv
from edge_iqa.camera.frame_report import FrameReport
from edge_iqa.errors import DependencyError

TITLE = "edge-iqa camera"
LONG_SIDE_PX = 960
_ESCAPE = 27
_COLORS = {"good": (60, 200, 60), "steady": (60, 200, 220)}
_FAULT = (60, 60, 230)
"""Blue, green, red, as OpenCV has it."""
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


class Window:
    """Shows frame after frame until it is closed: by `q`, by Escape, or by its own button."""

    def __init__(self) -> None:
        """Open it.

        Raises:
            DependencyError: OpenCV is a build without windows, or there is no screen.
        """
        self._cv2 = opencv.load()
        self._was_visible = False
        if re.search(r"GUI:\s+NONE", self._cv2.getBuildInformation()):
            raise DependencyError(_tell_missing("this one has none (headless)"))
        has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if sys.platform.startswith("linux") and not has_screen:  # Qt would end the process
            raise DependencyError(
                "expected a screen to show a window on, and neither DISPLAY nor WAYLAND_DISPLAY is set; run it on a "
                "desktop, or leave out --show"
            )
        try:
            self._cv2.namedWindow(TITLE, self._cv2.WINDOW_AUTOSIZE)
        except self._cv2.error as error:
            raise DependencyError(_tell_missing(f"opening one failed ({error})")) from error

    def show(self, pixels: NDArray[np.uint8], report: FrameReport) -> bool:
        """Show a frame; False where the window was closed.

        Args:
            pixels: uint8 HxWx3, RGB, upright.
            report: what is said of it.
        """
        if self._was_visible and not self._is_visible():  # OpenCV would open it again
            return False
        self._cv2.imshow(TITLE, draw(pixels, report))
        key = self._cv2.waitKey(1)
        is_visible = self._is_visible()
        self._was_visible |= is_visible  # a new one may take a frame or two
        return not (key >= 0 and key & 0xFF in (ord("q"), _ESCAPE)) and is_visible is self._was_visible

    def close(self) -> None:
        """Close it; again does nothing."""
        self._was_visible = True
        with contextlib.suppress(self._cv2.error):  # there is none any more
            self._cv2.destroyWindow(TITLE)
            self._cv2.waitKey(1)

    def _is_visible(self) -> bool:
        try:
            visible: float = self._cv2.getWindowProperty(TITLE, self._cv2.WND_PROP_VISIBLE)
        except self._cv2.error:  # Qt, where no window is left
            return False
        return visible >= 1


def _tell_missing(why: str) -> str:
    return (
        f"a window needs an OpenCV that has windows, and {why}; run `pip uninstall opencv-python-headless`, then "
        "`pip install opencv-python`, or leave out --show"
    )


def draw(pixels: NDArray[np.uint8], report: FrameReport) -> NDArray[np.uint8]:
    """A small copy of a frame with the product's box, state, score and hint.

    Returns:
        uint8 hxwx3, BGR, the long side at most 960 px.
    """
    cv2 = opencv.load()
    scale = min(1.0, LONG_SIDE_PX / max(pixels.shape[:2]))
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    shown: NDArray[np.uint8] = cv2.cvtColor(
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR
    )
    color = _COLORS.get(report.state, _FAULT)
    if report.box is not None:
        left, top, width, height = (
            round(side * share) for side, share in zip(size * 2, report.box, strict=True)
        )
        cv2.rectangle(shown, (left, top), (left + width, top + height), color, 2)
    score = "" if report.score is None else f"  {report.score:.0f}"
    _write(shown, f"{_name(report.state)}{score}", size[1] // 14, size[1] // 18, color)
    hint = report.hint or ""
    _write(shown, hint if hint.isascii() else "", size[1] - size[1] // 28, size[1] // 24, _WHITE)
    return shown


def _name(state: str) -> str:
    return state.replace("_", " ")


def _write(
    shown: NDArray[np.uint8], text: str, bottom: int, height_px: int, color: tuple[int, int, int]
) -> None:
    """Write a line, dark around the letters; smaller where it would not fit. The letters of OpenCV are ASCII alone."""
    cv2 = opencv.load()
    font, left = cv2.FONT_HERSHEY_SIMPLEX, shown.shape[1] // 60
    scale: float = cv2.getFontScaleFromHeight(font, max(6, height_px // 2), 1)
    (width, _), _ = cv2.getTextSize(text, font, scale, 1)
    scale *= min(1.0, (shown.shape[1] - 2 * left) / max(1, width))
    for tone, thickness in ((_BLACK, 4), (color, 1)):
        cv2.putText(shown, text, (left, bottom), font, scale, tone, thickness, cv2.LINE_AA)
