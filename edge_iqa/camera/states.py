"""What the seller should do now: measured frames → one state, which does not flicker.

Each bound has two values, one to enter a state and one to leave it (hysteresis, as in a Schmitt trigger), and a state
changes only when two frames of three in a row say so. While light or focus are still being set by the phone, the state
before holds.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from edge_iqa.camera.look import Look
from edge_iqa.camera.names import FAULTS

STILL = frozenset({"steady", "good"})
"""States in which nothing is wrong that the seller could do something about."""


@dataclass(frozen=True)
class Bound:
    """A value from which a state is entered, and one at which it is left again."""

    enter: float
    leave: float

    def holds(self, value: float, inside: bool) -> bool:
        """Whether the state holds; `inside`: it did before. Where `enter` is the larger, high values lead to it."""
        bound = self.leave if inside else self.enter
        return value > bound if self.enter > self.leave else value < bound


MOVING = Bound(0.0030, 0.0022)
"""Share of the longer side that a corner moves in a thirtieth of a second."""
DARK = Bound(0.45, 0.48)
"""Level that the brightest fiftieth of the frame reaches."""
BRIGHT = Bound(0.20, 0.12)
"""Share of the product that is burnt out. A burnt product hides before a white ground: see `HIDDEN` too."""
HIDDEN = 0.6
"""Of what a bright picture's score of exposure lacks, where the model has seen it, so much counts as burnt out too."""
WASHED_OUT = Bound(0.4, 0.2)
"""How much more of the frame is burnt out than when the same standing picture was sound: too much light where the
product has gone with the ground, or the model doubts the exposure. A ground that was white before says nothing."""
_DOUBTFUL = 0.92
"""Score of exposure below which it is doubted."""
_SEEN = 0.9
"""Chance of a product from which a picture is known to show one."""
NOISY = Bound(0.70, 0.74)
"""Score of noise: of sound live pictures 0.75 and more, of those that a high gain drowned up to 0.66."""
BLURRY = Bound(4.4, 3.9)
"""Width of the sharpest edges, px at viewing scale."""
CUT = Bound(0.02, 0.012)
"""Share of the frame's edges, where the outline is known: nets told it of clutter too, and of real clutter wrongly."""
LOST = Bound(0.3, 0.45)
"""Chance that there is a product."""
SURE = 0.85
"""Chance of the outline's place from which it has the say about fill."""
_LIGHT, _WHITE = 50.0, 0.97
"""Median L* of the product, and highlights, below which an ill lit picture has not too much light."""
_FAR_MARGIN = 0.03

OF_THE_SHOT = ("sharpness", "exposure", "noise", "detail")
"""Scores that a live picture is held to."""

CALM_FRAMES = 8
"""A picture counts as good after so many still frames with nothing wrong."""
_STAYS = 0.9
"""A picture that was good stays so down to this share of the score that was asked for."""
_VOTES = 3
_SETTLES = 15
"""Frames that light and focus may take to settle; what lasts longer is no settling."""
_LIGHT_STEP = 0.012
_FOCUS_STEP = 1.12


@dataclass(frozen=True)
class Seen:
    """What is known of one frame.

    Attributes:
        speed: share of the longer side that a corner moves in a thirtieth of a second.
        look: its measurements.
        scores: `overall` and attributes, 0 to 1, of this still picture; empty where the model has not judged it.
        is_fresh: whether the measurements are of this frame, not of one before.
    """

    speed: float
    look: Look
    scores: Mapping[str, float]
    is_fresh: bool = True


def is_noisy(scores: Mapping[str, float], inside: bool) -> bool:
    """Whether noise alone keeps a picture from being good; `inside`: it did before."""
    return "noise" in scores and NOISY.holds(scores["noise"], inside)


def rate_shot(scores: Mapping[str, float]) -> float | None:
    """What the scores say of what only a new photo mends: contrast and color are the device's to repair.

    The overall score is the product of the attributes; this is that of some of them.

    Returns:
        0 to 1; the overall score where the bundle has none of these; None without scores.
    """
    found = [scores[name] for name in OF_THE_SHOT if name in scores]
    return math.prod(found) if found else scores.get("overall")


