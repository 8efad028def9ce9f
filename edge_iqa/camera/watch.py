"""A stream of frames → what to do with the phone, frame by frame, and the best frames in the end."""

from __future__ import annotations

import datetime
import time
import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_iqa.camera.frame_report import STEPS, Best, FrameReport
from edge_iqa.camera.hints import Hints, choose_hint
from edge_iqa.camera.look import SMALL_PX, Look, look
from edge_iqa.camera.motion import Motion
from edge_iqa.camera.plan import Plan
from edge_iqa.camera.scorer import Scorer, Scores
from edge_iqa.camera.shortlist import Kept, Rank, Shortlist
from edge_iqa.camera.states import Seen, StateMachine
from edge_iqa.camera.worth import measure_softness, weigh
from edge_iqa.image import MAX_ASPECT, MIN_SIDE_PX
from edge_iqa.policy import Policy
from edge_iqa.rating import rate
from edge_iqa.stream.events import Event, OnEvent
from edge_iqa.stream.shot import Shot
from edge_iqa.stream.source import Source
from edge_iqa.stream.sources import FrameSource, open_source

if TYPE_CHECKING:
    from edge_iqa.inspector import Inspector

APART_S = 0.5
"""Frames that `Watch.best` gives lie at least so far apart."""

_FRAME_S = 1 / 30
_LONGEST_S = 0.2
"""A pause between two frames counts as at most so long: a hand's tremor goes back and forth within it."""

_SHORTLIST = 12
_HOLD_S = 0.5
"""The picture must have been good for so long before the photo is taken."""

_FILL = 0.35
"""Share of the frame that a product must span where the policy asks for none."""
_CROP = 0.85
"""Of what the policy asks so much is enough while one aims: cropping brings the rest."""


