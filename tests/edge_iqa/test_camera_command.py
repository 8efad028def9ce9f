"""`edge-iqa camera`: what it prints, writes and returns, on videos made here of the bundle's photos."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import image
from edge_iqa.camera.frame_report import FrameReport
from edge_iqa.camera.live_line import LiveLine
from edge_iqa.camera.names import STATES
from edge_iqa.camera.window import draw
from edge_iqa.cli import main
from edge_iqa.stream import capture
from edge_iqa.words import open_words

ROOT = Path(__file__).resolve().parents[2]
REPORT = FrameReport(
    index=3, time_s=0.1, state="good", hint=None, score=91.26, box=(0.25, 0.25, 0.5, 0.5), capture=False,
    time_ms=2.0, skipped=(), dropped=0,
)  # fmt: skip


def write_video(path: Path, photo: NDArray[np.uint8], gain: float = 1.0) -> Path:
    """A camera that comes from the side within a third of a second, and then holds still for a second."""
    width = 640
    height = round(width * photo.shape[0] / photo.shape[1]) // 2 * 2
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    small = (small * gain).astype(np.uint8)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, (width - 40, height - 40))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no video")
    for number in range(40):
        left = max(20, 40 - 2 * number)
        writer.write(np.ascontiguousarray(small[20 : height - 20, left : left + width - 40, ::-1]))
    writer.release()
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, good_photo: NDArray[np.uint8]) -> str:
    return str(write_video(tmp_path_factory.mktemp("video") / "good.avi", good_photo))


@pytest.fixture(scope="module")
def dark_video(tmp_path_factory: pytest.TempPathFactory, good_photo: NDArray[np.uint8]) -> str:
    return str(write_video(tmp_path_factory.mktemp("video") / "dark.avi", good_photo, gain=0.06))


def test_elsewhere_than_in_a_terminal_each_change_is_a_line(video, capsys):
    assert main(["camera", "--source", video]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["TIME", "STATE", "SCORE", "HINT"]
    assert 1 <= len(lines) <= 8
    labels = {label.split()[0] for label in open_words().states.values()}
    assert {line.split()[1] for line in lines} <= labels


def test_json_has_an_object_for_each_frame(video, capsys):
    assert main(["camera", "--source", video, "--json"]) == 0
    frames = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [frame["index"] for frame in frames] == list(range(40))
    assert set(frames[0]) == set(vars(REPORT))
    assert frames[-1]["state"] in STATES and frames[-1]["score"] > 0


def test_the_best_frame_is_written_with_its_verdict_and_nothing_is_replaced(
    video, tmp_path, capsys, inspector
):
    folder = tmp_path / "a" / "best"
    command = ["camera", "--source", video, "--save-best", str(folder)]
    code = main(command)
    told = capsys.readouterr().out.splitlines()[-1]
    first = (folder / "best-0001.jpg").read_bytes()
    verdict = json.loads((folder / "best-0001.json").read_text())
    assert code == (0 if verdict["verdict"] == "accept" else 1)
    assert verdict["verdict"] == inspector.inspect(folder / "best-0001.jpg").verdict
    assert verdict["verdict"] in told and "best-0001.jpg" in told
    assert 0 <= verdict["frame"]["index"] < 40
    assert image.read(folder / "best-0001.jpg").pixels.shape[1] == 600
    main([*command, "--best", "2"])
    names = sorted(path.name for path in folder.iterdir())
    assert names[:4] == ["best-0001.jpg", "best-0001.json", "best-0002.jpg", "best-0002.json"]
    assert (folder / "best-0001.jpg").read_bytes() == first


def test_the_best_frame_of_a_good_video_is_accepted(video, tmp_path):
    assert main(["camera", "--source", video, "--save-best", str(tmp_path)]) == 0


def test_the_best_frame_of_a_dark_video_is_not_accepted_and_light_is_asked_for(dark_video, tmp_path, capsys):
    assert main(["camera", "--source", dark_video, "--save-best", str(tmp_path)]) == 1
    assert "Too dark" in capsys.readouterr().out
    assert main(["camera", "--source", dark_video, "--lang", "zh"]) == 0
    assert not capsys.readouterr().out.isascii()


def test_with_json_the_verdicts_are_told_aside(video, tmp_path, capsys):
    main(["camera", "--source", video, "--json", "--save-best", str(tmp_path)])
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 40
    assert "best-0001.jpg" in told.err


def test_auto_ends_at_the_moment_to_take_the_photo(video, capsys):
    assert main(["camera", "--source", video, "--json", "--auto"]) == 0
    frames = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [frame["capture"] for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert len(frames) < 40


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--source", "nothing.mp4"], "nothing.mp4: expected a video"),
        (["--source", "97"], "camera 97"),
        (["--source", "ftp://example.org/a.mp4"], "expected a URL"),
        (["--policy", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_opened_is_wrong_usage(arguments, told, capsys):
    assert main(["camera", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--best", "13"], ["--best", "0"], ["--show", "--json"]])
def test_options_that_cannot_be_are_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["camera", *arguments])
    assert caught.value.code == 2


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_watched(video, tmp_path, capsys):
    (tmp_path / "file").write_text("taken")
    assert main(["camera", "--source", video, "--save-best", str(tmp_path / "file")]) == 2
    told = capsys.readouterr()
    assert "--save-best" in told.err and told.out == ""


def test_a_source_without_a_frame_is_unreadable(tmp_path, capsys):
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    assert main(["camera", "--source", str(tmp_path), "--save-best", str(tmp_path / "best")]) == 3
    told = capsys.readouterr().err
    assert "garbage" in told and "none of 1 frames could be used" in told
    assert list((tmp_path / "best").iterdir()) == []


def test_a_camera_that_is_unplugged_is_unreadable_and_its_best_is_written(
    video, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(capture, "open_video", lambda target, *_: SlowVideo(video))
    assert main(["camera", "--save-best", str(tmp_path)]) == 3
    told = capsys.readouterr()
    assert "unplugged: camera 0" in told.err and "lost='recover'" in told.err
    assert (tmp_path / "best-0001.jpg").exists()


class SlowVideo:
    """A camera that is unplugged where a video ends."""

    def __init__(self, path: str) -> None:
        self._video = cv2.VideoCapture(path)
        self.isOpened, self.release, self.get = self._video.isOpened, self._video.release, self._video.get

    def read(self, room: object = None) -> tuple[bool, object]:
        time.sleep(0.01)
        return self._video.read()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
def test_an_interrupt_ends_it_and_the_best_so_far_is_written(video, tmp_path):
    """Played in real time; the interrupt comes at the first line of output."""
    command = ["camera", "--source", video, "--drop", "--json", "--save-best", str(tmp_path / "best")]
    running = subprocess.Popen(
        [sys.executable, "-m", "edge_iqa", *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    running.stdout.readline()
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode in (0, 1), err
    assert len(out.splitlines()) < 39
    assert (tmp_path / "best" / "best-0001.jpg").exists()
    assert "Traceback" not in err


def test_a_terminal_has_one_line_that_changes():
    line = LiveLine(60, open_words().states)
    first = line.update(REPORT)
    second = line.update(replace(REPORT, state="moving", hint="Hold still. " * 10, dropped=2))
    assert first.endswith("91.3") and first.count("\n") == 1
    assert second.startswith("\r\x1b[2K") and "\n" not in second
    assert len(second.removeprefix("\r\x1b[2K")) == 59
    assert line.leave() == "\n"


def test_wide_letters_take_two_columns_of_a_terminal():
    shown = (
        LiveLine(50, open_words().states)
        .update(replace(REPORT, hint="请拿稳手机" * 10))
        .rpartition("\x1b[2K")[2]
    )
    assert len(shown) + shown.count("请") * 5 == 49 and shown.endswith("请拿稳手机" * 2)


def test_elsewhere_nothing_is_written_twice():
    line = LiveLine(None, open_words().states)
    assert line.update(REPORT).count("\n") == 2
    assert line.update(replace(REPORT, index=4, time_s=0.2, score=90.0)) == ""
    assert line.update(replace(REPORT, state="moving")).count("\n") == 1
    assert line.leave() == ""


def test_what_is_shown_has_the_products_box():
    shown = draw(np.full((480, 640, 3), 90, np.uint8), REPORT)
    assert shown.shape == (480, 640, 3)
    green = np.argwhere((shown == (60, 200, 60)).all(-1))
    inside = green[(green[:, 0] > 60)]  # above stands the state
    assert np.abs(inside.min(0) - (120, 160)).max() <= 2
    assert np.abs(inside.max(0) - (360, 480)).max() <= 2


def test_what_is_shown_is_small_and_in_the_order_of_opencv():
    pixels = np.zeros((1080, 1920, 3), np.uint8)
    pixels[..., 0] = 200
    shown = draw(pixels, replace(REPORT, box=None))
    assert shown.shape == (540, 960, 3)
    assert tuple(shown[270, 480]) == (0, 0, 200)


def test_a_hint_that_opencv_has_no_letters_for_is_left_to_the_state():
    pixels = np.full((480, 640, 3), 90, np.uint8)
    without = draw(pixels, REPORT)
    assert np.array_equal(draw(pixels, replace(REPORT, hint="请拿稳手机")), without)
    assert not np.array_equal(draw(pixels, replace(REPORT, hint="Hold still.")), without)
    assert not np.array_equal(draw(pixels, replace(REPORT, state="too_dark")), without)


@pytest.fixture
def without_windows() -> Callable[[], bool]:
    return lambda: any("GUI:" in line and "NONE" in line for line in cv2.getBuildInformation().splitlines())


def test_a_window_without_a_screen_or_opencv_for_it_is_wrong_usage(
    video, capsys, monkeypatch, without_windows
):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if not without_windows() and not sys.platform.startswith("linux"):
        pytest.skip("there is a screen")
    assert main(["camera", "--source", video, "--show"]) == 2
    told = capsys.readouterr()
    assert "--show" in told.err and told.out == ""
    if without_windows():
        assert "pip install opencv-python" in told.err
