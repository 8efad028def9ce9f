"""Where the product is: everything that is not the smooth background which the photo's border shows.

Product photos stand on paper, a wall, a sweep: one color that changes slowly, by light and by a soft
shadow. A quadratic surface is fitted to the border in CIE Lab (robustly: the product may touch it),
what can be reached from the border while staying near the surface is background, and contact
shadows, which have the background's hue in linear light, are parted from the product along the
strongest edge (watershed; F. Meyer, "Topographic distance and watershed lines", 1994).

Where the border is no smooth surface (a table, a room), this finds too much or too little; the
confidence says how likely the outline is right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_iqa import mask_confidence, opencv, views
from edge_iqa.frame import Frame
from edge_iqa.ranks import find_median

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

SIDE_PX = 256
"""Longer side of the mask. A thin handle is still two pixels wide, and all of it costs milliseconds."""

FOUND, SURE = 0.5, 0.8
"""A product counts as found from the first chance of its place up, its outline as sure from the other up."""

_CUT = 3.5
"""Background lies within so many standard deviations (of the border around its surface)."""

_LOOP = (0.0006, 0.1)
"""What a handle encloses is background: from so much of the photo up, to so much of the product."""

_RIM = 0.6
"""Pixels of the rim are mixed, or steep beside the product; those nearer to the background than this share of what is
farthest two pixels away are left to it."""


@dataclass(frozen=True, eq=False)
class Mask:
    """The product's place in a photo.

    Attributes:
        product: bool h x w, the longer side 256, of the whole photo; all False where nothing stands out.
        background: `light` (white or nearly), `plain` (another smooth one) or `none` (no smooth one).
        confidence: 0 to 1, the chance that this outline and the true one share 0.9 of their union.
        place: 0 to 1, the chance that the product spans what it seems to, within 0.05 of the photo's side.
    """

    product: Flags
    background: str
    confidence: float
    place: float

    @property
    def is_found(self) -> bool:
        """Whether measurements of the product make sense."""
        return self.place >= FOUND

    @property
    def is_sure(self) -> bool:
        """Whether the outline is good enough to cut the product out."""
        return self.confidence >= SURE


def shrink(photo: Frame | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make the small copy that masks are found in: uint8 (h, w, 3) of which the longer side is 256 px."""
    frame = photo if isinstance(photo, Frame) else Frame(photo, photo.shape[1], photo.shape[0])
    height, width = frame.pixels.shape[:2]
    scale = SIDE_PX / max(height, width)
    return views.shrink(frame, max(1, round(height * scale)), max(1, round(width * scale)))


def find_product(rgb: NDArray[np.uint8]) -> Mask:
    """Find the product in a small copy of a photo.

    Args:
        rgb: uint8 (h, w, 3), RGB, the longer side 256.
    """
    traced = trace(rgb)
    if not traced.product.any():
        return Mask(traced.product, traced.background, 0.0, 0.0)
    properties = traced.describe()
    outline, place = (curve.chance(properties) for curve in (mask_confidence.OUTLINE, mask_confidence.PLACE))
    return Mask(traced.product, traced.background, outline, place)


@dataclass(frozen=True, eq=False)
class Traced:
    """An outline with what speaks for and against it.

    Attributes:
        product: bool (h, w).
        background: as in `Mask`.
        far: distance of each pixel from the background's surface, in Lab.
        steep: gradient of each pixel, in Lab.
        share: of the photo's border that the surface explains.
        noise: deviation of the border from it.
    """

    product: Flags
    background: str
    far: Floats
    steep: Floats
    share: float
    noise: float

    def describe(self) -> tuple[float, ...]:
        """See `mask_confidence.describe`."""
        return mask_confidence.describe(self.product, self.far, self.steep, self.share, self.noise)


def trace(rgb: NDArray[np.uint8]) -> Traced:
    """Part the product from the background, right or wrong; see `find_product`."""
    cv2 = opencv.load()
    light = rgb.astype(np.float32) * np.float32(1 / 255)
    lab = cv2.cvtColor(light, cv2.COLOR_RGB2LAB)
    ring = _mark_ring(rgb.shape[:2])
    fit = _fit_surface(lab, ring)
    off = [plane - surface for plane, surface in zip(cv2.split(lab), fit.surface, strict=True)]
    hue = cv2.magnitude(off[1], off[2])
    far = cv2.magnitude(off[0], hue)
    steep = _measure_steepness(lab)
    product = _keep_large(~_flood(off[0], hue, far, steep, ring, fit.noise))
    product = _trim_rim(_drop_shadows(light, product, steep), far)
    return Traced(product, _name_background(fit), far, steep, fit.share, fit.noise)


