"""Make examples/photos/, its ORIGINS.md and examples/verdicts.csv: `python scripts/make_examples.py`.

Drawn scenes need nothing but this checkout. The two photographs come out of the scikit-image wheel
(`pip install scikit-image`); where it is missing, the copies in the repository stay as they are.
The faults are coded here anew, not taken from `compression.degradations`: a model that only knew
the look of its own training faults would be found out.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.util
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run from a checkout, as everything in scripts/

from compression import scenes  # noqa: E402
from edge_iqa import files, opencv  # noqa: E402

Pixels = NDArray[np.uint8]
Fault = Callable[[Pixels], Pixels]


def defocus(radius_px: float) -> Fault:
    """A lens out of focus: every point becomes a disk."""

    def blur(pixels: Pixels) -> Pixels:
        reach = int(np.ceil(radius_px))
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        disk = np.clip(radius_px + 0.5 - np.hypot(x, y), 0, 1)
        return opencv.load().filter2D(pixels, -1, disk / disk.sum())

    return blur


def move(length_px: int) -> Fault:
    """A hand that moves sideways while the shutter is open."""
    return lambda pixels: opencv.load().filter2D(pixels, -1, np.full((1, length_px), 1 / length_px))


def darken(share: float) -> Fault:
    """Too little light, taken away where a sensor loses it: before the tone curve, with its noise."""

    def expose(pixels: Pixels) -> Pixels:
        light = (pixels / 255.0) ** 2.2 * share
        light += np.random.default_rng(7).normal(0, 0.0015, light.shape)
        return to_bytes(np.clip(light, 0, 1) ** (1 / 2.2))

    return expose


def add_noise(strength: float) -> Fault:
    """High ISO: shot noise that grows with light, and read noise."""

    def sense(pixels: Pixels) -> Pixels:
        light = (pixels / 255.0) ** 2.2
        rng = np.random.default_rng(7)
        light += rng.normal(0, 1, light.shape) * strength * np.sqrt(light + 0.02)
        return to_bytes(np.clip(light, 0, 1) ** (1 / 2.2))

    return sense


def to_bytes(plane: NDArray[np.floating]) -> Pixels:
    return np.clip(np.round(plane * 255), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Example:
    """One example photo: where its pixels come from, what was done to them, and so what a seller should hear.

    Attributes:
        source: "drawn:SEED:WIDTHxHEIGHT" or "skimage:NAME".
        issue: code of what is wrong with it; "" for a photo to accept, with which nothing is wrong.
    """

    name: str
    source: str
    shows: str
    issue: str = ""
    fault: Fault | None = None
    quality: int = 90


EXAMPLES = (
    Example("coffee.jpg", "skimage:coffee", "a photograph as it was taken"),
    Example(
        "coffee-blurred.jpg",
        "skimage:coffee",
        "the same, out of focus (disk of 4 px)",
        "BLUR_DEFOCUS",
        defocus(4),
    ),
    Example("coffee-dark.jpg", "skimage:coffee", "the same with 6 % of the light", "TOO_DARK", darken(0.06)),
    Example("clock-moved.jpg", "skimage:clock", "a photograph, truly blurred by motion; gray", "BLUR_MOTION"),
    Example("mug.jpg", "drawn:20:1200x900", "a mug on paper, sharp and well lit"),
    Example(
        "mug-noisy.jpg",
        "drawn:20:1200x900",
        "the same at a very high ISO",
        "NOISE",
        add_noise(0.16),
        quality=80,
    ),
    Example("jar.jpg", "drawn:27:1200x900", "a jar on gray, sharp and well lit"),
    Example("jar-moved.jpg", "drawn:27:1200x900", "the same, moved by 21 px", "BLUR_MOTION", move(21)),
    Example("bag-12mp.jpg", "drawn:35:4000x3000", "a bag in a room, as large as phones take it", quality=82),
    Example(
        "bag-12mp-blurred.jpg",
        "drawn:35:4000x3000",
        "the same, disk of 14 px",
        "BLUR_DEFOCUS",
        defocus(14),
        quality=82,
    ),
)

_LICENCES = {
    "drawn": "drawn by `compression/scenes`; Apache-2.0, as this repository",
    "skimage:coffee": "scikit-image `data/coffee.png`, by Rachel Michetti (Pikolo Espresso Bar); CC0-1.0",
    "skimage:clock": "scikit-image `data/clock_motion.png`, by Stefan van der Walt; public domain",
}


def load_source(source: str) -> Pixels | None:
    """Pixels uint8 HxWx3 RGB of a source, or None where scikit-image is needed and missing."""
    kind, name, *rest = source.split(":")
    if kind == "drawn":
        width, height = (int(side) for side in rest[0].split("x"))
        return scenes.draw(int(name), height, width).pixels
    if importlib.util.find_spec("skimage") is None:
        return None
    pixels: Pixels = getattr(importlib.import_module("skimage.data"), name)()
    return np.stack([pixels] * 3, axis=-1) if pixels.ndim == 2 else pixels


def encode(pixels: Pixels, quality: int) -> bytes:
    cv2 = opencv.load()
    return bytes(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def licence_of(example: Example) -> str:
    return _LICENCES["drawn" if example.source.startswith("drawn") else example.source]


def list_verdicts(folder: str = "photos") -> str:
    """The text of verdicts.csv: what each photo should get, known from what was done to it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "accepted", "issues", "shows", "licence"])
    for example in EXAMPLES:
        accepted = "no" if example.issue else "yes"
        writer.writerow(
            [f"{folder}/{example.name}", accepted, example.issue, describe(example), licence_of(example)]
        )
    return text.getvalue()


def describe(example: Example) -> str:
    """What it shows, told without the line before it."""
    source = next(each for each in EXAMPLES if each.source == example.source)
    return example.shows.replace("the same", f"as {source.name}", 1)


def describe_origins() -> str:
    """The text of ORIGINS.md."""
    rows = []
    for example in EXAMPLES:
        rows.append(f"| `{example.name}` | {example.shows} | `{example.source}`: {licence_of(example)} |")
    return (
        "# Where the example photos come from\n\n"
        "Made by `python scripts/make_examples.py`, which also writes this file. A degraded copy has the\n"
        "licence of its source.\n\n| photo | what it shows | origin and licence |\n| --- | --- | --- |\n"
        + "\n".join(rows)
        + "\n"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Make examples/photos/, its ORIGINS.md and examples/verdicts.csv."
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT / "examples" / "photos",
        help="folder to write; verdicts.csv goes beside it",
    )
    options = parser.parse_args(arguments)
    sources: dict[str, Pixels | None] = {}
    for example in EXAMPLES:
        if example.source not in sources:
            sources[example.source] = load_source(example.source)
        pixels = sources[example.source]
        if pixels is None:
            print(f"{example.name}: left as it is (needs `pip install scikit-image`)")
            continue
        data = encode(example.fault(pixels) if example.fault else pixels, example.quality)
        files.write_bytes(options.out / example.name, data)
        print(f"{example.name}: {pixels.shape[1]}x{pixels.shape[0]}, {len(data) / 1000:.0f} kB")
    files.write_bytes(options.out / "ORIGINS.md", describe_origins().encode())
    files.write_bytes(options.out.parent / "verdicts.csv", list_verdicts(options.out.name).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
