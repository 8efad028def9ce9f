"""Where frames come from: order, loss and the release of cameras, with real threads and files; the one thing that is
drawn is OpenCV's capture of a camera, as there is none on the machines that run this."""

from __future__ import annotations

import functools
import gc
import http.server
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from numpy.typing import NDArray

from edge_iqa.errors import CameraError, FrameError
from edge_iqa.stream import capture, reader
from edge_iqa.stream.buffer import Buffer
from edge_iqa.stream.pool import FramePool
from edge_iqa.stream.sources import Event, Feed, Shot, Source, open_source

ROOT = Path(__file__).resolve().parents[2]
FRAME = np.zeros((48, 64, 3), np.uint8)


def count_threads() -> int:
    return sum(thread.name == "edge-iqa camera" for thread in threading.enumerate())


def wait_until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Other threads need a moment; nothing is asserted by time alone."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.002)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    if count_threads():
        gc.collect()
    wait_until(lambda: count_threads() == 0)


def make_frame(number: int, size: tuple[int, int] = (64, 48), time_s: float | None = None) -> Buffer:
    return Buffer(bytes([number % 256]) * (size[0] * size[1]), "GRAY", *size, time_s=time_s)


def read_number(shot: Shot) -> int:
    return int(shot.buffer.luma()[0, 0])


def write_video(path: Path, count: int, fps: float = 25.0) -> Path:
    """Frames that can be told apart by their gray, ten levels each."""
    code = {".avi": "MJPG", ".mp4": "mp4v"}[path.suffix]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), fps, (64, 48))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {path.suffix}")
    for number in range(count):
        writer.write(np.full((48, 64, 3), 10 * number % 250, np.uint8))
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "photos"
    place.mkdir()
    for number in (2, 0, 3):
        cv2.imwrite(str(place / f"{number}.png"), np.full((40, 50 + number, 3), (0, 0, 200), np.uint8))
    (place / "1.jpg").write_bytes(b"no photo")
    (place / "notes.txt").write_text("no photo either")
    return place


# --- files, folders, iterables: nothing is lost


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_video_gives_every_frame_in_order_and_its_times(tmp_path, suffix):
    with open_source(write_video(tmp_path / f"a{suffix}", 12)) as source:
        shots = [(shot.index, shot.time_s, read_number(shot), shot.dropped) for shot in source]
    assert not source.is_live
    assert [shot[0] for shot in shots] == list(range(12))
    assert [shot[1] for shot in shots] == pytest.approx([number / 25 for number in range(12)], abs=1e-3)
    assert [shot[2] for shot in shots] == pytest.approx([10 * number for number in range(12)], abs=4)
    assert {shot[3] for shot in shots} == {0}
    assert [event.kind for event in source.events] == ["ended"]


