"""A stream is watched through the public door: what is said of it, what is kept of it, and how it ends."""

from __future__ import annotations

import gc
import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from numpy.typing import NDArray

from edge_iqa import Buffer, CameraError, Feed, FrameReport, Inspector
from edge_iqa.camera.frame_report import STEPS
from edge_iqa.camera.names import STATES
from edge_iqa.camera.scorer import Scorer
from edge_iqa.camera.states import rate_shot
from edge_iqa.errors import BackendError, PolicyError

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture(good_photo: Pixels) -> Pixels:
    """A photo that is accepted, with room to move a frame about in it."""
    return cv2.copyMakeBorder(good_photo, 80, 80, 80, 80, cv2.BORDER_REFLECT_101)


def frame_at(picture: Pixels, column: int = 80, row: int = 80) -> Pixels:
    height, width = picture.shape[0] - 160, picture.shape[1] - 160
    return np.ascontiguousarray(picture[row : row + height, column : column + width])


def watch_all(inspector: Inspector, frames: list[Any], **options: Any) -> list[FrameReport]:
    with inspector.watch(frames, **options) as watch:
        return list(watch)


def test_a_still_and_sound_picture_becomes_good_and_is_captured_once(
    inspector: Inspector, picture: Pixels
) -> None:
    reports = watch_all(inspector, [frame_at(picture)] * 45)
    states = [report.state for report in reports]
    assert states[0] == "steady" and states[-1] == "good" and set(states) == {"steady", "good"}
    assert all(report.hint is None for report in reports)
    assert sum(report.capture for report in reports) == 1
    capture = next(report for report in reports if report.capture)
    assert capture.time_s - reports[states.index("good")].time_s == pytest.approx(0.5, abs=0.07)
    assert reports[-1].score == pytest.approx(inspector.inspect(frame_at(picture)).score, abs=1e-4)


def test_a_picture_that_moves_is_said_to_move_and_has_no_score(inspector: Inspector, picture: Pixels) -> None:
    frames = [frame_at(picture, column=80 + round(70 * np.sin(index / 3))) for index in range(30)]
    reports = watch_all(inspector, frames)
    assert {report.state for report in reports[5:]} == {"moving"}
    assert reports[-1].hint == inspector.words.hints["moving"]
    assert reports[-1].score is None and "model" in reports[-1].skipped
    assert not any(report.capture for report in reports)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda frame: (frame * 0.12).astype(np.uint8), "too_dark"),
        (lambda frame: cv2.GaussianBlur(frame, (0, 0), 9), "blurry"),
        (lambda frame: np.full_like(frame, 128), "no_product"),
        (lambda frame: np.full_like(frame, 0), "too_dark"),
    ],
)
def test_a_fault_is_named_with_its_hint(
    inspector: Inspector, picture: Pixels, change: Any, state: str
) -> None:
    reports = watch_all(inspector, [change(frame_at(picture))] * 20)
    assert reports[-1].state == state
    assert reports[-1].hint == inspector.words.hints[state]


def test_hints_come_in_the_language_of_the_inspector(picture: Pixels) -> None:
    with Inspector.open(lang="zh") as chinese:
        reports = watch_all(chinese, [np.zeros_like(frame_at(picture))] * 10)
    assert reports[-1].hint == chinese.words.hints["too_dark"] and not reports[-1].hint.isascii()


def test_the_same_frames_have_the_same_reports(inspector: Inspector, picture: Pixels) -> None:
    frames = [frame_at(picture, 80 + min(index, 20)) for index in range(50)]
    one, two = (
        [{**report.to_dict(), "time_ms": 0} for report in watch_all(inspector, frames)] for _ in range(2)
    )
    assert one == two


def test_formats_and_rotations_say_the_same(inspector: Inspector, picture: Pixels) -> None:
    frame = frame_at(picture)
    height, width = frame.shape[:2]
    turned = np.ascontiguousarray(np.rot90(frame))
    kinds = [
        Buffer(frame, "RGB", width, height),
        Buffer(cv2.cvtColor(frame, cv2.COLOR_RGB2BGRA), "BGRA", width, height),
        Buffer(turned, "RGB", height, width, rotation_deg=90),
    ]
    found = [watch_all(inspector, [kind] * 20)[-1] for kind in kinds]
    assert {report.state for report in found} == {"good"}
    assert [report.score for report in found] == pytest.approx([found[0].score] * 3, abs=1e-3)


