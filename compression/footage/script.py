"""What happens in a film: holds, moves, lamps and focus, frame by frame, before anything is drawn.

A film is three to five segments, each of a kind; see `KINDS`. A segment begins and ends with a product that
is framed, lit and focused well, but the first may begin elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compression.footage.path import FPS, Pose, Poses, Sensor, move, tremble
from compression.footage.place import find_place
from compression.footage.world import Product

_FOCUS = ("focus_px",)
_LIGHT = ("stops", "noise", "exposure_share")
_BREATHING = 0.0009
"""How much larger the picture gets for each pixel of defocus."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """One value a frame; see `compression.footage.truth.Truth`.

    Attributes:
        poses: (n, 4), tremor and breathing included.
        kinds: of the segment.
        stops: light relative to the right exposure.
        glare: 0-1, how far the light has come from `stops` to what burns part of the product out.
        burnt: that part, 0-1.
        ramp: number of the ramp of exposure or focus that the frame belongs to; 0: none.
    """

    poses: Poses
    kinds: list[str]
    stops: NDArray[np.float64]
    glare: NDArray[np.float64]
    focus_px: NDArray[np.float64]
    noise: NDArray[np.float64]
    exposure_share: NDArray[np.float64]
    ramp: NDArray[np.int64]
    burnt: float

    def __len__(self) -> int:
        return len(self.kinds)


@dataclass
class Reel:
    """A film as it is put together: what holds now, and the frames so far."""

    rng: np.random.Generator
    sensor: Sensor
    product: Product
    pose: Pose
    base: dict[str, float] = field(default_factory=dict)
    kind: str = ""
    now: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, float]] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    ramps: int = 0

    def __post_init__(self) -> None:
        self.base = {"glare": 0.0}
        self.settle(*_FOCUS, *_LIGHT)
        self.now = dict(self.base)

    def settle(self, *names: str) -> dict[str, float]:
        """Draw where focus or light come to rest next, and give these values: sound, but never quite the same.

        So the frames that may be chosen are not all worth the same.
        """
        rng = self.rng
        drawn = {
            "stops": float(rng.uniform(-0.4, 0.4)),
            "focus_px": float(rng.uniform(0.0, 0.78)),
            "noise": float(np.exp(rng.uniform(np.log(0.004), np.log(0.036)))),
            "exposure_share": float(rng.uniform(0.1, 0.7)),
        }
        self.base.update({name: drawn[name] for name in names})
        return {name: self.base[name] for name in names}

    def hold(self, least_s: float, most_s: float) -> None:
        """Nothing changes for a while."""
        for _ in range(round(float(self.rng.uniform(least_s, most_s)) * FPS)):
            self._shoot(self.pose, 0)

    def go(self, pose: Pose, loop: float = 0.0) -> None:
        """Move to a pose; a hand is never so slow that one could doubt that it moves."""
        speed = float(np.exp(self.rng.uniform(np.log(0.009), np.log(0.03))))
        start, found = dict(self.now), dict(self.base)
        self.settle(*_FOCUS, *_LIGHT)
        # focus and light that were right follow what the camera sees
        to = {name: self.base[name] for name, value in start.items() if value == found[name]}
        steps = move(self.rng, self.pose, pose, speed, self.sensor, loop)
        for index, step in enumerate(steps):
            share = (index + 1) / len(steps)
            self.now.update({name: start[name] + (value - start[name]) * share for name, value in to.items()})
            self._shoot(step, 0)
        self.now.update(to)
        self.pose = pose

    def change(self, frames: int, overshoot: dict[str, float] | None = None, **to: float) -> None:
        """Let exposure or focus come to new values; with `overshoot` they jump there first, in two frames."""
        self.ramps += 1
        start = dict(self.now)
        jump = {**start, **(overshoot or {})}
        for frame in range(frames):
            for name, value in to.items():
                if overshoot and frame < 2:
                    value = start[name] + (jump[name] - start[name]) * (frame + 1) / 2
                elif overshoot:
                    share = (frame - 1) / (frames - 2)
                    value = jump[name] + (value - jump[name]) * (1 - (1 - share) ** 2)
                else:
                    share = (frame + 1) / frames
                    value = start[name] + (value - start[name]) * share * share * (3 - 2 * share)
                self.now[name] = value
            self._shoot(self.pose, self.ramps)
        self.now.update(to)

    def _shoot(self, pose: Pose, ramp: int) -> None:
        self.poses.append(np.array(pose))
        self.rows.append({**self.now, "ramp": ramp})
        self.kinds.append(self.kind)

    # compositions

    def compose(self, fill: float | None = None) -> Pose:
        """A pose with all of the product near the middle."""
        rng, (width, height) = self.rng, self.sensor.upright
        _, _, wide, tall = self.product.box_px
        drawn = max(wide / width, tall / height)
        fill = fill or float(rng.uniform(0.57, max(0.6, drawn)))
        zoom = drawn / fill
        roll = float(np.deg2rad(np.clip(rng.normal(0, 1.2), -3, 3)))
        free = np.maximum(0, (1 - np.array((wide / width, tall / height)) / zoom) / 2 - 0.07)
        aside = rng.uniform(-1, 1, 2) * np.minimum(free, 0.08) * (width, height) * zoom
        return np.array((*aside, np.log(zoom), roll))

    def look_away(self) -> Pose:
        """A pose that shows the ground alone, its shadows perhaps."""
        rng, (width, height) = self.rng, self.sensor.upright
        pose = self.compose()
        _, _, wide, tall = self.product.box_px
        zoom = np.exp(pose[2])
        axis = int(rng.integers(2))
        reach = (
            (height, width)[axis] * zoom / 2 + (tall, wide)[axis] * 0.7 + 0.09 * self.sensor.long_px * zoom
        )
        pose[:2] *= 0.3
        pose[1 - axis] = reach * float(rng.choice((-1, 1)))
        return pose

    def cut(self) -> Pose | None:
        """A pose that cuts a good part of the product off; None where it is too thin to be noticed."""
        width, height = self.sensor.upright
        for _ in range(12):
            pose, side = self.compose(), int(self.rng.integers(4))
            axis, sign = side % 2, (-1, 1)[side // 2]
            zoom = np.exp(pose[2])
            _, _, *sides = self.product.box_px
            out = float(self.rng.uniform(0.25, 0.45))
            edge = (width, height)[axis] * zoom / 2
            pose[axis] = sign * (edge - sides[axis] * (0.5 - out))
            if find_place(self.product, pose, self.sensor).cut_off > 0.055:
                return pose
        return None


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


def _find_focus(reel: Reel) -> None:
    """A lens that hunts: through the best place, a little back."""
    frames = int(reel.rng.integers(8, 16))
    best = reel.settle(*_FOCUS)["focus_px"]
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
    _find_focus(reel)
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
    reel.change(int(reel.rng.integers(9, 16)), {"stops": first}, **reel.settle(*_LIGHT))


def _bright(reel: Reel) -> None:
    """A lamp that is too much for the exposure, which is at its end."""
    reel.change(int(reel.rng.integers(6, 13)), glare=1.0)
    reel.hold(0.7, 1.5)
    reel.change(
        int(reel.rng.integers(6, 13)), {"glare": 0.0, "stops": -1.5}, glare=0.0, **reel.settle(*_LIGHT)
    )
    reel.hold(0.8, 1.5)


def _flash(reel: Reel) -> None:
    """A lamp goes on or off, and the exposure makes up for it: nothing is to be said."""
    on = reel.rng.random() < 0.5
    stops = float(reel.rng.uniform(1.5, 3.5)) * (1 if on else -1)
    frames = int(reel.rng.integers(8, 16))
    reel.change(frames, {"stops": stops}, **reel.settle(*_LIGHT))
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
    _find_focus(reel)
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
_SINGLE = {
    "wander": 1.0, "background": 0.7, "far": 0.7, "cut off": 0.7, "defocus": 0.8,
    "dark": 1.9, "bright": 2.0, "flash": 1.3, "noisy": 1.3,
}  # fmt: skip
"""How often each is drawn; what a film may start with less often."""
_DOUBLE = ("dark and far", "blurry and cut", "dark in motion")
_STARTS = ("good", "good", "background", "far", "cut off", "defocus")
_LEAST_FRAMES, _MOST_FRAMES = round(5 * FPS), round(10 * FPS)


def write_script(
    rng: np.random.Generator, product: Product, sensor: Sensor, kinds: tuple[str, ...] | None = None
) -> Timeline:
    """Write one film of 5 to 10 s: a start, then segments, each kind at most once.

    Args:
        kinds: these segments after a start that has no fault, however long they take; None: the seed chooses.
    """
    reel = Reel(rng, sensor, product, np.zeros(4))
    if kinds is None:
        _start(reel, str(rng.choice(_STARTS)))
        weights = np.array(tuple(_SINGLE.values()))
        chosen = rng.choice(tuple(_SINGLE), len(_SINGLE), False, weights / weights.sum()).tolist()
        chosen.insert(int(rng.integers(0, 6)), str(rng.choice(_DOUBLE)))
    else:
        _start(reel, "good")
        chosen = list(kinds)
    for kind in chosen:
        if kinds is None and len(reel.rows) >= _LEAST_FRAMES:
            break
        reel.kind = kind
        KINDS[kind](reel)
    return _finish(reel, None if kinds else _MOST_FRAMES)


def _start(reel: Reel, kind: str) -> None:
    """How the film begins: well, or with one fault that then goes."""
    reel.kind = "still" if kind == "good" else kind
    wrong = {
        "background": reel.look_away,
        "far": lambda: reel.compose(float(reel.rng.uniform(0.2, 0.27))),
        "cut off": reel.cut,
    }
    pose = wrong[kind]() if kind in wrong else None
    reel.pose = reel.compose() if pose is None else pose
    if kind == "defocus":
        reel.now["focus_px"] = float(reel.rng.uniform(4.8, 9.0))
    reel.hold(0.8, 1.5)
    if kind == "defocus":
        _find_focus(reel)
    if pose is not None:
        reel.go(reel.compose())
    if kind != "good":
        reel.hold(0.8, 1.4)


def _finish(reel: Reel, most: int | None) -> Timeline:
    rows, poses = reel.rows[:most], np.array(reel.poses[:most])
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    sway = tremble(reel.rng, len(rows), reel.sensor)
    sway[:, :2] *= np.exp(poses[:, 2:3])
    sway[:, 2] -= columns["focus_px"] * _BREATHING
    return Timeline(
        poses=poses + sway,
        kinds=reel.kinds[: len(rows)],
        burnt=float(reel.rng.uniform(0.22, 0.5)),
        **{**columns, "ramp": columns["ramp"].astype(np.int64)},
    )