def test_color_of_a_video_is_in_order(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    writer.write(np.full((48, 64, 3), (20, 60, 220), np.uint8))
    writer.release()
    with open_source(tmp_path / "a.avi") as source:
        assert np.abs(next(source).buffer.to_rgb().mean((0, 1)) - (220, 60, 20)).max() < 8


def test_frames_that_are_kept_are_not_written_over(tmp_path):
    """The memory of frames is used again, but never that of one that is still held."""
    with open_source(write_video(tmp_path / "a.avi", 12)) as source:
        kept = list(source)
    assert [read_number(shot) for shot in kept] == pytest.approx(range(0, 120, 10), abs=4)


def test_memory_of_frames_that_nobody_holds_is_used_again(tmp_path):
    with open_source(write_video(tmp_path / "a.avi", 12)) as source:
        places = {shot.buffer.data.ctypes.data for shot in source}
    assert len(places) <= 3


def test_a_pool_hands_out_what_nobody_holds():
    pool = FramePool()
    assert pool.take() is None
    pool.give(np.zeros((2, 3, 3), np.uint8))
    held = pool.take()
    assert held.shape == (2, 3, 3) and pool.take() is None
    view = held[0]
    del held
    assert pool.take() is None
    del view
    assert pool.take() is not None


def test_a_folder_gives_its_photos_by_name_and_goes_on_behind_a_bad_one(folder):
    told = []
    with open_source(folder, on_event=told.append) as source:
        shots = [(shot.index, shot.time_s, shot.buffer.width_px, shot.dropped) for shot in source]
    assert shots == [(0, 0.0, 50, 0), (2, 2.0, 52, 1), (3, 3.0, 53, 1)]
    assert [event.kind for event in told] == ["garbage", "ended"]
    assert "1.jpg" in told[0].message
    assert source.events == tuple(told)


def test_a_folder_of_bad_photos_alone_ends(tmp_path):
    for number in range(40):
        (tmp_path / f"{number}.png").write_bytes(b"no photo")
    with open_source(tmp_path) as source:
        with pytest.raises(CameraError, match="none of 40 frames could be used"):
            list(source)
        assert source.dropped == 40 and list(source) == []


def test_an_iterable_of_what_is_no_frame_is_an_error_and_an_empty_one_is_not():
    with pytest.raises(CameraError, match="none of 2 frames could be used"):
        list(open_source(["photo.jpg", np.zeros((40, 40, 3))]))
    assert list(open_source([])) == []


def test_a_photo_is_a_source_of_one_frame(folder):
    with open_source(str(folder / "0.png")) as source:
        assert [shot.buffer.upright_size for shot in source] == [(50, 40)]


def test_an_iterable_is_read_one_by_one_in_the_thread_that_asks():
    asked = []

    def give() -> Iterator[Any]:
        for number in range(3):
            asked.append((number, threading.get_ident()))
            yield np.full((40 + number, 50, 3), number, np.uint8)

    with open_source(give()) as source:
        first = next(source)
        assert len(asked) == 1
        rest = list(source)
    assert {thread for _, thread in asked} == {threading.get_ident()}
    assert [shot.buffer.height_px for shot in (first, *rest)] == [40, 41, 42]
    assert [shot.time_s for shot in (first, *rest)] == pytest.approx([0, 1 / 30, 2 / 30])


@pytest.mark.parametrize(
    ("array", "format"),
    [
        (np.zeros((8, 9), np.uint8), "GRAY"),
        (np.zeros((8, 9, 3), np.uint8), "RGB"),
        (np.zeros((8, 9, 4), np.uint8), "RGBA"),
        (np.zeros((8, 18, 3), np.uint8)[:, ::2], "RGB"),
    ],
)
def test_arrays_are_frames(array, format):
    (shot,) = open_source([array])
    assert shot.buffer.format == format and shot.buffer.upright_size == (9, 8)


@pytest.mark.parametrize("times", [(1.0, 1.0, 0.5, 2.0), (None, None, None, None), (5.0, None, 4.0, None)])
def test_nothing_of_an_iterable_is_lost_and_its_times_grow(times):
    shots = list(open_source([make_frame(index, time_s=each) for index, each in enumerate(times)]))
    assert [read_number(shot) for shot in shots] == [0, 1, 2, 3]
    assert all(one.time_s < other.time_s for one, other in itertools.pairwise(shots))


def test_garbage_in_an_iterable_is_told_and_passed_over():
    frames = [
        None,
        make_frame(1),
        "text",
        np.zeros((4, 4), float),
        np.zeros((4, 4, 2), np.uint8),
        make_frame(2),
    ]
    with open_source(frames) as source:
        shots = list(source)
    assert [(read_number(shot), shot.index, shot.dropped) for shot in shots] == [(1, 1, 1), (2, 5, 4)]
    assert [event.kind for event in source.events] == ["garbage"] * 4 + ["ended"]


def test_a_frame_that_raises_is_garbage_and_any_other_error_is_the_callers():
    class Frames:
        def __init__(self, error: Exception) -> None:
            self._frames = iter([make_frame(1), error, make_frame(3)])

        def __iter__(self) -> Frames:
            return self

        def __next__(self) -> Buffer:
            frame = next(self._frames)
            if isinstance(frame, Exception):
                raise frame
            return frame

    with open_source(Frames(FrameError("bad"))) as source:
        assert [read_number(shot) for shot in source] == [1, 3]
    for drop in (None, True):
        with open_source(Frames(ZeroDivisionError("theirs")), drop=drop) as source:
            with pytest.raises(ZeroDivisionError, match="theirs"):
                for _ in range(3):
                    next(source)
            assert list(source) == []


@pytest.mark.parametrize("drop", [None, True])
def test_garbage_alone_is_a_loss(drop):
    def give() -> Iterator[Any]:
        yield make_frame(1)
        yield from [None] * 40
        yield make_frame(2)

    with open_source(give(), drop) as source, pytest.raises(CameraError, match="31 frames in a row"):
        for _ in range(9):
            next(source)
    assert [event.kind for event in source.events] == ["garbage"] * 31 + ["unplugged"]
    with open_source(give(), drop, lost="end") as source:
        list(source)
    assert [event.kind for event in source.events][-2:] == ["unplugged", "ended"]
    with open_source(give(), drop, lost="recover") as source:
        *_, last = source
    assert read_number(last) == 2
    assert [event.kind for event in source.events][-2:] == ["recovered", "ended"]


def test_a_generator_is_closed_with_its_source():
    closed = []

    def give() -> Iterator[Buffer]:
        try:
            for number in range(100):
                yield make_frame(number)
        finally:
            closed.append(True)

    for drop in (None, True):
        source = open_source(give(), drop)
        next(source)
        source.close()
        assert closed == [True] and list(source) == []
        closed.clear()


# --- in real time


def test_a_video_that_drops_is_played_in_real_time(tmp_path):
    path = write_video(tmp_path / "a.avi", 20, fps=50)
    start = time.monotonic()
    with open_source(path, drop=True) as source:
        assert source.is_live
        first = next(source)
        time.sleep(0.2)
        rest = list(source)
    taken = [first, *rest]
    assert time.monotonic() - start >= 19 / 50 - 0.01
    assert taken[-1].index == 19 and taken[-1].dropped >= 3
    assert taken[-1].dropped + len(taken) == 20
    assert all(shot.time_s == pytest.approx(shot.index / 50, abs=1e-3) for shot in taken)


def test_an_iterable_that_drops_runs_in_a_thread_of_its_own():
    gate = threading.Event()

    def give() -> Iterator[Buffer]:
        for number in range(5):
            yield make_frame(number)
        gate.set()

    with open_source(give(), drop=True) as source:
        gate.wait(5)
        wait_until(lambda: source.dropped == 4)
        shots = list(source)
    assert [(read_number(shot), shot.index, shot.dropped) for shot in shots] == [(4, 4, 4)]
    assert [event.kind for event in source.events] == ["ended"]


# --- feeds


def test_a_feed_gives_the_newest_frame_and_counts_the_others():
    feed = Feed()
    with open_source(feed) as source:
        for number in range(4):
            assert feed.push(make_frame(number))
        shot = next(source)
        assert (read_number(shot), shot.index, shot.dropped) == (3, 3, 3)
        feed.push(make_frame(9))
        feed.close()
        assert [read_number(shot) for shot in source] == [9]
        assert not feed.push(make_frame(10))
    assert source.dropped == 3


def test_a_feed_passes_over_frames_that_are_late_or_doubled():
    feed = Feed()
    with open_source(feed) as source:
        taken = []
        for time_s in (1.0, 2.0, 2.0, 1.9, 2.5):
            if feed.push(make_frame(0, time_s=time_s)):
                taken.append(next(source))
    assert [(shot.time_s, shot.dropped) for shot in taken] == [(1.0, 0), (2.0, 0), (2.5, 2)]


def test_a_camera_that_begins_its_clock_anew_goes_on():
    feed = Feed()
    times = []
    with open_source(feed) as source:
        for time_s in (100.0, 100.1, 0.0, 0.1, 0.05, 0.2):
            if feed.push(make_frame(0, time_s=time_s)):
                times.append(next(source).time_s)
    assert len(times) == 5 and times == sorted(set(times))
    assert times[3] - times[2] == pytest.approx(0.1)


def test_frames_are_taken_while_another_thread_pushes():
    feed = Feed()
    pushed = 400

    def push() -> None:
        for number in range(pushed):
            feed.push(make_frame(number, time_s=number / 30))
            if number % 20 == 0:
                time.sleep(0.001)
        feed.close()

    thread = threading.Thread(target=push)
    with open_source(feed) as source:
        thread.start()
        shots = list(source)
    thread.join()
    assert shots[-1].index == pushed - 1
    assert len(shots) + source.dropped == pushed
    assert all(shot.index == round(shot.time_s * 30) for shot in shots)


def test_a_feed_serves_one_source_and_ends_with_it():
    feed = Feed()
    source = open_source(feed)
    with pytest.raises(CameraError, match="make a new Feed"):
        open_source(feed)
    assert not feed.is_closed
    source.close()
    assert feed.is_closed and not feed.push(make_frame(1))
    feed = Feed()
    source = open_source(feed)
    del source
    gc.collect()
    assert feed.is_closed


def test_close_from_another_thread_ends_who_waits():
    source = open_source(Feed(), stall_s=60)
    timer = threading.Timer(0.05, source.close)
    timer.start()
    assert list(source) == []
    timer.join()
    source.close()
    assert list(source) == [] and source.events == ()


@pytest.mark.parametrize("lost", ["raise", "end", "recover"])
def test_a_feed_that_stalls_does_as_asked(lost):
    feed = Feed()
    with open_source(feed, lost=lost, stall_s=0.05) as source:
        if lost == "raise":
            with pytest.raises(CameraError, match=r"no frame came for 0\.05 s.*lost='recover'"):
                next(source)
            assert list(source) == []
        elif lost == "end":
            assert list(source) == []
        else:
            timer = threading.Timer(0.2, feed.push, [make_frame(1)])
            timer.start()
            assert read_number(next(source)) == 1
            timer.join()
    ends = {"raise": [], "end": ["ended"], "recover": ["recovered"]}[lost]
    assert [event.kind for event in source.events] == ["stalled", *ends]


def test_garbage_floods_no_memory_and_a_loss_is_told_all_the_same():
    feed = Feed()
    with open_source(feed, lost="end") as source:
        for _ in range(1000):
            feed.push(None)
        assert list(source) == []
        assert source.dropped == 1000
        assert len(source.events) == 33


def test_an_error_of_the_one_who_is_told_reaches_the_caller():
    def complain(event: Event) -> None:
        raise KeyError(event.kind)

    with open_source([None, FRAME], on_event=complain) as source, pytest.raises(KeyError, match="garbage"):
        next(source)


# --- cameras: OpenCV's capture is drawn, the thread is real


class DrawnCapture:
    """Stands in for `cv2.VideoCapture`; tells which threads used it."""

    def __init__(self, script: Iterable[object], opens: bool = True) -> None:
        self.script = iter(script)
        self.opens = opens
        self.readers: set[int] = set()
        self.released_by: list[int] = []
        self.gate = threading.Event()

    def isOpened(self) -> bool:
        return self.opens

    def read(self, room: object = None) -> tuple[bool, Any]:
        self.readers.add(threading.get_ident())
        assert not self.released_by, "read after release"
        time.sleep(0.001)
        step = next(self.script, "unplugged")
        if isinstance(step, str):
            if step == "hangs":
                self.gate.wait(20)
            return False, None
        if isinstance(step, cv2.error):
            raise step
        return True, step

    def release(self) -> None:
        self.released_by.append(threading.get_ident())


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[DrawnCapture]]:
    """Puts drawn cameras in the place of the real one; each opening takes the next."""

    def put(*captures: DrawnCapture) -> list[DrawnCapture]:
        waiting = list(captures)
        monkeypatch.setattr(
            capture, "open_video", lambda *_: waiting.pop(0) if waiting else DrawnCapture([], opens=False)
        )
        monkeypatch.setattr(reader, "FIRST_PAUSE_S", 0.01)
        return waiting

    return put


