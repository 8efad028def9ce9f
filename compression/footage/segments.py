"""What may happen in a film, each kind in one function.

A segment begins and ends with a product that is framed, lit and focused well.
"""

from __future__ import annotations

from collections.abc import Callable

from compression.footage.reel import FOCUS, LIGHT, Reel


def _still(reel: Reel) -> None:
    reel.hold(1.0, 2.0)


def _wander(reel: Reel) -> None:
    """The hand wanders off and comes back."""
    reel.go(reel.compose(), loop=float(reel.rng.uniform(0.12, 0.3)))
    reel.hold(0.8, 1.5)


def _background(reel: Reel) -> None:
    reel.go(reel.look_away())
    reel.hold(0.7, 1.4)
    reel.go(reel.compose())
    reel.hold(0.8, 1.5)


def _far(reel: Reel) -> None:
    reel.go(reel.compose(float(reel.rng.uniform(0.2, 0.27))))
    reel.hold(0.7, 1.4)
    reel.go(reel.compose())
    reel.hold(0.8, 1.5)


def _cut_off(reel: Reel) -> None:
    pose = reel.cut()
    if pose is None:
        reel.kind = "wander"
        return _wander(reel)
    reel.go(pose)
    reel.hold(0.7, 1.4)
    reel.go(reel.compose())
    return reel.hold(0.8, 1.5)


def _lose_focus(reel: Reel, radius_px: float) -> None:
    reel.change(int(reel.rng.integers(5, 11)), focus_px=radius_px)


def find_focus(reel: Reel) -> None:
    """A lens that hunts: through the best place, a little back."""
    frames = int(reel.rng.integers(8, 16))
    best = reel.settle(*FOCUS)["focus_px"]
    if reel.rng.random() < 0.6:
        reel.change(frames, focus_px=best)
    else:
        reel.change(frames - 5, focus_px=best)
        reel.change(3, focus_px=float(reel.rng.uniform(1.2, 2.5)))
        reel.change(2, focus_px=best)
        reel.ramps -= 2
        for row in reel.rows[-5:]:
            row["ramp"] = reel.ramps


def _defocus(reel: Reel) -> None:
    _lose_focus(reel, float(reel.rng.uniform(4.8, 9.0)))
    reel.hold(0.7, 1.5)
    find_focus(reel)
    reel.hold(0.8, 1.5)


def _dark(reel: Reel) -> None:
    """The lamp goes out; the exposure follows as far as it can; the lamp comes back."""
    _darken(reel)
    reel.hold(0.7, 1.5)
    _relight(reel)
    reel.hold(0.8, 1.5)


def _darken(reel: Reel) -> None:
    stops = float(reel.rng.uniform(-4.2, -2.75))
    first = stops - float(reel.rng.uniform(0.5, 2.0))
    noise = float(reel.rng.uniform(0.03, 0.12))
    reel.change(
        int(reel.rng.integers(9, 16)), {"stops": first}, stops=stops, noise=noise, exposure_share=0.95
    )


def _relight(reel: Reel) -> None:
    first = float(reel.rng.uniform(1.0, 3.5))
    reel.change(int(reel.rng.integers(9, 16)), {"stops": first}, **reel.settle(*LIGHT))


def _bright(reel: Reel) -> None:
    """A lamp that is too much for the exposure, which is at its end."""
    reel.change(int(reel.rng.integers(6, 13)), glare=1.0)
    reel.hold(0.7, 1.5)
    reel.change(
        int(reel.rng.integers(6, 13)), {"glare": 0.0, "stops": -1.5}, glare=0.0, **reel.settle(*LIGHT)
    )
    reel.hold(0.8, 1.5)


def _flash(reel: Reel) -> None:
    """A lamp goes on or off, and the exposure makes up for it: nothing is to be said."""
    on = reel.rng.random() < 0.5
    stops = float(reel.rng.uniform(1.5, 3.5)) * (1 if on else -1)
    frames = int(reel.rng.integers(8, 16))
    reel.change(frames, {"stops": stops}, **reel.settle(*LIGHT))
    reel.hold(1.0, 1.8)


def _noisy(reel: Reel) -> None:
    """Rightly exposed by a gain that drowns the picture in noise."""
    reel.change(int(reel.rng.integers(6, 13)), noise=float(reel.rng.uniform(0.55, 1.0)))
    reel.hold(1.0, 1.6)
    reel.change(int(reel.rng.integers(6, 13)), **reel.settle("noise"))
    reel.hold(0.8, 1.5)


def _dark_and_far(reel: Reel) -> None:
    """Two faults at once: the light goes first."""
    reel.go(reel.compose(float(reel.rng.uniform(0.2, 0.27))))
    reel.hold(0.5, 0.8)
    _darken(reel)
    reel.hold(0.7, 1.2)
    _relight(reel)
    reel.hold(0.6, 0.9)
    reel.go(reel.compose())
    reel.hold(0.8, 1.5)


def _blurry_and_cut(reel: Reel) -> None:
    """Out of focus, and then cut off besides: blur goes first, until the lens has found its place."""
    pose = reel.cut()
    _lose_focus(reel, float(reel.rng.uniform(4.8, 8.0)))
    reel.hold(0.5, 0.8)
    reel.go(reel.compose() if pose is None else pose)
    reel.hold(0.6, 0.9)
    find_focus(reel)
    reel.hold(0.6, 0.9)
    reel.go(reel.compose())
    reel.hold(0.8, 1.5)


def _dark_in_motion(reel: Reel) -> None:
    """Moving in the dark, with long exposures."""
    _darken(reel)
    reel.hold(0.5, 0.9)
    reel.go(reel.compose(), loop=float(reel.rng.uniform(0.1, 0.2)))
    reel.hold(0.5, 0.9)
    _relight(reel)
    reel.hold(0.8, 1.5)


KINDS: dict[str, Callable[[Reel], None]] = {
    "still": _still,
    "wander": _wander,
    "background": _background,
    "far": _far,
    "cut off": _cut_off,
    "defocus": _defocus,
    "dark": _dark,
    "bright": _bright,
    "flash": _flash,
    "noisy": _noisy,
    "dark and far": _dark_and_far,
    "blurry and cut": _blurry_and_cut,
    "dark in motion": _dark_in_motion,
}
"""Kinds of segments, by name."""
