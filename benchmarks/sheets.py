"""Contact sheets: what the model finds best and worst, and where it and its teacher disagree most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring import Row
from edge_iqa import image, opencv
from edge_iqa.files import write_bytes

_TILE_PX = 190
_COLUMNS = 8
_COUNT = 40


def write_sheets(folder: Path, rows: Sequence[Row]) -> list[Path]:
    """Write best.jpg, worst.jpg (clean photos by score), disagreements.jpg and misjudged.jpg.

    Args:
        rows: of `benchmarks.renderings`, with `teacher`, those that have a label.
    """
    rows = [row for row in rows if row["label"] is not None]
    clean = sorted((row for row in rows if not row["faults"]), key=lambda row: -row["score"])
    by_gap = sorted(rows, key=lambda row: -abs(row["score"] - row["teacher"]))
    by_error = sorted(rows, key=lambda row: -abs(row["score"] - row["label"]))
    sheets = {"best": clean, "worst": clean[::-1], "disagreements": by_gap, "misjudged": by_error}
    return [write_sheet(folder / f"{name}.jpg", chosen[:_COUNT]) for name, chosen in sheets.items()]


def write_sheet(path: Path, rows: Sequence[Row]) -> Path:
    """Draw renderings in rows; below each its score, teacher's score, label and fault."""
    cv2 = opencv.load()
    tiles = [_tile(row) for row in rows]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _COLUMNS)
    lines = [np.hstack(tiles[at : at + _COLUMNS]) for at in range(0, len(tiles), _COLUMNS)]
    _, encoded = cv2.imencode(".jpg", np.vstack(lines)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return write_bytes(path, bytes(encoded))


def _tile(row: Row) -> NDArray[np.uint8]:
    cv2 = opencv.load()
    pixels = image.read(Path(row["file"])).pixels
    scale = _TILE_PX / max(pixels.shape[:2])
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    tile = np.full((_TILE_PX + 30, _TILE_PX, 3), 90, np.uint8)
    tile[: size[1], : size[0]] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    figures = f"{row['score']:.2f}  t {row['teacher']:.2f}  l {row['label']:.2f}"
    severity = f" {row['severity']:.2f}" if row["faults"] else ""
    for text, line in ((figures, 12), (f"{row['name'][:24]}{severity}", 26)):
        cv2.putText(tile, text, (2, _TILE_PX + line), 0, 0.36, (255, 255, 255), 1, cv2.LINE_AA)
    return tile