def picture(number: int, size: tuple[int, int] = (48, 64)) -> NDArray[np.uint8]:
    return np.full((*size, 3), number % 250, np.uint8)


def test_an_unplugged_camera_is_an_error_and_let_go_of(plug):
    drawn = DrawnCapture([picture(1), picture(2)])
    plug(drawn)
    with open_source(0) as source:
        assert source.is_live
        with pytest.raises(CameraError, match=r"camera 0: reading a frame failed.*plugged in"):
            list(source)
        assert drawn.released_by and drawn.released_by[0] in drawn.readers != {threading.get_ident()}
        assert source.events[-1].kind == "unplugged" and list(source) == []


def test_an_unplugged_camera_ends_the_stream_where_asked(plug):
    plug(DrawnCapture([picture(1)]))
    with open_source(0, lost="end") as source:
        assert [read_number(shot) for shot in source] == [1]
    assert [event.kind for event in source.events] == ["unplugged", "ended"]


def test_an_unplugged_camera_is_opened_again_where_asked(plug):
    first, second = DrawnCapture([picture(1)]), DrawnCapture([picture(2, (36, 64)), "hangs"])
    left = plug(first, DrawnCapture([], opens=False), DrawnCapture([], opens=False), second)
    seen = []
    with open_source(0, lost="recover", stall_s=5) as source:
        for shot in source:
            seen.append((read_number(shot), shot.buffer.height_px))
            if seen[-1][0] == 2:
                break
        second.gate.set()
        assert first.released_by and not left
    assert seen[-1] == (2, 36)
    assert [event.kind for event in source.events] == ["unplugged", "recovered"]
    wait_until(lambda: bool(second.released_by))


