"""The window of `edge-iqa camera --show`, on a real screen: run where OpenCV has windows and there is a display, as
`xvfb-run python -m pytest tests/edge_iqa/test_camera_window.py` in an environment with `opencv-python`."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_iqa.camera.frame_report import FrameReport
from edge_iqa.camera.window import TITLE, Window
from edge_iqa.cli import main

pytestmark = pytest.mark.skipif(
    not os.environ.get("DISPLAY")
    or any("GUI:" in line and "NONE" in line for line in cv2.getBuildInformation().splitlines()),
    reason="needs an OpenCV with windows, and a display",
)
REPORT = FrameReport(0, 0.0, "good", None, 91.0, (0.25, 0.25, 0.5, 0.5), False, 2.0, (), 0)
PIXELS = np.full((240, 320, 3), (200, 30, 120), np.uint8)


@pytest.fixture
def window() -> Iterator[Window]:
    opened = Window()
    yield opened
    opened.close()


def act(*action: str) -> None:
    """Do to the window what a person does, by the X server."""
    found = subprocess.run(
        ["xdotool", "search", "--sync", "--name", TITLE],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    for each in found.stdout.split():
        verb, *rest = action
        subprocess.run(
            ["xdotool", verb, *(["--window"] if rest else []), each, *rest], check=True, timeout=20
        )


has_xdotool = pytest.mark.skipif(shutil.which("xdotool") is None, reason="needs xdotool to press keys")


def show_until_closed(window: Window, seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not window.show(PIXELS, REPORT):
            return True
        time.sleep(0.01)
    return False


def read_screen() -> np.ndarray:
    """What the X server shows, (h, w, 3) BGR, from the file that `Xvfb -fbdir` keeps."""
    folder = os.environ.get("XVFB_FBDIR")
    if not folder:
        pytest.skip("needs Xvfb -fbdir, and XVFB_FBDIR to name the folder")
    data = (Path(folder) / "Xvfb_screen0").read_bytes()
    head = np.frombuffer(data, ">u4", 25)
    header_bytes, width, height, row_bytes, colors = (int(head[index]) for index in (0, 4, 5, 12, 19))
    rows = np.frombuffer(data, np.uint8, offset=header_bytes + 12 * colors)[: height * row_bytes]
    return rows.reshape(height, row_bytes // 4, 4)[:, :width, :3]


def test_frames_are_shown_until_the_window_is_closed(window):
    assert window.show(PIXELS, REPORT) and window.show(PIXELS, REPORT)
    window.close()
    assert not window.show(PIXELS, REPORT)
    window.close()


def test_its_own_button_closes_it(window):
    """What a window manager sends when its button is pressed."""
    display = pytest.importorskip("Xlib.display").Display()
    from Xlib.protocol.event import ClientMessage

    window.show(PIXELS, REPORT)
    shown = [each for each in display.screen().root.query_tree().children if each.get_wm_name() == TITLE]
    message = (32, [display.intern_atom("WM_DELETE_WINDOW"), 0, 0, 0, 0])
    for each in shown:
        each.send_event(
            ClientMessage(window=each, client_type=display.intern_atom("WM_PROTOCOLS"), data=message)
        )
    display.flush()
    assert len(shown) == 1 and show_until_closed(window)
    display.close()
    window.close()
    assert Window().show(PIXELS, REPORT), "the next one is not hidden as this one was"


@has_xdotool
@pytest.mark.parametrize("key", ["q", "Escape"])
def test_a_key_closes_it(window, key):
    window.show(PIXELS, REPORT)
    thread = threading.Thread(target=act, args=("key", key))
    thread.start()
    assert show_until_closed(window)
    thread.join()


@has_xdotool
def test_another_key_does_not(window):
    window.show(PIXELS, REPORT)
    thread = threading.Thread(target=act, args=("key", "a"))
    thread.start()
    assert not show_until_closed(window, 1.5)
    thread.join()


def test_the_screen_shows_the_frame_in_its_colors_and_the_box(window):
    for _ in range(20):
        window.show(PIXELS, REPORT)
        time.sleep(0.02)
    screen = read_screen()
    assert (screen == (120, 30, 200)).all(-1).sum() > 50_000
    assert (screen == (60, 200, 60)).all(-1).sum() > 400


def test_the_command_shows_a_folder_to_its_end(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), PIXELS)
    assert main(["camera", "--source", str(tmp_path), "--show"]) == 0
    with contextlib.suppress(cv2.error):  # Qt, where no window is left
        assert cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1
