"""Where the camera looks: poses, moves between them, the hand's tremor, and how far the picture moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.footage.world import Matrix, turn_back

Pose = NDArray[np.float64]
"""(4,): x, y of the frame's middle in the world's pixels, logarithm of world pixels a frame pixel, roll in radians."""
Poses = NDArray[np.float64]
"""(n, 4)."""

FPS = 30.0
TREMOR_SHARE = 0.0012
"""A hand at rest moves the picture's farthest corner by no more than this share of its long side a frame."""
MOVING_SHARE = 0.005
"""A picture that moves by more is `moving`."""
_EASE = 3
"""Frames that a hand takes to start and to stop."""
_LARGEST_TREMOR, _LEAST_TREMOR = 0.00112, 0.0003
"""A little below the bound: focus that breathes adds to it."""


@dataclass(frozen=True)
class Sensor:
    """Size of a frame as stored, and the clockwise turn that makes it upright."""

    width_px: int
    height_px: int
    rotation_deg: int = 0

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        sides = self.width_px, self.height_px
        return sides if self.rotation_deg % 180 == 0 else sides[::-1]

    @property
    def long_px(self) -> int:
        return max(self.width_px, self.height_px)

    def to_upright(self) -> NDArray[np.float64]:
        """3x3: takes a stored pixel to the upright one."""
        return turn_back(self.width_px, self.height_px, self.rotation_deg // 90)


def to_world(pose: Pose, width_px: float, height_px: float) -> Matrix:
    """2x3 from the pixels of an upright frame to the world's."""
    x, y, zoom, roll = pose
    scale = np.exp(zoom)
    turn = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    middle = np.array(((width_px - 1) / 2, (height_px - 1) / 2))
    return np.column_stack((turn, np.array((x, y)) - turn @ middle))


def find_corners(poses: Poses, sensor: Sensor) -> NDArray[np.float64]:
    """(n, 4, 2): where the corners of each frame lie in the world."""
    width, height = sensor.upright
    corners = np.array([[x, y] for x in (-0.5, 0.5) for y in (-0.5, 0.5)]) * (width, height)
    cos, sin = np.cos(poses[:, 3]), np.sin(poses[:, 3])
    turn = np.exp(poses[:, 2])[:, None, None] * np.stack(
        (np.stack((cos, -sin), -1), np.stack((sin, cos), -1)), -2
    )
    return np.einsum("nij,kj->nki", turn, corners) + poses[:, None, :2]


def measure_shifts(poses: Poses, sensor: Sensor) -> NDArray[np.float64]:
    """(n,): how far the farthest corner moved since the frame before, as a share of the long side; first is 0."""
    width, height = sensor.upright
    corners = np.array([[x, y] for x in (-0.5, 0.5) for y in (-0.5, 0.5)]) * (width, height)
    offset = find_corners(poses[:-1], sensor) - poses[1:, None, :2]
    cos, sin, scale = np.cos(poses[1:, 3]), np.sin(poses[1:, 3]), np.exp(poses[1:, 2])
    back = np.stack((np.stack((cos, sin), -1), np.stack((-sin, cos), -1)), -2) / scale[:, None, None]
    seen = np.einsum("nij,nkj->nki", back, offset)
    moved = np.linalg.norm(seen - corners, axis=-1).max(1) / sensor.long_px
    return np.concatenate(([0.0], moved))


def move(
    rng: np.random.Generator, start: Pose, end: Pose, speed: float, sensor: Sensor, loop: float = 0.0
) -> Poses:
    """Frames of a move, the last of them at `end`.

    Args:
        speed: of the farthest corner, as a share of the long side a frame.
        loop: how far the hand wanders off its way, as a share of the long side.
    """
    aside = rng.normal(0, 0.06, 2) * np.linalg.norm((end - start)[:2])
    angle = rng.uniform(0, 2 * np.pi)
    way = np.array((np.cos(angle), np.sin(angle))) * loop * sensor.long_px * np.exp(start[2]) * 1.5
    across = np.array((-way[1], way[0])) * 0.8
    one, two = start + (end - start) / 3, start + (end - start) * 2 / 3
    one[:2] += aside + way - across
    two[:2] += aside + way + across
    s = np.linspace(0, 1, 400)[:, None]
    curve = (1 - s) ** 3 * start + 3 * s * (1 - s) ** 2 * one + 3 * s**2 * (1 - s) * two + s**3 * end
    along = measure_shifts(curve, sensor).cumsum()
    # a trapezoid of speed: so many frames to start, so many to stop, all of the way in whole frames
    cruise = max(1, round(along[-1] / speed - _EASE))
    ramp = (np.arange(_EASE) + 1) / (_EASE + 1)
    speeds = np.concatenate((ramp, np.ones(cruise), ramp[::-1]))
    at = np.cumsum(speeds) / speeds.sum() * along[-1]
    return np.column_stack([np.interp(at, along, curve[:, axis]) for axis in range(4)])


def tremble(rng: np.random.Generator, count: int, sensor: Sensor) -> Poses:
    """What a hand adds to each pose, shifts in frame pixels: 8 to 12 Hz, and a slow drift.

    The fastest frame moves the farthest corner by a share of the long side that is drawn once a film.
    """
    time_s = np.arange(count) / FPS
    sway = np.zeros((count, 4))
    sizes = np.array((1.0, 1.0, 0.0006, 0.0012)) * (sensor.long_px / 1920, sensor.long_px / 1920, 1, 1)
    for low, high, waves, weight in ((8.0, 12.0, 4, 1.0), (0.15, 0.8, 3, 4.0)):
        for axis in range(4):
            for _ in range(waves):
                hz, phase = rng.uniform(low, high), rng.uniform(0, 2 * np.pi)
                grows = 1 + 0.4 * np.sin(2 * np.pi * rng.uniform(0.2, 0.7) * time_s + rng.uniform(0, 6.28))
                wave = np.sin(2 * np.pi * hz * time_s + phase) * grows
                sway[:, axis] += weight * rng.uniform(0.4, 1) * sizes[axis] * wave
    most = float(rng.uniform(_LEAST_TREMOR, _LARGEST_TREMOR))
    for _ in range(3):  # nearly linear: a second and a third time for what is not
        largest = float(measure_shifts(sway, sensor).max())
        sway *= most / max(largest, 1e-12)
    return sway
