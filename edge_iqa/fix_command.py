"""The work of `edge-iqa fix IN -o OUT`: read, diagnose, repair, write; what to say about it. It prints nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_iqa import image, metadata
from edge_iqa.enhance import Diagnosis, Fixed, improve
from edge_iqa.errors import OutputError
from edge_iqa.files import write_bytes
from edge_iqa.formats import sniff
from edge_iqa.frame import Frame
from edge_iqa.repairs.base import Scorer
from edge_iqa.rewrite import Written, check_target, choose_format, write_fixed

FIXED, LEFT = 0, 1
"""Exit codes: repaired (or nothing was wrong), left as it was."""
_WHOLE_PX = 65_535
"""Long side to read with: nothing is shrunk."""


@dataclass(frozen=True, eq=False)
class FixedFile:
    """What became of one file.

    Attributes:
        source: as it was given.
        causes: what was wrong with it.
        fixed: what was done to its pixels.
        written: what was written.
        notes: of reading and writing.
    """

    source: str
    causes: tuple[str, ...]
    fixed: Fixed
    written: Written
    notes: tuple[str, ...]

    @property
    def code(self) -> int:
        """Exit code of the command."""
        done = self.fixed.changed and not self.fixed.retake
        return FIXED if done or not self.causes else LEFT

    def to_dict(self) -> dict[str, Any]:
        """For JSON: names, numbers and lists only."""
        before, after = self.fixed.before, self.fixed.after
        return {
            "file": self.source,
            "out": os.fspath(self.written.path),
            "bytes": self.written.bytes_,
            "causes": list(self.causes),
            "changed": self.fixed.changed,
            "why": self.fixed.why,
            "retake": list(self.fixed.retake),
            "steps": [
                {"name": step.name, "strength": step.strength, "parameters": _parameters(step.repair)}
                for step in self.fixed.steps
            ],
            "score": {"before": before[0], "after": after[0]},
            "attributes": {
                name: {"before": value, "after": after[1][name]} for name, value in before[1].items()
            },
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """For people: a line of what was done, and lines of what else they should know."""
        before, after = self.fixed.before[0], self.fixed.after[0]
        scores = f"score {before:.1f} → {after:.1f}" if self.fixed.changed else f"score {before:.1f}"
        lines = [f"{self.source}: {self.fixed.why} ({scores}) → {self.written.path}"]
        if self.fixed.retake:
            lines.append(f"  needs a new photo: {', '.join(self.fixed.retake)}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def fix_file(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    diagnose: Callable[[Frame, bytes], Diagnosis],
    score: Scorer,
    *,
    strip_location: bool = False,
    overwrite: bool = False,
    max_bytes: int | None = None,
) -> FixedFile:
    """Repair one file.

    A photo that no repair makes better is copied byte for byte (but for the place, if that shall go), unless
    another format or a smaller file was asked for: then it is encoded anew.

    Args:
        source: path of the photo.
        out: path of the result, or a folder that exists: then a file of the source's name in it.
        diagnose: frame and encoded bytes → what is wrong.
        score: see `improve`.
        strip_location, overwrite, max_bytes: see `write_fixed`.

    Raises:
        PhotoError: the photo cannot be read.
        OutputError: the result may not or cannot be written.
    """
    path = Path(source)
    target = _find_target(path, Path(out))
    if (
        not overwrite
        and os.path.lexists(target)
        and target.exists()
        and path.exists()
        and target.samefile(path)
    ):
        raise OutputError(f"{target}: this is the photo itself; choose another name, or allow overwriting")
    check_target(target, overwrite=overwrite)
    frame = image.read(path, long_side_px=_WHOLE_PX)
    data = path.read_bytes()
    diagnosis = diagnose(frame, data)
    fixed = improve(frame, diagnosis, score)
    fits = max_bytes is None or len(data) <= max_bytes
    same_format = sniff(data).name == choose_format(data, target)
    untouched = (data, ()) if not strip_location else metadata.strip_location(data)
    if not fixed.changed and fits and same_format and untouched is not None:
        written = Written(write_bytes(target, untouched[0]), len(untouched[0]), untouched[1])
    else:
        written = write_fixed(
            data, frame, fixed.pixels, target,
            strip_location=strip_location, overwrite=overwrite, max_bytes=max_bytes,
        )  # fmt: skip
    return FixedFile(
        os.fspath(source), tuple(diagnosis.causes), fixed, written, (*frame.notes, *written.notes)
    )


def _find_target(source: Path, out: Path) -> Path:
    if not out.is_dir():
        return out
    return out / (source.name if source.suffix.lower() in _KEPT else source.stem + ".jpg")


_KEPT = (".jpg", ".jpeg", ".png", ".webp")


def _parameters(repair: object) -> dict[str, Any]:
    return {name: value for name, value in vars(repair).items() if isinstance(value, (int, float, bool))}