@dataclass(frozen=True, eq=False)
class _Fit:
    """What the border tells: L, a, b (h, w) of the surface, noise around it, share of the border near it."""

    surface: list[Floats]
    noise: float
    share: float


def _mark_ring(shape: tuple[int, int]) -> Flags:
    """The border of the photo, 3 % of the shorter side wide."""
    width = max(2, round(0.03 * min(shape)))
    ring = np.ones(shape, bool)
    ring[width:-width, width:-width] = False
    return ring


def _make_terms(y: Floats, x: Floats) -> Floats:
    """Constant, linear and quadratic terms of places (n,), each from -1 to 1: (n, 6)."""
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], -1)


def _fit_surface(lab: Floats, ring: Flags) -> _Fit:
    """Fit a quadratic surface to the border by least squares, leaving out what is far from it, four times."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in ring.shape)
    at = np.flatnonzero(ring)[::3]
    rows, columns = np.divmod(at, ring.shape[1])
    terms, values = _make_terms(y[rows], x[columns]), lab.reshape(-1, 3).take(at, 0)
    middle = np.array([find_median(channel) for channel in values.T], np.float32)
    distance = _measure_length(values - middle)
    near = distance < max(8.0, 3 * find_median(distance))
    ridge = np.float32(0.003) * np.eye(6, dtype=np.float32)
    noise = 1.0
    for _ in range(4):
        kept = terms * near[:, None]
        bent = np.linalg.solve(kept.T @ terms + ridge, kept.T @ values)
        distance = _measure_length(values - terms @ bent)
        noise = max(1.0, 1.4826 * find_median(distance[near])) if near.any() else 9.0
        near = distance < _CUT * noise
    planes = [_draw_surface(y, x, each) for each in bent.T]
    return _Fit(planes, noise, float((distance < max(5.0, _CUT * noise)).mean()))


def _draw_surface(y: Floats, x: Floats, bent: Floats) -> Floats:
    """One channel of the surface, (h, w)."""
    one, right, down, right2, down2, both = bent
    surface: Floats = (one + down * y + down2 * y * y)[:, None] + (right + (both * y)[:, None]) * x
    surface += right2 * x * x
    return surface


def _measure_length(vectors: Floats) -> Floats:
    """Length of each of the vectors (..., 3)."""
    length: Floats = np.sqrt(np.einsum("...c,...c->...", vectors, vectors))
    return length


def _measure_steepness(lab: Floats) -> Floats:
    """Gradient of Lab, in units a pixel."""
    cv2 = opencv.load()
    soft = cv2.GaussianBlur(lab, (5, 5), 0.8)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *order, scale=0.125) for order in ((1, 0), (0, 1)))
    square = cv2.transform(across * across + down * down, np.ones((1, 3), np.float32))
    steep: Floats = cv2.sqrt(square)
    return steep


def _flood(dark: Floats, hue: Floats, far: Floats, steep: Floats, ring: Flags, noise: float) -> Flags:
    """What the border reaches while staying near the surface, or softly darker at its hue; enclosed parts alike."""
    near = far < max(4.0, _CUT * noise)
    rim = ring & near
    calm = find_median(steep[rim]) if rim.any() else 1.0
    soft = (dark < 0) & (dark > -35) & (hue < 4) & (steep < max(1.6, 7 * calm))
    free = (near & (steep < 2 * max(0.8, 7 * calm))) | soft
    labels, areas = label_parts(free, connectivity=4)
    outside = np.zeros(len(areas), bool)
    outside[labels[rim]] = True
    outside[0] = False
    if outside.all():
        every: Flags = outside.take(labels)
        return every
    parts = [part for part in (np.argsort(-areas[1:])[:16] + 1).tolist() if not outside[part]]
    parts = [part for part in parts if areas[part] >= _LOOP[0] * labels.size]
    if parts:
        whole, sizes = label_parts(~outside.take(labels))
    for part in parts:
        inside = np.flatnonzero(labels == part)
        product = sizes[whole.ravel()[inside[0]]]
        if areas[part] > _LOOP[1] * product:
            continue  # the outline of a product that is of the background's color, not a loop of a handle
        shade, tint, roughness = (find_median(plane.ravel()[inside]) for plane in (dark, hue, steep))
        outside[part] = tint < 2.5 and -20 < shade < max(4.0, _CUT * noise) and roughness < max(1.0, 3 * calm)
    flags: Flags = outside.take(labels)
    return flags


def label_parts(
    flags: Flags | NDArray[np.uint8], connectivity: int = 8
) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Number the parts that hang together: labels (h, w), 0 where nothing is, and the area (px) of each label.

    OpenCV's own statistics also find boxes and centers, and take three times as long.
    """
    count, labels = opencv.load().connectedComponents(flags.astype(np.uint8), connectivity=connectivity)
    return labels, np.bincount(labels.ravel(), minlength=count)


