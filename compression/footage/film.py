"""One rendered film: frames as a phone's camera delivers them, each with its truth and its clean twin."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from compression.degradations.light import VIEWING_PX
from compression.footage import lens, sensor
from compression.footage.path import FPS, Poses, Sensor, find_corners, measure_shifts, to_world
from compression.footage.place import find_place
from compression.footage.script import Timeline, write_script
from compression.footage.truth import SOUND_STOPS, Truth, allow, measure_path_px, resolve
from compression.footage.world import Matrix, Pixels, Product, World, build, choose_ground, paint_product
from compression.listings.truth import BURNT
from edge_iqa import opencv
from edge_iqa.stream.buffer import Buffer

_ROTATIONS = (0, 0, 0, 0, 90, 90, 90, 90, 270, 180)
_LONG_PATH_PX = 4.0
"""From here on a motion is made of several pictures of half the size, below it of a kernel."""
_FARTHEST_STOPS = 5.0
_SOUND_BURNT = 0.02
"""Share of a rightly exposed product that may be burnt out: glints."""


class Film:
    """A film of a seed.

    Args:
        seed: which film; the same arguments give the same frames.
        width_px, height_px: of a frame as stored, even, at least 160.
        kinds: segments to show, names in `KINDS`; None: the seed chooses.
        background: name of a ground; None: the seed chooses.
        rotation_deg: None: the seed chooses.

    Raises:
        ValueError: a side is odd or too short.
    """

    def __init__(
        self,
        seed: int,
        width_px: int = 1920,
        height_px: int = 1080,
        kinds: tuple[str, ...] | None = None,
        background: str | None = None,
        rotation_deg: int | None = None,
    ) -> None:
        if width_px % 2 or height_px % 2 or min(width_px, height_px) < 160:
            raise ValueError(f"a film needs even sides of at least 160 px, got {width_px}x{height_px}")
        self.seed = seed
        rng = np.random.default_rng((seed, 0))
        turn = int(rng.choice(_ROTATIONS))
        self.sensor = Sensor(width_px, height_px, turn if rotation_deg is None else rotation_deg)
        self.padded = bool(rng.random() < 0.5)
        self.readout_share = float(rng.uniform(0.4, 0.9))
        ground = choose_ground(rng)
        self.background = background or ground
        fill = float(rng.uniform(0.62, 0.84))
        self.product: Product = paint_product(rng.spawn(1)[0], *self.sensor.upright, fill)
        self.script: Timeline = write_script(rng.spawn(1)[0], self.product, self.sensor, kinds)
        self._velocities: Poses = np.gradient(self.script.poses, axis=0)

    def __len__(self) -> int:
        return len(self.script)

    def frames(self) -> Iterator[tuple[Buffer, Truth]]:
        """Every frame with its truth, in order; each buffer is new and may be kept."""
        for index, truth in enumerate(self.truths):
            yield self.shoot(index), truth

    def shoot(self, index: int) -> Buffer:
        """The frame of that index, as stored."""
        width, height = self.sensor.width_px, self.sensor.height_px
        pixels = self._expose_frame(index)
        stride, rows = (
            (-(-width // 256) * 256 + 128, -(-height // 16) * 16) if self.padded else (width, height)
        )
        rng = np.random.default_rng((self.seed, 3, index))
        data = sensor.to_nv12(pixels, float(self.script.noise[index]), self._field, rng, stride, rows)
        return Buffer(
            data,
            "NV12",
            width,
            height,
            stride_bytes=stride,
            chroma_offset_bytes=stride * rows,
            rotation_deg=self.sensor.rotation_deg,
            time_s=index / FPS,
        )

    def twin(self, index: int) -> Pixels:
        """The same view without any fault: upright RGB uint8, HxWx3."""
        width, height = self.sensor.width_px, self.sensor.height_px
        return self._turn(self.world.sample(self._map(index, 0.0), width, height))

    def outline(self, index: int) -> Pixels:
        """Where the product shows: upright, uint8 HxW, 255 on it."""
        width, height = self.sensor.width_px, self.sensor.height_px
        return self._turn(self.product.sample_mask(self._map(index, 0.0), width, height))

    def _turn(self, stored: Pixels) -> Pixels:
        return np.ascontiguousarray(np.rot90(stored, -(self.sensor.rotation_deg // 90)))

    # truth

    @cached_property
    def truths(self) -> list[Truth]:
        """Truth of every frame."""
        script, long_px = self.script, self.sensor.long_px
        shifts = measure_shifts(script.poses, self.sensor)
        places = [find_place(self.product, pose, self.sensor) for pose in script.poses]
        stops = self._stops
        burnt = [self._count_burnt(value) for value in stops]
        resolved = [
            resolve(*values) for values in zip(shifts, stops, burnt, script.focus_px, places, strict=True)
        ]
        allowed = allow(resolved, script.ramp.tolist(), script.noise.tolist())
        speeds = np.linalg.norm(self._velocities[:, :2], axis=1) / np.exp(script.poses[:, 2])
        return [
            Truth(
                index=index,
                time_s=index / FPS,
                kind=script.kinds[index],
                allowed=allowed[index],
                shift_share=float(shifts[index]),
                path_px=measure_path_px(speeds[index], script.exposure_share[index], long_px),
                stops=float(stops[index]),
                burnt=burnt[index],
                focus_px=float(script.focus_px[index]),
                noise=float(script.noise[index]),
                place=places[index],
                ramp=bool(script.ramp[index]),
            )
            for index in range(len(script))
        ]

    @cached_property
    def _stops(self) -> NDArray[np.float64]:
        """Light over the right exposure, the glare worked in.

        What is right for a product that is nearly white lies lower than for others: none of it burns out.
        """
        most = SOUND_STOPS
        while most > -SOUND_STOPS and self._count_burnt(most) > _SOUND_BURNT:
            most -= 1 / 16
        script = self.script
        stops = np.where(script.stops <= SOUND_STOPS, np.minimum(script.stops, most), script.stops)
        return stops + script.glare * (self._glare_stops - stops)

    @cached_property
    def _glare_stops(self) -> float:
        """Stops that burn the script's share of the product out; a lamp that fails where none can."""
        if self._count_burnt(_FARTHEST_STOPS) < self.script.burnt:
            return -3.2
        low, high = 0.5, _FARTHEST_STOPS
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (low, middle) if self._count_burnt(middle) >= self.script.burnt else (middle, high)
        return high

    @cached_property
    def _weakest(self) -> NDArray[np.float64]:
        """(256,): how many pixels of the product have each level of their weakest channel."""
        world, product = self.world, self.product
        cover = product.painted[1]
        row, column = product.top - world.top, product.left - world.left
        top, left = max(0, row), max(0, column)
        seen = world.pixels[top : row + cover.shape[0], left : column + cover.shape[1]]
        inside = cover[top - row :, left - column :][: seen.shape[0], : seen.shape[1]] > 0.5
        return np.bincount(seen[..., :3].min(2)[inside], minlength=256).astype(np.float64)

    def _count_burnt(self, stops: float) -> float:
        """Share of the product whose channels all reach `BURNT`."""
        white = sensor.make_curve(float(stops)) >= BURNT
        return float(self._weakest[white].sum() / self._weakest.sum())

    # picture

    @cached_property
    def world(self) -> World:
        """The canvas, as large as all frames need."""
        corners = find_corners(self.script.poses, self.sensor).reshape(-1, 2)
        left, top = np.floor(corners.min(0) - 12).astype(int).tolist()
        right, bottom = np.ceil(corners.max(0) + 12).astype(int).tolist()
        rng = np.random.default_rng((self.seed, 1))
        return build(
            rng, self.product, self.background, (left, top, right, bottom), self.sensor.rotation_deg // 90
        )

    @cached_property
    def _field(self) -> NDArray[np.int8]:
        rng = np.random.default_rng((self.seed, 2))
        return sensor.draw_field(rng, self.sensor.height_px, self.sensor.width_px)

    def _map(self, index: int, later: float) -> Matrix:
        """2x3 from stored pixels to the world, `later` frames after the middle row's exposure.

        Rows are read one after another: the shift of the hand between them shears the picture.
        """
        velocity = self._velocities[index]
        pose = self.script.poses[index] + velocity * later
        matrix = to_world(pose, *self.sensor.upright) @ self.sensor.to_upright()
        slant = velocity[:2] * self.readout_share / self.sensor.height_px
        matrix[:, 1] += slant
        matrix[:, 2] -= slant * (self.sensor.height_px - 1) / 2
        return matrix

    def _expose_frame(self, index: int) -> Pixels:
        """Stored RGB before noise: moved, out of focus, exposed."""
        script = self.script
        pixels = self._move_frame(index)
        radius = script.focus_px[index] * self.sensor.long_px / VIEWING_PX
        return sensor.expose(lens.defocus(pixels, float(radius)), float(self._stops[index]))

    def _move_frame(self, index: int) -> Pixels:
        width, height = self.sensor.width_px, self.sensor.height_px
        matrix = self._map(index, 0.0)
        open_share = float(self.script.exposure_share[index])
        way = np.linalg.solve(matrix[:, :2], -self._velocities[index, :2]) * open_share
        corner = self._corner_path_px(index) * open_share
        if corner < _LONG_PATH_PX:
            return lens.drag(self.world.sample(matrix, width, height), way)
        cv2 = opencv.load()
        count = int(np.clip(np.ceil(corner / 2.5), 3, 12))
        total = np.zeros((height // 2, width // 2, 3), np.float32)
        to_half = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])
        for later in (np.arange(count) + 0.5) / count - 0.5:
            half = self._map(index, later * open_share) @ to_half
            cv2.accumulate(self.world.sample(half, width // 2, height // 2), total)
        small = cv2.convertScaleAbs(total, alpha=1 / count)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)

    def _corner_path_px(self, index: int) -> float:
        """How far the farthest corner moves from frame to frame, in pixels."""
        pose, velocity = self.script.poses[index], self._velocities[index]
        pair = np.array((pose - velocity / 2, pose + velocity / 2))
        return float(measure_shifts(pair, self.sensor)[1]) * self.sensor.long_px