def test_a_camera_that_never_comes_back_is_tried_until_closed(plug):
    plug(DrawnCapture([picture(1)]))
    with open_source(0, lost="recover", stall_s=0.05) as source:
        timer = threading.Timer(0.3, source.close)
        timer.start()
        assert len(list(source)) == 1
        timer.join()
    assert [event.kind for event in source.events] == ["unplugged"]


def test_garbage_of_a_camera_is_passed_over(plug):
    broken = [cv2.error("decode"), None, np.zeros((4, 4, 7), np.uint8), np.zeros((4, 4, 3), float)]
    drawn = DrawnCapture([picture(1), *broken, picture(2), "hangs"])
    plug(drawn)
    with open_source(0) as source:
        while read_number(next(source)) != 2:
            pass
        assert [event.kind for event in source.events] == ["garbage"] * 4
        assert source.dropped in (4, 5)  # the first picture may have been overtaken
        drawn.gate.set()


def test_a_camera_that_gives_garbage_alone_is_opened_again(plug):
    second = DrawnCapture([picture(2), "hangs"])
    plug(DrawnCapture([None] * 60), second)
    with open_source(0, lost="recover") as source:
        assert read_number(next(source)) == 2
        second.gate.set()
    assert [event.kind for event in source.events] == ["garbage"] * 31 + ["unplugged", "recovered"]


