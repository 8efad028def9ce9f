"""Things a seller may offer: each function paints one into a rectangle of its own.

They take a generator, the height and width of the rectangle in pixels, and where the light comes from
(-1 left to 1 right), and return color and coverage.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from compression.scenes.materials import (
    Painted,
    blend,
    blur,
    color,
    fractal,
    paint,
    polygon,
    relief,
    weave,
)
from compression.scenes.prints import draw_print, lay_onto, write_line
from edge_iqa import opencv


def _box(rng: np.random.Generator, height: int, width: int, lean: float) -> Painted:
    """A carton from slightly above: front, one side, lid."""
    rgb, cover = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    deep, lift, sink = rng.uniform((0.15, 0.08, 0.0), (0.38, 0.22, 0.05))
    a, b = np.array((0.0, lift)), np.array((1 - deep, lift + sink))
    c, d = np.array((1 - deep, 1.0)), np.array((0.02, 1 - sink))
    back = np.array((deep, -lift))
    front, side, lid = (a, b, c, d), (b, b + back, c + back * (1, 0.8), c), (a + back, b + back, b, a)
    card = 1 + 0.03 * fractal(rng, height, width, rough=1.1)
    plain = color(rng, 0.6, 0.9, vivid=0.5)
    mirror = bool(rng.random() < 0.5)  # shows its left side; the print still reads from left to right
    for quad, light in ((front, 0.92), (side, 0.72 + 0.16 * lean), (lid, 1.04)):
        printed = quad is front or rng.random() < 0.5
        sheet = draw_print(rng, height, width) if printed else np.ones((8, 8, 3), np.float32) * plain
        sheet = sheet[:, ::-1] if mirror else sheet
        face, mask = lay_onto(sheet, height, width, np.array(quad))
        rgb += (face * (card * light)[..., None] - rgb) * mask[..., None]
        cover = np.maximum(cover, mask)
    return (rgb[:, ::-1], cover[:, ::-1]) if mirror else (rgb, cover)


def _turned(rng: np.random.Generator, height: int, width: int, lean: float) -> Painted:
    """A bottle, jar, can or vase: a surface of revolution with a label around it."""
    cv2 = opencv.load()
    neck, shoulder, waist = rng.uniform((0.2, 0.08, 0.85), (0.95, 0.45, 1.0))
    slim = float(rng.uniform(0.42, 0.95)) if neck > 0.6 else float(rng.uniform(0.35, 0.55))
    y = np.linspace(0, 1, height, dtype=np.float32)
    knots, sizes = (0, shoulder * 0.5, shoulder, 0.75, 0.97, 1), (neck, neck, 1, waist, 1, 0.94)
    radius = blur(np.interp(y, knots, sizes)[:, None].astype(np.float32), height / 60) * slim * width / 2
    x = np.arange(width, dtype=np.float32) - (width - 1) / 2
    cover = np.clip(radius - np.abs(x) + 0.5, 0, 1)
    turn = np.arcsin(np.clip(x / radius, -1, 1))  # angle around the axis
    body = np.ones((height, width, 3), np.float32) * color(rng, 0.2, 0.95)
    high, low = shoulder + 0.1 * (1 - shoulder), float(rng.uniform(0.75, 0.92))
    sheet = draw_print(rng, max(16, round((low - high) * height)), max(16, round(radius.max() * np.pi)))
    across = (turn / np.pi + 0.5) * (sheet.shape[1] - 1)
    down = np.broadcast_to(((y - high) / (low - high) * (sheet.shape[0] - 1))[:, None], across.shape)
    down = np.ascontiguousarray(down, np.float32)
    label = cv2.remap(sheet, across.astype(np.float32), down, cv2.INTER_LINEAR)
    where = ((y > high) & (y < low)).astype(np.float32)[:, None, None]
    if rng.random() < 0.85:
        body += (label - body) * where
    cap = y < shoulder * float(rng.uniform(0.2, 0.5))
    body[cap] = color(rng, 0.1, 0.9)
    body[cap] *= (0.92 + 0.08 * np.sin(turn[cap] * 60))[..., None]  # ribs
    light = 0.38 + 0.68 * np.clip(np.cos(turn - lean * 0.9), 0, 1)
    light *= 1 + 0.015 * fractal(rng, height, width, rough=1.1)
    gloss = np.exp(-np.square((turn - lean * 0.7 - 0.3) / 0.07)) * float(rng.uniform(0.05, 0.5))
    return np.clip(body * light[..., None] + gloss[..., None], 0, 1.05), cover


def _mug(rng: np.random.Generator, height: int, width: int, lean: float) -> Painted:
    """A mug with a handle, seen a little from above."""
    cv2 = opencv.load()
    wide, lip = float(rng.uniform(0.62, 0.74)), float(rng.uniform(0.05, 0.1))
    x = (np.arange(width, dtype=np.float32) / width - wide / 2) / (wide / 2)
    y = np.arange(height, dtype=np.float32)[:, None] / height
    bulge = lip * np.sqrt(np.clip(1 - x**2, 0, 1))
    inside = np.abs(x) <= 1
    cover = np.clip((1 - lip + bulge - y) * height, 0, 1) * np.clip((y - lip + bulge) * height, 0, 1) * inside
    turn = np.broadcast_to(np.arcsin(np.clip(x, -1, 1)), cover.shape)
    glaze = color(rng, 0.35, 0.98)
    plain = np.ones((height, width, 3), np.float32) * glaze
    sheet = draw_print(rng, height, width) if rng.random() < 0.6 else plain
    rows = np.clip((y - bulge) * height, 0, height - 1).astype(np.float32)
    rgb = cv2.remap(sheet, ((turn / np.pi + 0.5) * (width - 1)).astype(np.float32), rows, cv2.INTER_LINEAR)
    rgb *= (0.45 + 0.62 * np.clip(np.cos(turn - lean * 0.8), 0, 1))[..., None]
    rim = np.clip((1 - x**2 - ((y - lip) / lip) ** 2) * lip * height * 0.8 + 0.5, 0, 1) * inside
    hollow = np.clip((0.88 - x**2 - ((y - lip) / lip) ** 2) * lip * height * 0.8 + 0.5, 0, 1) * inside
    rgb += (glaze * 1.05 - rgb) * rim[..., None]
    rgb += (color(rng, 0.15, 0.7, vivid=0.6) * (0.6 + 0.3 * (y / lip))[..., None] - rgb) * hollow[..., None]
    handle = np.zeros((height, width), np.float32)
    axes = (round(width * (1 - wide) * 0.8), round(height * 0.26))
    center = (round(width * wide * 0.97), round(height * 0.5))
    cv2.ellipse(handle, center, axes, 0, -88, 88, 1.0, max(3, round(width * 0.07)), cv2.LINE_AA)
    bar = relief(blur(handle, width * 0.02), width * 0.05)[..., None] * glaze * 0.85
    rgb = bar + (rgb - bar) * np.clip(cover + rim, 0, 1)[..., None]
    rgb *= (1 + 0.012 * fractal(rng, height, width, rough=1.2))[..., None]
    return rgb, np.maximum(np.maximum(cover, rim), handle)


# outlines of things laid flat, (x, y) in 0-1
# fmt: off
_SHIRT = (
    (0.36, 0.02), (0.5, 0.07), (0.64, 0.02), (0.8, 0.08), (1.0, 0.36), (0.84, 0.46), (0.77, 0.36),
    (0.78, 1.0), (0.22, 1.0), (0.23, 0.36), (0.16, 0.46), (0.0, 0.36), (0.2, 0.08),
)
_TROUSERS = (
    (0.22, 0.0), (0.78, 0.0), (0.86, 0.5), (0.88, 1.0), (0.6, 1.0), (0.5, 0.36),
    (0.4, 1.0), (0.12, 1.0), (0.14, 0.5),
)
_TOWEL = ((0.03, 0.05), (0.97, 0.02), (0.98, 0.97), (0.02, 0.95))
# fmt: on


def _garment(rng: np.random.Generator, height: int, width: int, lean: float) -> Painted:
    """A shirt, trousers or a towel laid flat: weave, folds, stripes or check, sometimes a print."""
    shape = np.array((_SHIRT, _TROUSERS, _TOWEL)[int(rng.integers(3))])
    outline = np.clip(shape + rng.normal(0, 0.012, shape.shape), 0, 1)
    cover = polygon(height, width, outline, round_px=width / 90)
    rgb = np.ones((height, width, 3), np.float32) * color(rng, 0.2, 0.95)
    wander = fractal(rng, height, width, rough=0.3) * (width * 0.004)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    style = rng.random()
    for axis in (x, y)[: 0 if style < 0.5 else 1 if style < 0.75 else 2]:
        stripe = np.clip(np.sin((axis + wander) * (2 * np.pi * float(rng.uniform(8, 22)) / width)) * 6, 0, 1)
        rgb += (color(rng, 0.2, 0.95) - rgb) * (0.6 * stripe)[..., None]
    if style < 0.35:
        side = round(min(height, width) * float(rng.uniform(0.22, 0.32)))
        row, column = round(height * 0.3), (width - side) // 2
        mark = np.ones((side, side), np.float32) * 0.92
        blend(rgb, draw_print(rng, side, side), mark, row, column)
    folds = blur(fractal(rng, height, width, tall=float(rng.uniform(1, 3)), rough=0.45), width / 70)
    hem = blur(cover, width / 90) * 0.25 + 0.75
    light = weave(rng, height, width) * relief(folds, width * float(rng.uniform(0.002, 0.008))) * hem
    return rgb * light[..., None], cover


def _bag(rng: np.random.Generator, height: int, width: int, lean: float) -> Painted:
    """A leather bag: grained hide, stitches, flap, buckle, a handle."""
    cv2 = opencv.load()
    flare = float(rng.uniform(-0.06, 0.1))
    points = np.array(((0.1 + flare, 0.3), (0.9 - flare, 0.3), (0.97, 0.97), (0.03, 0.97)))
    cover = polygon(height, width, points, round_px=width / 28)
    pores = np.abs(fractal(rng, height, width, rough=1.25))
    hide = relief(pores, 0.16) * (1 + 0.05 * fractal(rng, height, width, rough=0.5))
    light = np.linspace(1.12, 0.78, height, dtype=np.float32)[:, None] * hide
    seam = np.zeros((height, width), np.float32)
    inner = (points - (0.5, 0.63)) * 0.9 + (0.5, 0.63)
    flap = np.array(((0.1, 0.3), (0.9, 0.3), (0.85, 0.58), (0.15, 0.58)))
    for line in (inner, flap):
        ends = zip(line, np.roll(line, -1, 0), strict=True)
        dots = np.concatenate([np.linspace(start, end, 40, endpoint=False) for start, end in ends])
        pixels = np.round(dots * (width - 1, height - 1)).astype(int)
        for start, end in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
            cv2.line(seam, start, end, 1.0, max(1, width // 250), cv2.LINE_AA)
    rgb = np.ones((height, width, 3), np.float32) * color(rng, 0.25, 0.7)
    rgb += (color(rng, 0.7, 0.95, vivid=0.4) - rgb) * seam[..., None]
    rgb *= (light * (1 - 0.25 * np.clip(blur(seam, width / 160) - 0.3 * seam, 0, 1)))[..., None]
    handle = np.zeros((height, width), np.float32)
    arch, thick = (round(width * float(rng.uniform(0.16, 0.3))), round(height * 0.26)), max(3, width // 28)
    cv2.ellipse(handle, (width // 2, round(height * 0.32)), arch, 0, 180, 360, 1.0, thick, cv2.LINE_AA)
    rgb *= 1 - 0.25 * (handle * (1 - cover))[..., None]
    corner, far = (round(width * 0.45), round(height * 0.54)), (round(width * 0.55), round(height * 0.63))
    cv2.rectangle(rgb, corner, far, (0.85, 0.78, 0.55), max(2, width // 60), cv2.LINE_AA)
    return rgb, np.maximum(cover, handle)


def _keypad(rng: np.random.Generator, height: int, width: int, lean: float) -> Painted:
    """A remote, calculator or keyboard: a shell, a display, rows of lettered keys."""
    cv2 = opencv.load()
    shrink = float(rng.uniform(0.0, 0.3))
    frame = np.array(((shrink / 2, 0.0), (1 - shrink / 2, 0.0), (1 - shrink / 2, 1.0), (shrink / 2, 1.0)))
    cover = polygon(height, width, frame * 0.98 + 0.01, round_px=width / 40)
    shell = np.empty((height, width, 3), np.uint8)
    shell[:] = paint(rng, 0.08, 0.9)
    left, right = round(width * (shrink / 2 + 0.07)), round(width * (1 - shrink / 2 - 0.07))
    cv2.rectangle(shell, (left, height // 14), (right, height // 4), (158, 178, 153), -1)
    display = shell[height // 14 : height // 4, left:right]
    write_line(rng, display, (25, 25, 25), round(display.shape[0] * 0.75), round(display.shape[0] * 0.5))
    rows, columns = int(rng.integers(4, 8)), int(rng.integers(3, 7))
    down, across = height * 0.66 / rows, (right - left) / columns
    key, ink = color(rng, 0.1, 0.8), paint(rng, 0.0, 1.0)
    for index in range(rows * columns):
        top = round(height * 0.3 + index // columns * down)
        edge = round(left + index % columns * across)
        cap = shell[top : top + round(down * 0.8), edge : edge + round(across * 0.82)]
        cap[:] = key * 255 * np.linspace(1.15, 0.85, cap.shape[0], dtype=np.float32)[:, None, None]
        letter, size = chr(int(rng.integers(48, 91))), min(cap.shape[:2]) / 45
        spot = (edge + cap.shape[1] // 3, top + round(cap.shape[0] * 0.7))
        cv2.putText(shell, letter, spot, 0, size, ink, max(1, round(size * 2)), cv2.LINE_AA)
    grain = relief(fractal(rng, height, width, rough=1.4), 0.05)
    sheen = 1 + 0.12 * lean * np.linspace(-1, 1, width, dtype=np.float32)
    return shell * ((grain * sheen) / np.float32(255))[..., None], cover


def _fruit(rng: np.random.Generator, height: int, width: int, lean: float) -> Painted:
    """One to five round things: fruit, balls of wool, stones."""
    rgb, cover = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    skin, depth = color(rng, 0.5, 0.95, vivid=0.9), float(rng.uniform(0.05, 0.3))
    count = int(rng.integers(1, 6))
    for _ in range(count):
        radius = min(height, width) * (0.48 if count == 1 else float(rng.uniform(0.24, 0.32)))
        middle = rng.uniform((radius, radius), (width - radius, height - radius))
        y, x = np.mgrid[:height, :width].astype(np.float32)
        x, y = (x - np.float32(middle[0])) / radius, (y - np.float32(middle[1])) / radius
        inside = np.clip((1 - np.hypot(x, y)) * radius + 0.5, 0, 1)
        z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
        light = 0.35 + 0.75 * np.clip(0.45 * lean * x - 0.5 * y + 0.74 * z, 0, 1)
        light *= relief(fractal(rng, height, width, rough=1.15), depth)
        gloss = np.exp(-(np.square(x - 0.3 * lean) + np.square(y + 0.35)) * 40) * 0.35
        blush = np.clip(0.5 + 0.35 * fractal(rng, height, width, rough=0.6), 0, 1)[..., None]
        flesh = skin * (1 - 0.35 * blush) + color(rng, 0.4, 0.9, vivid=0.9) * 0.35 * blush
        ball = flesh * light[..., None] + gloss[..., None]
        rgb += (ball - rgb) * inside[..., None]
        cover = np.maximum(cover, inside)
    return rgb, cover


def _fleece(rng: np.random.Generator, height: int, width: int, lean: float) -> Painted:
    """A cushion or a cup without print: soft by nature, with a clean outline."""
    roundness = float(rng.uniform(10, 40))
    frame = np.array(((0.04, 0.06), (0.96, 0.04), (0.98, 0.96), (0.02, 0.94)))
    cover = polygon(
        height, width, np.clip(frame + rng.normal(0, 0.015, frame.shape), 0, 1), width / roundness
    )
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    bulge = 0.62 + 0.38 * np.clip(1 - 0.5 * (x**2 + y**2) + 0.35 * lean * x - 0.25 * y, 0, 1.2)
    pile = blur(fractal(rng, height, width, rough=0.8), max(1.5, width / 120))
    pile *= float(rng.uniform(0.0, 0.06)) / max(float(pile.std()), 1e-6)
    rgb = np.ones((height, width, 3), np.float32) * color(rng, 0.35, 0.95)
    return rgb * (bulge * (1 + pile))[..., None], cover


THINGS: tuple[Callable[[np.random.Generator, int, int, float], Painted], ...] = (
    _box, _turned, _mug, _garment, _bag, _keypad, _fruit, _fleece,
)  # fmt: skip
