"""Known failures: photos whose truth is known and that may be shown, judged with the files that are packed.

A CSV tells of each what a seller should hear. What the models get wrong goes into the card, with a small
picture, so that nobody has to find it out again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_iqa import image, opencv, views
from edge_iqa.codes import CODES, name_by_scores
from edge_iqa.errors import DataError, GateError, PhotoError
from edge_iqa.frame import Frame
from edge_iqa.manifest import Thresholds
from edge_iqa.report import Verdict
from edge_iqa.verdict import Judgement
from export.console import track
from export.contract import ModelInfo
from export.golden import judge_scores
from export.parity import from_file

FOLDER = "failures"
"""Where the pictures lie in a bundle."""

LONG_SIDE_PX = 160
_QUALITY = 85
_YES, _NO = "yes", "no"
_COLUMNS = ("path", "accepted", "licence")


@dataclass(frozen=True)
class Example:
    """A photo whose truth is known.

    Attributes:
        path: the encoded photo.
        accepted: whether it is good enough to upload.
        issues: codes, such as `BLUR_MOTION`, of what is wrong with it; empty: nothing. None: not known.
        shows: what it shows, and what was done to it.
        licence: under which it may be shown, and whose it is.
    """

    path: Path
    accepted: bool
    issues: frozenset[str] | None
    shows: str
    licence: str


@dataclass(frozen=True, eq=False)
class Miss:
    """A photo that was judged wrongly.

    Attributes:
        example: the photo.
        verdict: what came out.
        score: overall score, 0 to 100.
        said: code of the first issue that was named, "" where none was.
        wrong: which of it is wrong: `verdict`, `issue`, or both.
        picture: path in the bundle of a small JPEG of it.
        content: the small JPEG.
    """

    example: Example
    verdict: Verdict
    score: float
    said: str
    wrong: tuple[str, ...]
    picture: str
    content: bytes


@dataclass(frozen=True, eq=False)
class Trials:
    """How many photos a model file was tried with, and those that it judges wrongly."""

    model: str
    count: int
    misses: tuple[Miss, ...]


def read_examples(path: Path) -> list[Example]:
    """Read photos with their truth.

    Args:
        path: CSV in UTF-8 with the columns `path` (relative to the CSV), `accepted` (yes or no) and
            `licence`, and optionally `shows` and `issues` (codes, with spaces between; a file without
            this column leaves issues unchecked).

    Raises:
        DataError: it cannot be read, holds no photo, or a row does not fit.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path}, line 1: expected the columns {', '.join(_COLUMNS)}, got {reader.fieldnames}; "
                    f"add {', '.join(missing)}"
                )
            examples = [_read_row(f"{path}, line {reader.line_num}", path.parent, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a CSV in UTF-8, could not read it ({error})") from error
    names = [name_picture(each.path) for each in examples]
    if not examples or len(set(names)) != len(names):
        listed = ", ".join(each.path.name for each in examples)
        raise DataError(f"{path}: expected photos of different names, got {listed or 'none'}")
    return examples


def try_examples(
    examples: Sequence[Example], name: str, model: bytes, info: ModelInfo, thresholds: Thresholds
) -> Trials:
    """Judge photos with one model file, as the device would.

    Args:
        name, model: file name and content.

    Raises:
        DataError: a photo cannot be read.
    """
    run, misses = from_file(name, model), []
    for example in track(examples, "photos of known truth"):
        try:
            frame = image.read(example.path, long_side_px=info.spec.long_side_px)
        except PhotoError as error:
            raise DataError(f"{example.path}: expected a photo, could not read it ({error})") from error
        judgement = judge_scores(run(views.cut(frame, info.spec))["scores"], frame, info, thresholds)
        if wrong := compare(example, judgement):
            misses.append(_make_miss(example, judgement, wrong, frame))
    return Trials(name, len(examples), tuple(misses))


def compare(example: Example, judgement: Judgement) -> tuple[str, ...]:
    """What of a judgement is wrong: `verdict`, `issue`, both or nothing.

    A verdict is right where the photo is accepted exactly if it should be; review, which asks a person,
    accepts nothing. Of the faults the first counts, by the name
    that scores alone can give it: the others may follow from it.
    """
    wrong = []
    if (judgement.verdict is Verdict.ACCEPT) != example.accepted:
        wrong.append("verdict")
    said = judgement.faults[0].code if judgement.faults else None
    expected = None if example.issues is None else {name_by_scores(code) for code in example.issues}
    if expected is not None and said is not None and said not in expected:
        wrong.append("issue")
    return tuple(wrong)


def name_picture(path: Path) -> str:
    """Path in the bundle of a photo's picture, of characters that every system takes."""
    return f"{FOLDER}/{re.sub(r'[^A-Za-z0-9._-]', '-', path.stem)}.jpg"


def _make_miss(example: Example, judgement: Judgement, wrong: tuple[str, ...], frame: Frame) -> Miss:
    return Miss(
        example,
        judgement.verdict,
        100 * judgement.overall,
        judgement.faults[0].code if judgement.faults else "",
        wrong,
        name_picture(example.path),
        _encode_small(frame),
    )


def _encode_small(frame: Frame) -> bytes:
    """The photo as a small JPEG, its long side at most `LONG_SIDE_PX`."""
    cv2 = opencv.load()
    height, width = frame.pixels.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise GateError(f"failures: {frame.name}: OpenCV could not encode the picture as JPEG")
    return bytes(encoded)


def _read_row(where: str, folder: Path, row: dict[str, str | None]) -> Example:
    name, accepted, licence = ((row.get(column) or "").strip() for column in _COLUMNS)
    if not name or not (folder / name).is_file():
        raise DataError(f"{where}: path: expected a photo beside the CSV, got {name!r}")
    if accepted not in (_YES, _NO):
        raise DataError(f"{where}: accepted: expected {_YES} or {_NO}, got {accepted!r}")
    if not licence:
        raise DataError(
            f"{where}: licence: expected the licence under which {name} may be shown, got nothing; "
            "leave out photos that may not be shown"
        )
    codes = row.get("issues")
    issues = None if codes is None else frozenset(codes.split())
    if unknown := sorted((issues or frozenset()) - CODES.keys()):
        raise DataError(f"{where}: issues: expected codes of {', '.join(CODES)}, got {' '.join(unknown)}")
    return Example(folder / name, accepted == _YES, issues, (row.get("shows") or "").strip(), licence)