def test_a_camera_that_hangs_stalls_and_is_let_go_of_when_its_driver_comes_back(plug, monkeypatch):
    monkeypatch.setattr(reader, "JOIN_S", 0.05)
    drawn = DrawnCapture([picture(1), "hangs"])
    plug(drawn)
    with open_source(0, stall_s=0.1) as source:
        with pytest.raises(CameraError, match="no frame came"):
            list(source)
        assert not drawn.released_by
        drawn.gate.set()
        wait_until(lambda: bool(drawn.released_by))
    assert drawn.released_by[0] in drawn.readers


@pytest.mark.parametrize("how", ["close", "twice", "with", "error", "collected"])
def test_the_camera_is_let_go_of_however_the_stream_ends(plug, how):
    drawn = DrawnCapture(map(picture, itertools.count()))
    plug(drawn)
    source = open_source(0)
    next(source)
    if how == "with":
        with source:
            next(source)
    elif how == "error":
        with pytest.raises(ZeroDivisionError), source:
            for _ in source:
                raise ZeroDivisionError
    elif how == "collected":
        del source
        gc.collect()
    else:
        source.close()
        if how == "twice":
            source.close()
    wait_until(lambda: bool(drawn.released_by))
    assert len(drawn.released_by) == 1 and drawn.released_by[0] in drawn.readers


def test_a_source_that_the_callers_loop_threw_away_lets_go_of_its_camera(plug):
    drawn = DrawnCapture(map(picture, itertools.count()))
    plug(drawn)

    def watch() -> None:
        for _ in open_source(0):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        watch()
    del caught
    gc.collect()
    wait_until(lambda: bool(drawn.released_by))


def test_a_video_is_let_go_of_however_it_ends(tmp_path, monkeypatch):
    released = []

    class Watched:
        def __init__(self, *arguments: Any) -> None:
            self.video = cv2.VideoCapture(*arguments)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.video, name)

        def release(self) -> None:
            released.append(True)
            self.video.release()

    monkeypatch.setattr(capture, "open_video", lambda path, *_: Watched(path))
    path = write_video(tmp_path / "a.avi", 12)
    for drop in (None, True):
        source = open_source(path, drop)
        next(source)
        source.close()
        source.close()
        assert released == [True]
        released.clear()
        source = open_source(path, drop)
        next(source)
        del source
        gc.collect()
        wait_until(lambda: released == [True])
        released.clear()
        list(open_source(path, drop))
        wait_until(lambda: released == [True])
        released.clear()


