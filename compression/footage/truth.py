"""What is true of a frame, and which states a watcher may name: the contract of the camera's states.

A condition holds, does not, or lies between both bounds; between them either answer is right. States go
first in the order of `ORDER`. What is not wrong is `steady` for its first 8 frames and `good` from then on.
While exposure or focus come to a new value, the state before, `steady` and the state after are all right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compression.degradations.defocus import RADIUS_PX
from compression.degradations.exposure import OVER_EV, UNDER_EV
from compression.degradations.light import VIEWING_PX
from compression.degradations.motion import LENGTH_PX
from compression.degradations.noise import AMOUNT
from compression.footage.path import MOVING_SHARE, TREMOR_SHARE
from compression.footage.place import Place

import numpy as np  # isort: skip

ORDER = ("moving", "too_dark", "too_bright", "no_product", "blurry", "cut_off", "too_far")
"""Who goes first where several hold."""
SOUND = "sound"
"""Nothing is wrong: `steady` or `good`."""
GOOD_FRAMES = 8
DARK_STOPS, SOUND_STOPS = -2.5, 0.5
BURNT_SHARE = 0.15
BLURRY_PX, SHARP_PX = 4.0, 0.8
FAR_FILL, NEAR_FILL = 0.3, 0.5
CUT_SHARE, SOUND_MARGIN = 0.04, 0.02
_PARTLY = 0.4
"""From a product's part of this size on, the frame does have one."""
_ACCEPTED, _REFUSED = 0.04, 0.28
"""Noise (`compression.degradations.noise`) up to which a frame passes, and from which it does not."""


@dataclass(frozen=True)
class Truth:
    """All that is known of one frame.

    Attributes:
        index, time_s: from 0 up; when the middle row was exposed.
        kind: of the segment, a name in `compression.footage.KINDS`.
        allowed: states that are right.
        shift_share: how far the farthest corner moved since the frame before, over the long side.
        path_px: how far the picture's middle moves during the exposure, at a long side of 1600 px.
        stops: light over the right exposure.
        burnt: share of the product that is burnt out to white.
        focus_px: radius of the defocus disk at a long side of 1600 px.
        noise: 0-1, amount as in `compression.degradations.noise`.
        place: where the product is.
        ramp: whether exposure or focus are coming to a new value.
    """

    index: int
    time_s: float
    kind: str
    allowed: frozenset[str]
    shift_share: float
    path_px: float
    stops: float
    burnt: float
    focus_px: float
    noise: float
    place: Place
    ramp: bool

    def list_steps(self) -> tuple[tuple[str, float], ...]:
        """All that may be wrong with severities 0-1, as `compression.degradations` knows them.

        Those of severity 0 are among them: no frame is as good as its twin by decree, what metrics see counts.
        """
        over = self.stops > 0
        found = {
            "defocus": _severity(self.focus_px, RADIUS_PX),
            "motion": _severity(self.path_px, LENGTH_PX),
            "noise": _severity(self.noise, AMOUNT),
            "over_exposure" if over else "under_exposure": _severity(
                abs(self.stops), OVER_EV if over else UNDER_EV
            ),
        }
        return tuple(found.items())


def _severity(value: float, knots: Sequence[float]) -> float:
    return float(np.interp(value, knots, np.linspace(0, 1, len(knots))))


def resolve(shift_share: float, stops: float, burnt: float, focus_px: float, place: Place) -> frozenset[str]:
    """States that values of one frame allow, `SOUND` for `steady` and `good`."""
    answers = {
        "moving": _decide(shift_share > MOVING_SHARE, shift_share <= TREMOR_SHARE),
        "too_dark": _decide(stops <= DARK_STOPS, stops >= -SOUND_STOPS),
        "too_bright": _decide(burnt > BURNT_SHARE, stops <= SOUND_STOPS),
        "no_product": _decide(place.shown == 0, place.shown >= _PARTLY),
        "blurry": _decide(focus_px >= BLURRY_PX, focus_px <= SHARP_PX),
        "cut_off": _decide(place.cut_off > CUT_SHARE, place.cut_off == 0 and place.margin >= SOUND_MARGIN),
        "too_far": _decide(place.fill < FAR_FILL, place.fill >= NEAR_FILL),
    }
    found = set()
    for state in ORDER:
        if answers[state] is not False:
            found.add(state)
        if answers[state] is True:
            return frozenset(found)
    return frozenset({*found, SOUND})


def _decide(holds: bool, sound: bool) -> bool | None:
    """True, False, or None for what lies between."""
    return True if holds else False if sound else None


def allow(
    resolved: Sequence[frozenset[str]], ramps: Sequence[int], noise: Sequence[float]
) -> list[frozenset[str]]:
    """Allowed states of all frames of a film.

    Args:
        resolved: see `resolve`.
        ramps: number of the ramp that each frame belongs to; 0: none.
        noise: amounts.
    """
    allowed: list[frozenset[str]] = []
    surely = perhaps = 0
    for index, (states, ramp) in enumerate(zip(resolved, ramps, strict=True)):
        in_ramp = bool(ramp) and states != {"moving"}
        if in_ramp:  # focus that breathes may look like a slow move
            states = frozenset().union(states & {"moving"}, *_find_ends(resolved, ramps, index))
        surely = surely + 1 if states == {SOUND} and not in_ramp else 0
        perhaps = perhaps + 1 if SOUND in states or in_ramp else 0
        named = set(states - {SOUND})
        if in_ramp:
            named |= {"steady", "good"} if SOUND in states else {"steady"}
        elif SOUND in states:
            named |= _name_sound(surely, perhaps, noise[index])
        allowed.append(frozenset(named))
    return allowed


def _find_ends(
    resolved: Sequence[frozenset[str]], ramps: Sequence[int], index: int
) -> tuple[frozenset[str], frozenset[str]]:
    """What the frames before and after a ramp allow; none beyond the ends of the film."""
    first = last = index
    while first >= 0 and ramps[first]:
        first -= 1
    while last < len(ramps) and ramps[last]:
        last += 1
    nothing: frozenset[str] = frozenset()
    return (
        resolved[first] if first >= 0 else nothing,
        resolved[last] if last < len(ramps) else nothing,
    )


def _name_sound(surely: int, perhaps: int, noise: float) -> set[str]:
    """`steady` until surely 8 frames are sound, `good` from when perhaps 8 are; noise alone bars `good`."""
    named = set()
    if surely < GOOD_FRAMES:
        named.add("steady")
    if perhaps >= GOOD_FRAMES:
        if noise < _REFUSED:
            named.add("good")
        if noise > _ACCEPTED:
            named.add("steady")
    return named or {"steady"}


def measure_path_px(velocity_px: float, exposure_share: float, long_px: int) -> float:
    """How far the picture's middle moves during the exposure, at viewing scale."""
    return velocity_px * exposure_share * VIEWING_PX / long_px