def test_best_gives_the_sharpest_frame_in_full_and_apart_in_time(
    inspector: Inspector, picture: Pixels
) -> None:
    sharp = frame_at(picture)
    soft = cv2.GaussianBlur(sharp, (0, 0), 2.5)
    frames = [soft] * 40 + [sharp] * 20 + [soft] * 40
    with inspector.watch(frames) as watch:
        best = watch.best(3)
    assert 40 <= best[0].index < 60
    assert np.array_equal(best[0].pixels, sharp)
    assert best[0].report.score == pytest.approx(inspector.inspect(sharp).score)
    assert best[0].report.rules, "judged in full, by the rules of the policy"
    worth = [rate_shot(each.report.attributes) for each in best]
    assert worth == sorted(worth, reverse=True)
    assert min(abs(a.time_s - b.time_s) for a, b in itertools.combinations(best, 2)) >= 0.5


def test_best_of_what_was_seen_still_answers_after_the_loop_was_left(
    inspector: Inspector, picture: Pixels
) -> None:
    with inspector.watch([frame_at(picture)] * 300) as watch:
        for report in watch:
            if report.capture:
                break
    (best,) = watch.best()
    assert best.index <= report.index


def test_best_of_nothing_is_nothing(inspector: Inspector) -> None:
    assert inspector.watch([]).best() == []


@pytest.mark.parametrize("k", [0, -1, 13, True, 1.5, "2"])
def test_a_number_of_best_frames_that_cannot_be_is_refused(inspector: Inspector, k: Any) -> None:
    with pytest.raises(ValueError, match="from 1 to 12"):
        inspector.watch([]).best(k)


@pytest.mark.parametrize("budget_ms", [0, -5, float("nan"), True, "33", 1e9])
def test_a_budget_that_cannot_be_is_refused(inspector: Inspector, budget_ms: Any) -> None:
    with pytest.raises(ValueError, match="budget_ms"):
        inspector.watch([], budget_ms=budget_ms)


def test_a_closed_inspector_and_an_unknown_policy_are_refused(inspector: Inspector) -> None:
    with Inspector.open() as closed:
        pass
    with pytest.raises(BackendError, match="closed"):
        closed.watch([])
    with pytest.raises(PolicyError, match="nowhere"):
        inspector.watch([], policy="nowhere")


def test_the_policy_says_how_much_the_product_must_fill(inspector: Inspector) -> None:
    frame = np.full((480, 640, 3), 235, np.uint8)
    rng = np.random.default_rng(0)
    frame[90:390, 220:420] = cv2.GaussianBlur(rng.integers(20, 160, (300, 200, 3), np.uint8), (3, 3), 0)
    far = {
        policy: watch_all(inspector, [frame] * 10, policy=policy)[-1].state
        for policy in ("general", "amazon-main")
    }
    assert far["general"] != "too_far" and far["amazon-main"] == "too_far"


def test_the_frame_of_a_report_is_at_hand_as_a_copy(inspector: Inspector, picture: Pixels) -> None:
    frames = [frame_at(picture, 80 + index) for index in range(3)]
    with inspector.watch(frames) as watch:
        with pytest.raises(ValueError, match="expected a report"):
            _ = watch.frame
        for frame in frames:
            next(watch)
            assert np.array_equal(watch.frame, frame)
            assert not np.shares_memory(watch.frame, frame)


def test_frames_of_changing_size_and_tiny_ones_do_not_end_the_stream(
    inspector: Inspector, picture: Pixels
) -> None:
    frame = frame_at(picture)
    sizes = [(640, 360), (360, 640), (8, 8), (320, 320), (33, 100), (640, 360)]
    reports = watch_all(inspector, [cv2.resize(frame, size) for size in sizes for _ in range(3)])
    assert len(reports) == 3 * (len(sizes) - 1)
    assert reports[-1].dropped == 3, "what is too small to judge is passed over, and counted"


class Camera:
    """Frames without an end, which remembers that it was let go of."""

    def __init__(self, frame: Pixels) -> None:
        self._frame, self.closed = frame, False

    def __iter__(self) -> Iterator[Pixels]:
        try:
            while True:
                yield self._frame
        finally:
            self.closed = True


@pytest.mark.parametrize("drop", [None, True])
def test_leaving_the_block_frees_the_source(inspector: Inspector, picture: Pixels, drop: bool | None) -> None:
    camera = Camera(frame_at(picture))
    with pytest.raises(KeyError), inspector.watch(camera, drop=drop) as watch:
        next(watch)
        raise KeyError
    assert wait_for(lambda: camera.closed)
    assert list(watch) == []