def test_a_stream_over_the_network_is_live_and_ends_as_unplugged(tmp_path):
    write_video(tmp_path / "a.avi", 12)
    serve = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open_source(f"http://127.0.0.1:{server.server_port}/a.avi", lost="end", stall_s=10) as source:
            assert source.is_live
            shots = list(source)
        server.shutdown()
    assert len(shots) + source.dropped == 12
    assert shots[-1].index == 11 and read_number(shots[-1]) == pytest.approx(110, abs=4)
    assert [event.kind for event in source.events] == ["unplugged", "ended"]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("drop", [None, True])
def test_a_video_can_be_closed_from_another_thread_at_any_moment(tmp_path, drop):
    path = write_video(tmp_path / "a.avi", 60, fps=500)
    for pause_ms in range(8):
        source = open_source(path, drop)
        timer = threading.Timer(pause_ms / 1000, source.close)
        timer.start()
        shots = list(source)
        timer.join()
        assert list(source) == []
        assert [shot.index for shot in shots] == sorted({shot.index for shot in shots})


def test_python_ends_though_a_source_was_left_open(tmp_path):
    script = """
import itertools, time
import numpy as np
from edge_iqa.stream.sources import Feed, open_source
def give():
    for number in itertools.count():
        time.sleep(0.001)
        yield np.zeros((48, 64, 3), np.uint8)
source, feed = open_source(give(), drop=True), open_source(Feed())
print(next(source).buffer.upright_size)"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=20)
    assert (done.stdout, done.stderr) == ("(64, 48)\n", "")


# --- what cannot be opened


@pytest.mark.parametrize("named", ["nothing.mp4", "nothing", "a\0b", ""])
def test_a_path_that_is_not_there_is_an_error_at_once(tmp_path, named):
    name = str(tmp_path / named) if named else ""
    with pytest.raises(CameraError, match="check the path"):
        open_source(name)


@pytest.mark.parametrize("content", [b"", b"no video", b"\0" * 5000])
def test_a_file_that_is_no_video_is_an_error_at_once(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(CameraError, match=r"a\.mp4: expected a video"):
        open_source(path)


def test_what_cannot_be_opened_is_told_by_the_error_alone(tmp_path):
    """OpenCV and FFmpeg write warnings of their own; FFmpeg is asked once a process not to."""
    (tmp_path / "a.mp4").write_bytes(b"no video")
    script = """
import sys
from edge_iqa.stream.sources import open_source
from edge_iqa.errors import CameraError
for source in (sys.argv[1], 97, "http://127.0.0.1:9/a.mp4"):
    try: open_source(source)
    except CameraError: pass"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "a.mp4"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stderr == ""


def test_a_folder_without_photos_is_an_error_at_once(tmp_path):
    with pytest.raises(CameraError, match="no photo directly in this folder"):
        open_source(tmp_path)


def test_a_camera_that_is_not_there_is_an_error_at_once():
    with pytest.raises(CameraError, match="camera 97: expected a camera"):
        open_source(97)


def test_a_stream_that_cannot_be_opened_is_an_error_that_keeps_the_password():
    with pytest.raises(CameraError, match=r"http://127\.0\.0\.1:9/a\.mp4: expected a stream") as caught:
        open_source("http://ann:secret@127.0.0.1:9/a.mp4")
    assert "secret" not in str(caught.value) and "ann" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (-1, "index of a camera from 0 to 9999, got -1"),
        (10**20, "index of a camera from 0 to 9999, got 100000000000000000000"),
        (True, "got bool"),
        (None, "got NoneType"),
        (1.5, "got float"),
        (b"bytes", "got bytes; give a list of frames"),
        (FRAME, "got ndarray; give a list of frames"),
        (Buffer(FRAME, "RGB", 64, 48), "got Buffer; give a list of frames"),
        ("ftp://example.org/a.mp4", "expected a URL of rtsp.*got ftp"),
        ("file:///a.mp4", "path of a file as it is"),
    ],
)
def test_what_is_no_source_is_an_error_that_says_what_is(source, told):
    with pytest.raises(CameraError, match=told):
        open_source(source)