def _trim_rim(product: Flags, far: Floats) -> Flags:
    """Drop pixels of the rim, twice, that are nearer to the background than to the product beside them."""
    cv2 = opencv.load()
    block = np.ones((3, 3), np.uint8)
    for _ in range(2):
        flags = product.astype(np.uint8)
        core = cv2.erode(flags, block, borderType=cv2.BORDER_CONSTANT, borderValue=1) > 0
        inner = cv2.dilate(np.where(product, far, np.float32(0)), np.ones((5, 5), np.uint8))
        product = product & (core | (far > _RIM * inner))
    return product


def _keep_large(product: Flags) -> Flags:
    """Drop specks: what is under a twentieth of the largest part, or a thousandth of the photo."""
    cv2 = opencv.load()
    opened = cv2.morphologyEx(product.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    labels, areas = label_parts(opened)
    if len(areas) < 2:
        return np.zeros(product.shape, bool)
    large = areas >= max(0.05 * areas[1:].max(), 0.001 * product.size)
    large[0] = False
    flags: Flags = large.take(labels)
    return flags


def _drop_shadows(light: Floats, product: Flags, steep: Floats) -> Flags:
    """Part contact shadows from the product.

    A shadow dims R, G and B of the background alike. Where a band along the outline looks so, it is
    shared out between background and product along the steepest line (watershed).
    """
    cv2 = opencv.load()
    longer = max(product.shape)
    behind = (~product).astype(np.float32)
    window = (longer // 4 | 1, longer // 4 | 1)
    weight = cv2.boxFilter(behind, -1, window, normalize=False) + np.float32(1e-3)
    ratios = []
    for plane in cv2.split(light):
        linear = plane * plane  # near enough to linear light, and quick
        near = cv2.boxFilter(linear * behind, -1, window, normalize=False) / weight
        ratios.append(linear / cv2.max(near, 1e-3))
    mean = (ratios[0] + ratios[1] + ratios[2]) * np.float32(1 / 3)
    low, high = (pick(pick(ratios[0], ratios[1]), ratios[2]) for pick in (cv2.min, cv2.max))
    spread = cv2.max(high - mean, mean - low)
    shaded = (mean < 1.02) & (mean > 0.12) & (spread < 0.12 * mean + 0.02)
    depth = cv2.distanceTransform(product.astype(np.uint8), cv2.DIST_L2, 3)
    doubtful = product & shaded & (depth < 0.05 * longer)
    labels, areas = label_parts(doubtful | ~product, connectivity=4)
    reached = np.bincount(np.compress(~product.ravel(), labels.ravel()), minlength=len(areas)) > 0
    doubtful &= reached.take(labels)
    if not doubtful.any():
        return product
    seeds = np.where(product, np.where(doubtful, 0, 2), 1).astype(np.int32)
    relief = np.clip(steep * 8, 0, 255).astype(np.uint8)
    cv2.watershed(cv2.merge([relief] * 3), seeds)
    kept = seeds == 2
    kept |= (seeds == -1) & product & (cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    opened: Flags = cv2.morphologyEx(kept.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return opened


def _name_background(fit: _Fit) -> str:
    if fit.share < 0.5 or fit.noise > 4:
        return "none"
    lightness, a, b = (find_median(plane[::16, ::16].ravel()) for plane in fit.surface)
    return "light" if lightness > 85 and math.hypot(a, b) < 8 else "plain"
