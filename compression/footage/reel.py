"""A film as it is put together: holds, moves, lamps and focus, frame by frame, and the ways to frame a product."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from compression.footage.path import FPS, Pose, Sensor, move
from compression.footage.place import find_place
from compression.footage.world import Product

FOCUS = ("focus_px",)
LIGHT = ("stops", "noise", "exposure_share")


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
        self.settle(*FOCUS, *LIGHT)
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
        self.settle(*FOCUS, *LIGHT)
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