@pytest.mark.parametrize(
    "options",
    [{"lost": "ignore"}, {"stall_s": 0}, {"stall_s": float("nan")}, {"stall_s": None}, {"drop": False}],
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        open_source(Feed(), **options)


# --- a feed as a state machine


class Stream(RuleBasedStateMachine):
    """Pushes whatever a camera may deliver, takes when it likes, and closes at any point."""

    def __init__(self) -> None:
        super().__init__()
        self.feed = Feed()
        self.source: Source = open_source(self.feed, lost="recover", stall_s=0.001)
        self.pushed = self.taken = self.number = 0
        self.newest: int | None = None
        self.clock_s = 10.0
        self.times: list[float] = []
        self.is_closed = self.is_ended = False

    def push(self, frame: object, counts: bool, number: int) -> None:
        accepted = self.feed.push(frame)
        if self.is_closed or self.is_ended:
            assert not accepted
            return
        assert accepted == counts
        self.pushed += 1
        if counts:
            self.newest = number

    def push_frame(self, time_s: float, counts: bool, size: tuple[int, int] = (8, 6)) -> None:
        self.number = (self.number + 1) % 256
        self.push(make_frame(self.number, size, time_s), counts, self.number)

    @rule(step_s=st.floats(0.001, 0.5), size=st.tuples(st.integers(1, 40), st.integers(1, 40)))
    def on_time(self, step_s: float, size: tuple[int, int]) -> None:
        if not (self.is_closed or self.is_ended):
            self.clock_s += step_s
        self.push_frame(self.clock_s, True, size)

    @precondition(lambda self: self.pushed and self.clock_s > 10)
    @rule(late_s=st.floats(0, 1.5))
    def late_or_doubled(self, late_s: float) -> None:
        self.push_frame(self.clock_s - late_s, False)

    @rule(
        frame=st.sampled_from([None, "text", 3, b"", np.zeros((4, 4), float), np.zeros((0, 4, 3), np.uint8)])
    )
    def garbage(self, frame: object) -> None:
        self.push(frame, False, 0)

    @precondition(lambda self: self.newest is not None or self.is_closed or self.is_ended)
    @rule()
    def take(self) -> None:
        shot = next(self.source, None)
        if self.newest is None:
            assert shot is None
            return
        assert shot is not None and read_number(shot) == self.newest
        assert shot.dropped == self.source.dropped
        self.newest = None
        self.taken += 1
        self.times.append(shot.time_s)

    @precondition(lambda self: self.newest is None and not (self.is_closed or self.is_ended))
    @rule()
    def none_at_all(self) -> None:
        """Waiting for a frame that never comes ends when another thread closes."""
        timer = threading.Timer(0.005, self.source.close)
        timer.start()
        assert next(self.source, None) is None
        timer.join()
        self.is_closed = True

    @rule()
    def end(self) -> None:
        self.feed.close()
        self.is_ended = True

    @rule()
    def close(self) -> None:
        self.source.close()
        self.is_closed = True
        self.newest = None

    @invariant()
    def every_frame_is_taken_or_counted_or_waits(self) -> None:
        waiting = self.newest is not None
        assert self.taken + self.source.dropped + waiting == self.pushed

    @invariant()
    def times_grow(self) -> None:
        assert all(one < other for one, other in itertools.pairwise(self.times))

    def teardown(self) -> None:
        self.source.close()
        assert next(self.source, None) is None
        assert count_threads() == 0


TestStream = Stream.TestCase
TestStream.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


class ThreadedStream(RuleBasedStateMachine):
    """The same by an iterable in a thread of its own, which gives a frame each time it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.given = self.taken = 0
        self.let = threading.Semaphore(0)
        self.script: list[object] = []
        self.source: Source = open_source(self.give(), drop=True, lost="recover", stall_s=30)

    def give(self) -> Iterator[object]:
        while True:
            self.let.acquire()
            if not self.script:
                return
            yield self.script.pop(0)

    @rule(frame=st.sampled_from([None, make_frame(1), make_frame(2, (5, 7)), make_frame(3, time_s=1.0)]))
    def frame(self, frame: object) -> None:
        self.given += 1
        self.script.append(frame)
        self.let.release()

    @precondition(lambda self: self.given > 0)
    @rule()
    def all_arrive(self) -> None:
        """With the one that waits, all that were given are counted, taken or not."""
        wait_until(lambda: self.given - self.taken - self.source.dropped in (0, 1))

    def teardown(self) -> None:
        self.let.release()
        self.taken += sum(1 for _ in self.source)
        assert self.taken + self.source.dropped == self.given
        self.source.close()
        wait_until(lambda: count_threads() == 0)


TestThreadedStream = ThreadedStream.TestCase
TestThreadedStream.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
