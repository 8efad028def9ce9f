"""The script of a film, frame by frame, before anything is drawn: a start, and two to four segments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compression.footage.path import FPS, Poses, Sensor, tremble
from compression.footage.reel import Reel
from compression.footage.segments import KINDS, find_focus
from compression.footage.world import Product

_BREATHING = 0.0009
"""How much larger the picture gets for each pixel of defocus."""
_SINGLE = {
    "wander": 1.0, "background": 0.7, "far": 0.7, "cut off": 0.7, "defocus": 0.8,
    "dark": 1.9, "bright": 2.0, "flash": 1.3, "noisy": 1.3,
}  # fmt: skip
"""How often each is drawn; what a film may start with less often."""
_DOUBLE = ("dark and far", "blurry and cut", "dark in motion")
_STARTS = ("good", "good", "background", "far", "cut off", "defocus")
_LEAST_FRAMES, _MOST_FRAMES = round(5 * FPS), round(10 * FPS)


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
        find_focus(reel)
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