@pytest.mark.parametrize("drop", [None, True])
def test_an_exception_in_a_bare_loop_frees_the_source(
    inspector: Inspector, picture: Pixels, drop: bool | None
) -> None:
    camera = Camera(frame_at(picture))

    def run() -> None:
        for _ in inspector.watch(camera, drop=drop):
            raise KeyError

    with pytest.raises(KeyError) as caught:
        run()
    del caught
    gc.collect()
    assert wait_for(lambda: camera.closed)


def test_an_error_of_the_source_reaches_the_loop_and_frees_it(inspector: Inspector, picture: Pixels) -> None:
    def frames() -> Iterator[Pixels]:
        yield frame_at(picture)
        raise OSError("the cable is gone")

    with inspector.watch(frames()) as watch, pytest.raises((OSError, CameraError), match="the cable is gone"):
        list(watch)


def test_no_thread_stays_behind(inspector: Inspector, picture: Pixels) -> None:
    before = set(threading.enumerate())
    watch_all(inspector, [frame_at(picture)] * 12)
    feed = Feed()
    with inspector.watch(feed) as watch:
        feed.push(frame_at(picture))
        next(watch)
    assert wait_for(lambda: set(threading.enumerate()) <= before)


def test_a_live_stream_is_answered_while_the_model_works(inspector: Inspector, picture: Pixels) -> None:
    feed, frame, reports = Feed(), frame_at(picture), []
    with inspector.watch(feed) as watch:
        for index in range(60):
            feed.push(Buffer(frame, "RGB", frame.shape[1], frame.shape[0], time_s=index / 30))
            reports.append(next(watch))
            time.sleep(0.005)
    assert {step for report in reports for step in report.skipped} <= set(STEPS)
    assert reports[-1].state == "good" and reports[-1].score is not None
    assert 1 <= sum("model" not in report.skipped for report in reports) <= 5


def wait_for(condition: Any, seconds: float = 5.0) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


SIZES = ((96, 64), (64, 96), (128, 128), (8, 8))


class LiveStream(RuleBasedStateMachine):
    """Frames late, doubled, out of order, of changing size, or none at all; closed at any point."""

    inspector: Inspector

    @initialize()
    def begin(self) -> None:
        self.feed = Feed()
        self.watch = self.inspector.watch(self.feed, stall_s=0.05, lost="end")
        self.now_s, self.last_s, self.closed, self.waits = 0.0, -1.0, False, 0
        self.reports: list[FrameReport] = []

    @rule(
        step_s=st.sampled_from((0.033, 0.0, -0.1, 0.5, 30.0)),
        size=st.sampled_from(SIZES),
        seed=st.integers(0, 3),
    )
    def push(self, step_s: float, size: tuple[int, int], seed: int) -> None:
        self.now_s += step_s
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0]), np.uint8)
        if self.feed.push(Buffer(pixels, "GRAY", *size, time_s=self.now_s)):
            self.waits = min(size)

    @rule(rubbish=st.sampled_from((None, b"", 7, "frame", np.zeros((4, 4)))))
    def push_garbage(self, rubbish: object) -> None:
        assert not self.feed.push(rubbish)

    @precondition(lambda self: self.waits >= 32 and not self.closed)
    @rule()
    def take(self) -> None:
        self.reports.append(next(self.watch))
        self.waits = 0

    @precondition(lambda self: not self.waits and not self.closed)
    @rule()
    def wait_for_nothing(self) -> None:
        start = time.monotonic()
        assert list(self.watch) == []  # stalled, and asked to end
        assert time.monotonic() - start < 5
        self.closed = True

    @rule()
    def close(self) -> None:
        self.watch.close()
        self.closed, self.waits = True, 0
        assert next(self.watch, None) is None

    @rule()
    def ask_for_the_best(self) -> None:
        if self.reports:
            assert len(self.watch.best(2)) in (1, 2)

    @invariant()
    def reports_make_sense(self) -> None:
        if not hasattr(self, "reports") or not self.reports:
            return
        assert all(report.state in STATES for report in self.reports[-1:])
        times = [report.time_s for report in self.reports]
        assert times == sorted(set(times))
        dropped = [report.dropped for report in self.reports]
        assert dropped == sorted(dropped)

    def teardown(self) -> None:
        if hasattr(self, "watch"):
            self.watch.close()


