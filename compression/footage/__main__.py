"""Look at a film: `python -m compression.footage --seed 3 --out film.mp4`"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from compression.command import count, run_command
from compression.footage import FPS, KINDS, Film, Truth
from compression.footage.world import Pixels
from compression.progress import console, track
from edge_iqa import opencv
from edge_iqa.errors import OutputError

_SHEET_PX = 320


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.footage",
        description="Render one film of a product through a phone's camera, with what is true written over it.",
    )
    parser.add_argument("--seed", type=count, default=0, help="which film (%(default)s)")
    parser.add_argument(
        "--out", type=Path, required=True, help="film.mp4, or a .png or .jpg for a contact sheet"
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=tuple(KINDS), help="segments to show; default: the seed's"
    )
    parser.add_argument("--width", type=int, default=1280, help="of a frame as stored (%(default)s)")
    parser.add_argument("--height", type=int, default=720, help="of a frame as stored (%(default)s)")
    parser.add_argument(
        "--every", type=int, default=12, help="frames from one picture of a sheet to the next"
    )
    return run_command(_render, parser.parse_args(argv))


def _render(options: argparse.Namespace) -> None:
    kinds = tuple(options.kinds) if options.kinds else None
    film = Film(options.seed, options.width, options.height, kinds)
    console.print(f"{len(film)} frames of a {film.product.name} on {film.background}")
    if options.out.suffix.lower() in (".png", ".jpg"):
        _write_sheet(film, options.out, options.every)
    else:
        _write_film(film, options.out)
    console.print(f"wrote {options.out}")


def _write_film(film: Film, path: Path) -> None:
    cv2 = opencv.load()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, film.sensor.upright)
    if not writer.isOpened():
        raise OutputError(f"{path}: expected a path that a film can be written to, such as film.mp4")
    try:
        for buffer, truth in track(film.frames(), len(film), "frames"):
            writer.write(_inscribe(buffer.to_rgb(), truth)[..., ::-1])
    finally:
        writer.release()


def _write_sheet(film: Film, path: Path, every: int) -> None:
    cv2 = opencv.load()
    pictures = []
    for index in track(range(0, len(film), every), -(-len(film) // every), "frames"):
        picture = film.shoot(index).to_rgb()
        scale = _SHEET_PX / max(picture.shape)
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        pictures.append(_inscribe(small, film.truths[index]))
    columns = 6 if pictures[0].shape[1] == _SHEET_PX else 10
    pictures += [np.zeros_like(pictures[0])] * (-len(pictures) % columns)
    rows = [np.hstack(pictures[at : at + columns]) for at in range(0, len(pictures), columns)]
    if not cv2.imwrite(str(path), np.vstack(rows)[..., ::-1]):
        raise OutputError(f"{path}: expected a path that a picture can be written to")


def _inscribe(pixels: Pixels, truth: Truth) -> Pixels:
    cv2 = opencv.load()
    size = max(0.35, max(pixels.shape) / 1600)
    written = np.ascontiguousarray(pixels)
    lines = (
        f"{truth.index} {'|'.join(sorted(truth.allowed))}",
        f"{truth.kind}{' ramp' if truth.ramp else ''}",
    )
    for row, line in enumerate(lines):
        place = (4, round((row + 1) * size * 32))
        for tone, thick in (((0, 0, 0), 3), ((255, 255, 0), 1)):
            cv2.putText(written, line, place, cv2.FONT_HERSHEY_SIMPLEX, size, tone, thick, cv2.LINE_AA)
    return written


if __name__ == "__main__":
    raise SystemExit(main())
