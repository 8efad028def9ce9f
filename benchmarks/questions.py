"""Questions about scores that labels cannot answer, each with photos made for it by code of its own.

Each function renders one task and scores it; `benchmarks.figures` turns the rows into figures. The noise,
blur and canvases here are not those of `compression.degradations`: a model that only knows its own
training generator should be found out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring import Row, make_rng, score
from compression import scenes
from compression.data import Photo
from compression.scenes.materials import Painted
from edge_iqa import image, opencv

Pixels = NDArray[np.uint8]

LARGE_PX = (3000, 4000)
CANVAS_PX = (2000, 3000)
RATED_HEIGHT_PX = 1080

_Y, _X = np.mgrid[-3:4, -3:4]
KERNELS = {
    "disk": (np.hypot(_X, _Y) <= 3.2).astype(np.float32),
    "gaussian": np.exp(-(_X**2 + _Y**2) / (2 * 1.5**2)).astype(np.float32),
    "across": (_Y == 0).astype(np.float32),
    "box": np.ones((7, 7), np.float32),
}
"""Ways to blur a large photo with a radius of 3 px, as kernels that do not sum to 1 yet."""


def mild_noise(photo: Photo) -> list[Row]:
    """A photo, and a soft copy of it, each without and with noise of 2, 3 and 4 levels, fine and blotchy."""
    cv2 = opencv.load()
    pixels, rng = image.read(photo.path).pixels, make_rng(photo.path.name, "mild noise")
    rows = []
    for source, soft in (("sharp", 0.0), ("soft", 1.6)):
        base = pixels.astype(np.float32)
        if soft:
            base = cv2.GaussianBlur(base, (0, 0), soft)
        clean = score(_jpeg(base))["score"]
        for sigma in (2.0, 3.0, 4.0):
            for spread in (0.0, 1.0):
                field = rng.standard_normal(base.shape, np.float32)
                if spread:
                    field = cv2.GaussianBlur(field, (0, 0), spread)
                    field /= field.std()
                noisy = score(_jpeg(base + sigma * field))["score"]
                kind = "blotchy" if spread else "fine"
                rows.append(
                    {
                        "group": photo.group,
                        "what": f"{source}, sigma {sigma:g}, {kind}",
                        "held": noisy < clean,
                    }
                )
    return rows


def large_blur(seed: int) -> list[Row]:
    """A drawn photo of 12 megapixels, and itself blurred with a radius of 3 px, four ways."""
    scored = {name: score(encoded)["score"] for name, encoded in blur_large(seed).items()}
    clean = scored.pop("clean")
    return [{"group": f"scene-{seed}", "what": name, "held": value < clean} for name, value in scored.items()]


def blur_large(seed: int) -> dict[str, bytes]:
    """JPEGs of a drawn photo of 12 megapixels: `clean`, and blurred with a radius of 3 px by each of `KERNELS`."""
    cv2 = opencv.load()
    scene = scenes.draw(seed, *LARGE_PX)
    made = {"clean": _jpeg(scene.pixels)}
    for name, kernel in KERNELS.items():
        made[name] = _jpeg(cv2.filter2D(scene.pixels, -1, kernel / kernel.sum()))
    return made


def white_and_gray(task: tuple[int, list[Painted]]) -> list[Row]:
    """One product on white and on gray: how far the score moves."""
    seed, cutouts = task
    size = ((800, 800), (1200, 1600), (960, 720))[seed % 3]
    scored = [
        score(_jpeg(scenes.draw(seed, *size, background, cutouts, fill=0.6).pixels))["score"]
        for background in ("white", "gray")
    ]
    return [{"group": f"scene-{seed}", "shift": abs(scored[0] - scored[1])}]


def white_canvas(task: tuple[int, list[Painted]]) -> list[Row]:
    """A small and a large product on a white canvas: clean against blurred, noisy and JPEG quality 5."""
    cv2 = opencv.load()
    seed, cutouts = task
    rows = []
    for size, fill in (("small", 0.2), ("large", 0.85)):
        canvas = (700, 1000) if cutouts else CANVAS_PX
        pixels = scenes.draw(seed, *canvas, "white", cutouts, fill=fill).pixels
        if cutouts and size == "small":
            pixels = np.pad(pixels, ((350, 350), (500, 500), (0, 0)), constant_values=255)
        clean = score(_jpeg(pixels))["score"]
        rng, scale = make_rng(str(seed), size), max(1.0, max(pixels.shape) / 1600)
        grain = rng.standard_normal(pixels.shape, np.float32)
        grain = cv2.GaussianBlur(grain, (0, 0), 0.8 * scale)
        spoiled = {
            "blurred": _jpeg(cv2.GaussianBlur(pixels, (0, 0), 2.0 * scale)),
            "noisy": _jpeg(pixels + 12 * grain / grain.std()),
            "jpeg q5": _jpeg(pixels, 5),
        }
        for name, encoded in spoiled.items():
            held = score(encoded)["score"] < clean
            rows.append({"group": f"scene-{seed}", "what": f"{size}, {name}", "held": held})
    return rows


def stability(photo: Photo) -> list[Row]:
    """Changes that leave the quality as it is: mirrored, shifted by a pixel, PNG instead of JPEG q95."""
    cv2 = opencv.load()
    pixels = image.read(photo.path).pixels
    inner = np.ascontiguousarray(pixels[1:-1, 1:-1])
    base = score(_jpeg(inner))["score"]
    _, png = cv2.imencode(".png", inner[..., ::-1])
    others = {
        "mirrored": _jpeg(inner[:, ::-1]),
        "shifted by 1 px": _jpeg(pixels[2:, 2:]),
        "PNG instead of JPEG q95": bytes(png),
    }
    return [
        {"group": photo.group, "what": name, "shift": abs(score(encoded)["score"] - base)}
        for name, encoded in others.items()
    ]


def rated(task: tuple[Path, str, float]) -> list[Row]:
    """A frame rated by people, brought to the height at which they saw it."""
    path, content, opinion = task
    cv2 = opencv.load()
    pixels = image.read(path).pixels
    width = round(pixels.shape[1] * RATED_HEIGHT_PX / pixels.shape[0])
    shown = cv2.resize(pixels, (width, RATED_HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    _, png = cv2.imencode(".png", shown[..., ::-1])
    return [{"group": content, "opinion": opinion, **score(bytes(png))}]


def _jpeg(pixels: NDArray[np.uint8] | NDArray[np.float32], quality: int = 95) -> bytes:
    cv2 = opencv.load()
    rounded = np.clip(np.round(pixels), 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", rounded[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(encoded)