def test_any_live_stream_is_survived(inspector: Inspector) -> None:
    LiveStream.inspector = inspector
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        LiveStream, settings=settings(max_examples=25, stateful_step_count=15, deadline=None)
    )


def hurry(watch: Any) -> None:
    """Let measuring cost so much that most live frames go without."""
    for _ in range(60):
        watch._plan.record("measure", 150.0)


def push_at(feed: Feed, frame: Pixels, time_s: float) -> None:
    feed.push(Buffer(frame, "RGB", frame.shape[1], frame.shape[0], time_s=time_s))


def test_no_photo_is_taken_of_a_frame_that_was_not_measured(inspector: Inspector, picture: Pixels) -> None:
    feed, light, dark = Feed(), frame_at(picture), np.zeros_like(frame_at(picture))
    reports = []
    with inspector.watch(feed) as watch:
        hurry(watch)
        for index in range(200):
            push_at(feed, dark if index % 2 else light, index / 30)
            reports.append(next(watch))
            hurry(watch)
    assert any("measure" in report.skipped for report in reports)
    assert not any(report.capture and "measure" in report.skipped for report in reports)


def test_what_was_measured_once_has_one_vote(inspector: Inspector, picture: Pixels) -> None:
    feed, frame = Feed(), frame_at(picture)
    with inspector.watch(feed) as watch:
        for index in range(20):
            push_at(feed, frame, index / 30)
            before = next(watch).state
        watch._look = None  # the next frame is measured
        push_at(feed, np.zeros_like(frame), 20 / 30)
        states = [next(watch).state]
        hurry(watch)
        for index in range(21, 24):
            push_at(feed, frame, index / 30)
            states.append(next(watch).state)
    assert set(states) == {before}


def test_a_jump_of_time_takes_no_photo(inspector: Inspector, picture: Pixels) -> None:
    frame = frame_at(picture)
    times = [index / 30 for index in range(12)] + [3600 + index / 30 for index in range(12)]
    frames = [Buffer(frame, "RGB", frame.shape[1], frame.shape[0], time_s=time_s) for time_s in times]
    reports = watch_all(inspector, frames)
    first = next((report.index for report in reports if report.capture), None)
    good = next(report.index for report in reports if report.state == "good")
    assert first is None or first - good >= 10


def test_a_strip_that_no_verdict_can_be_given_on_is_passed_over(
    inspector: Inspector, picture: Pixels
) -> None:
    strip = np.zeros((40, 6000, 3), np.uint8)
    with inspector.watch([frame_at(picture)] * 5 + [strip] * 5) as watch:
        assert len(list(watch)) == 5
        assert len(watch.best(3)) == 1 and watch.dropped == 5


def test_a_model_that_fails_ends_a_live_stream_with_its_error(picture: Pixels) -> None:
    feed = Feed()
    with Inspector.open() as opened, opened.watch(feed) as watch:
        opened.backend.close()
        with pytest.raises(BackendError):
            for index in range(60):
                push_at(feed, frame_at(picture), index / 30)
                next(watch)
                time.sleep(0.005)


def test_a_scorer_may_be_closed_at_any_moment(picture: Pixels) -> None:
    buffer = Buffer(frame_at(picture), "RGB", picture.shape[1] - 160, picture.shape[0] - 160)
    for pause_s in np.linspace(0, 0.004, 40).tolist():
        scorer = Scorer(lambda rgb: {"overall": float(rgb.mean())})
        closer = threading.Timer(pause_s, scorer.close)
        closer.start()
        for _ in range(20):
            if not scorer.is_busy:
                scorer.start(buffer, 0)
            scorer.take(wait=True)
        closer.join()
        scorer.start(buffer, 0)
        assert scorer.take(wait=True) is None
    assert wait_for(
        lambda: not [each for each in threading.enumerate() if each.name.startswith("edge-iqa-scorer")]
    )


def test_an_answer_does_not_wait_for_the_model(picture: Pixels) -> None:
    free = threading.Event()
    scorer = Scorer(lambda rgb: {"overall": float(free.wait(30))})
    buffer = Buffer(frame_at(picture), "RGB", picture.shape[1] - 160, picture.shape[0] - 160)
    scorer.start(buffer, 3)
    assert scorer.take() is None and scorer.is_busy
    free.set()
    scores = scorer.take(wait=True)
    assert scores is not None and scores.values == {"overall": 1.0} and scores.picture == 3
    scorer.close()