class StateMachine:
    """Takes frames in turn, and says in which state each leaves the stream."""

    def __init__(self, fill_at_least: float, reject: float) -> None:
        """Begin.

        Args:
            fill_at_least: share of the frame's width or height that the product must span.
            reject: overall score, 0 to 1, below which a photo is not accepted. Of a good picture, what only a new photo
                mends scores so much, and noise by itself `NOISY`.
        """
        self._far = Bound(fill_at_least, fill_at_least + _FAR_MARGIN)
        self._poor = Bound(_STAYS * reject, reject)
        self._state = "steady"
        self._votes: deque[str] = deque(maxlen=_VOTES)
        self._calm = 0
        self._settling = _Settling()
        self._stands = True
        self._sound_burnt: float | None = None

    @property
    def stands(self) -> bool:
        """Whether the last frame shows the picture of the one before: it did not move, and light and focus are set."""
        return self._stands

    def update(self, seen: Seen) -> str:
        """Take one frame."""
        state = self._vote(seen)
        if state == "moving":
            self._sound_burnt = None
        elif state in STILL and self._stands and seen.look.placement.present > _SEEN:
            burnt = seen.look.burnt
            self._sound_burnt = burnt if self._sound_burnt is None else min(burnt, self._sound_burnt)
        return state

    def _vote(self, seen: Seen) -> str:
        """State after this frame."""
        call = self._call(seen)
        if not seen.is_fresh and call != "moving":
            # what was measured before has had its say: of this frame only its motion is known
            self._stands = True
            return self._state
        settles = call != "moving" and self._settling.update(seen.look)
        self._stands = not (settles or call == "moving")
        if settles and self._state != "moving":
            return self._state
        self._votes.append("steady" if settles else call)
        voted, count = Counter(self._votes).most_common(1)[0]
        if voted != self._base and 2 * count > _VOTES:
            self._state, self._calm = voted, 0
        if self._base == "steady":
            self._calm += 1
            self._state = "good" if self._is_good(seen) else "steady"
        return self._state

    @property
    def _base(self) -> str:
        return "steady" if self._state in STILL else self._state

    def _is_good(self, seen: Seen) -> bool:
        if self._calm <= CALM_FRAMES:
            return False
        # a device that cannot score live frames in time goes by what was measured
        shot, inside = rate_shot(seen.scores), self._state != "good"
        return not is_noisy(seen.scores, inside) and (shot is None or not self._poor.holds(shot, inside))

    def _call(self, seen: Seen) -> str:
        look = seen.look
        is_lost = LOST.holds(look.placement.present, self._state == "no_product")
        faults = {
            "moving": MOVING.holds(seen.speed, self._state == "moving"),
            "too_dark": DARK.holds(look.highlight, self._state == "too_dark"),
            # a white wall is no fault
            "too_bright": (not is_lost and self._is_burnt(seen)) or self._is_washed_out(seen, is_lost),
            "no_product": is_lost,
            # a product without one edge is far out of focus
            "blurry": not is_lost
            if look.blur_px is None
            else BLURRY.holds(look.blur_px, self._state == "blurry"),
            "cut_off": look.cut_off is not None and CUT.holds(look.cut_off, self._state == "cut_off"),
            "too_far": self._is_far(look),
        }
        return next((state for state in FAULTS if faults[state]), "steady")

    def _is_far(self, look: Look) -> bool:
        is_sure = look.fill is not None and look.product >= SURE
        fill = look.fill if is_sure and look.fill is not None else look.placement.fill
        return self._far.holds(fill, self._state == "too_far")

    def _is_burnt(self, seen: Seen) -> bool:
        """Whether a part is burnt out, or the model says so: burnt things hide in a white ground."""
        look, burnt = seen.look, seen.look.clipped
        if "exposure" in seen.scores and look.brightness > _LIGHT and look.highlight > _WHITE:
            burnt += HIDDEN * (1 - seen.scores["exposure"])
        return BRIGHT.holds(burnt, self._state == "too_bright")

    def _is_washed_out(self, seen: Seen, is_lost: bool) -> bool:
        """Whether the light that came while nothing moved has burnt the ground out, and the product with it."""
        if self._sound_burnt is None or not (is_lost or seen.scores.get("exposure", 1.0) < _DOUBTFUL):
            return False
        return WASHED_OUT.holds(seen.look.burnt - self._sound_burnt, self._state == "too_bright")


class _Settling:
    """Whether the phone is still setting light or focus: both change from frame to frame while the picture stands."""

    def __init__(self) -> None:
        self._before: deque[Look] = deque(maxlen=3)
        self._since = 0

    def update(self, look: Look) -> bool:
        """Whether they change at this frame."""
        changes = bool(self._before) and self._changed(self._before[0], look)
        self._before.append(look)
        self._since = self._since + 1 if changes else 0
        return 0 < self._since <= _SETTLES

    def _changed(self, before: Look, look: Look) -> bool:
        light = abs(look.highlight - before.highlight) + abs(look.burnt - before.burnt)
        if light > _LIGHT_STEP * len(self._before):
            return True
        if look.blur_px is None or before.blur_px is None:
            return False
        return abs(math.log(look.blur_px / before.blur_px)) > len(self._before) * math.log(_FOCUS_STEP)