class Watch:
    """Judges the frames of one source as they come: iterate over it. Usable with `with`; not from two threads at once.

    Leaving a `with` block, `close`, the end of the source, and an exception in the loop once nothing refers to the
    watch any more, all free the camera.

    """

    def __init__(self, inspector: Inspector, source: Source, budget_ms: float, policy: Policy) -> None:
        """Join an inspector and a source; `Inspector.watch` is the usual way to get one."""
        self._inspector = inspector
        self._source = source
        self._policy = policy
        manifest = inspector.bundle.manifest
        self._spec = manifest.views
        self._thresholds, _ = policy.tighten(manifest.thresholds)
        self._plan = Plan(budget_ms)
        self._motion = Motion()
        self._states = StateMachine(_find_fill(policy), self._thresholds.reject)
        self._hints = Hints()
        self._scorer = Scorer(lambda rgb: score(inspector, rgb))
        self._shortlist = Shortlist(_SHORTLIST, APART_S)
        self._look: Look | None = None
        self._scores: Mapping[str, float] = {}
        self._picture = 0
        self._still_frames = 0
        self._time_s: float | None = None
        self._good_s = 0.0
        self._captured: int | None = None
        self._too_small = 0
        self._shot: Shot | None = None
        self._free = weakref.finalize(self, _free, source, self._scorer)

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened to the source, the last hundred events."""
        return tuple(self._source.events)

    @property
    def dropped(self) -> int:
        """Frames passed over so far: newer ones were there, or they have less than 32 px a side, or one side is
        over 100 times the other."""
        return self._source.dropped + self._too_small

    @property
    def frame(self) -> NDArray[np.uint8]:
        """The frame that the last report is about: uint8 HxWx3, RGB, upright, a copy.

        Raises:
            ValueError: there was no report yet.
        """
        if self._shot is None:
            raise ValueError(
                "expected a report before its frame is asked for; take one with next() or a loop"
            )
        return self._shot.buffer.to_rgb()

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> FrameReport:
        """Judge the next frame.

        Raises:
            CameraError: the camera is gone, or stalls, and `lost` is `raise`.
            BackendError: the runtime failed.
        """
        try:
            shot = next(self._source)
            while not _can_be_judged(shot.buffer.upright_size):
                self._too_small += 1
                shot = next(self._source)
            return self._judge(shot)
        except BaseException:  # an interrupt too, and the end
            self.close()
            raise

    def best(self, k: int = 1) -> list[Best]:
        """The best frames, judged in full, at least half a second apart.

        Where no frame was asked for before, the source is watched first: to its end, or where it is live until the
        photo should be taken (`FrameReport.capture`).

        Args:
            k: how many, at most 12.

        Returns:
            The best first: those that were good, then steady ones, then others, each by the scores of what only a new
            photo mends, and by its edges (`edge_iqa.camera.worth`).
            Fewer than `k` where the stream was too short for more, or good frames lie too near to each other, none
            where it had no frame.

        Raises:
            ValueError: `k` is not a whole number from 1 to 12.
            CameraError, BackendError: as iteration does.
        """
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= _SHORTLIST:
            raise ValueError(f"k: expected a whole number from 1 to {_SHORTLIST}, got {k!r}")
        if self._shot is None:
            for seen in self:
                if seen.capture and self._source.is_live:
                    break
        chosen: list[tuple[Rank, Best]] = []
        for kept in self._shortlist.kept:
            pixels = kept.buffer.to_rgb()
            report = self._inspector.inspect(pixels, self._policy)
            best = Best(pixels, report, kept.time_s, kept.index)
            # no more than `k` are held in full: a frame of 12 megapixels has 36 MB
            chosen = _choose([*chosen, (_rank_in_full(kept, best), best)])[:k]
        return [best for _, best in chosen]

    def close(self) -> None:
        """Free the camera. May be called twice, and while another thread waits for a frame; `best` still answers."""
        self._free()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _judge(self, shot: Shot) -> FrameReport:
        start = time.perf_counter()
        self._shot = shot
        small = shot.buffer.shrink(SMALL_PX)
        seconds = self._count_seconds(shot)
        speed = self._motion.measure(small) * _FRAME_S / seconds
        self._plan.record("motion", _since_ms(start))
        measured, self._look = self._look, self._measure(shot, small)
        is_fresh = measured is not self._look
        state = self._states.update(Seen(speed, self._look, self._scores, is_fresh))
        self._follow()
        is_scored = self._score(shot)
        if is_fresh:  # of the others nobody knows how sharp they are
            self._offer(shot, state, speed)
        skipped = tuple(name for name, done in zip(STEPS, (is_fresh, is_scored), strict=True) if not done)
        return self._report(shot, state, skipped, self._is_moment(state, seconds, is_fresh), start)

    def _count_seconds(self, shot: Shot) -> float:
        """Seconds since the frame before."""
        before, self._time_s = self._time_s, shot.time_s
        return _FRAME_S if before is None else min(_LONGEST_S, max(_FRAME_S / 4, shot.time_s - before))

    def _measure(self, shot: Shot, small: NDArray[np.uint8]) -> Look:
        """Measure the frame, or give what is known where the plan has no room for it."""
        if not self._plan.takes_measure() and self._source.is_live and self._look is not None:
            return self._look
        start = time.perf_counter()
        measured = look(shot.buffer, small, self._spec.long_side_px)
        self._plan.record("measure", _since_ms(start))
        return measured

    def _follow(self) -> None:
        """Count still frames; a picture that moved, or whose light changed, is another one, without a score."""
        if self._states.stands:
            self._still_frames += 1
        elif self._still_frames:
            self._still_frames = 0
            self._picture += 1
            self._scores = {}

    def _score(self, shot: Shot) -> bool:
        """Take scores that have come, and give the model this frame where the plan says so: whether it did."""
        self._take(self._scorer.take())
        if self._scorer.is_busy or not self._plan.takes_score(
            shot.time_s, self._still_frames, bool(self._scores)
        ):
            return False
        self._scorer.start(shot.buffer, self._picture)
        if (
            not self._source.is_live
        ):  # nobody waits, and the answer does not depend on how quick the machine is
            self._take(self._scorer.take(wait=True))
        return True

    def _take(self, scores: Scores | None) -> None:
        if scores is None:
            return
        if self._source.is_live:  # else what is said would depend on how quick the machine is
            self._plan.record("model", scores.cost_ms)
        if scores.picture == self._picture:
            self._scores = scores.values

    def _offer(self, shot: Shot, state: str, speed: float) -> None:
        self._shortlist.offer(shot.buffer, self._rank(state, speed), shot.time_s, shot.index)

    def _rank(self, state: str, speed: float) -> Rank:
        tier = {"good": 2.0, "steady": 1.0}.get(state, 0.0)
        softness_px = measure_softness(self._look.blur_px if self._look else None, speed)
        return (tier, weigh(self._scores, softness_px), -softness_px)

    def _report(
        self, shot: Shot, state: str, skipped: tuple[str, ...], capture: bool, start: float
    ) -> FrameReport:
        overall = self._scores.get("overall")
        hint = self._hints.update(choose_hint(state, self._scores, self._thresholds))
        return FrameReport(
            index=shot.index,
            time_s=shot.time_s,
            state=state,
            hint=None if hint is None else self._inspector.words.hints[hint],
            score=None if overall is None else 100 * overall,
            box=self._look.box if self._look else None,
            capture=capture,
            time_ms=_since_ms(start),
            skipped=skipped,
            dropped=shot.dropped + self._too_small,
        )

    def _is_moment(self, state: str, seconds: float, is_fresh: bool) -> bool:
        """Whether the photo should be taken now: once of each picture, and never of a frame that was not measured."""
        self._good_s = self._good_s + seconds if state == "good" else 0.0
        # the first good frame ends no stretch of good ones, it begins one
        is_long = self._good_s - seconds >= _HOLD_S
        if not (is_long and is_fresh) or self._captured == self._picture:
            return False
        self._captured = self._picture
        return True


def watch(
    inspector: Inspector,
    source: FrameSource,
    budget_ms: float,
    policy: Policy,
    drop: bool | None = None,
    lost: str = "raise",
    stall_s: float = 2.0,
    on_event: OnEvent | None = None,
) -> Watch:
    """Open a source and watch it; see `Inspector.watch`."""
    if isinstance(budget_ms, bool) or not isinstance(budget_ms, (int, float)) or not 1 <= budget_ms <= 10_000:
        raise ValueError(f"budget_ms: expected milliseconds from 1 to 10,000, got {budget_ms!r}")
    return Watch(inspector, open_source(source, drop, lost, stall_s, on_event), budget_ms, policy)


def score(inspector: Inspector, rgb: NDArray[np.uint8]) -> dict[str, float]:
    """Scores of upright pixels (h, w, 3), 0 to 1: `overall`, and each attribute."""
    scored = rate(inspector, rgb)
    return {"overall": scored.overall, **scored.attributes}


def _find_fill(policy: Policy) -> float:
    today = datetime.date.today()
    asked = [
        rule.at_least
        for rule in policy.rules
        if rule.measure == "fill" and rule.at_least is not None and rule.is_in_force(today)
    ]
    return _CROP * max(asked) if asked else _FILL


def _can_be_judged(size: tuple[int, int]) -> bool:
    return min(size) >= MIN_SIDE_PX and max(size) <= MAX_ASPECT * min(size)


def _rank_in_full(kept: Kept, best: Best) -> Rank:
    """As it was ranked when it came, with the scores of its own pixels."""
    tier, _, sharpness_px = kept.rank
    scores = {name: value / 100 for name, value in best.report.attributes.items()}
    return (tier, weigh(scores or {"overall": best.report.score / 100}, -sharpness_px), best.report.score)


def _choose(ranked: Sequence[tuple[Rank, Best]]) -> list[tuple[Rank, Best]]:
    """The best first, without those that lie too near to a better one."""
    chosen: list[tuple[Rank, Best]] = []
    for rank, best in sorted(ranked, key=lambda each: each[0], reverse=True):
        if all(abs(best.time_s - other.time_s) >= APART_S for _, other in chosen):
            chosen.append((rank, best))
    return chosen


def _since_ms(start: float) -> float:
    return 1000 * (time.perf_counter() - start)


def _free(source: Source, scorer: Scorer) -> None:
    source.close()
    scorer.close()
