"""The work of `edge-iqa fix IN -o OUT`: inspect, repair, write; what to say about it. It prints nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_iqa import image, metadata
from edge_iqa.errors import OutputError
from edge_iqa.files import write_bytes
from edge_iqa.fix.photo import WHOLE_PX, FixedPhoto, fix_photo
from edge_iqa.fix.rewrite import Written, check_target, choose_format, write_fixed
from edge_iqa.formats import sniff
from edge_iqa.inspector import Inspector
from edge_iqa.policy import Policy
from edge_iqa.report import Report, Verdict

DONE, LEFT = 0, 1
"""Exit codes: a file that is better, or that needed nothing, was written; the photo was left as it was."""
_KEPT = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, eq=False)
class FixedFile:
    """What became of one file.

    Attributes:
        source: as it was given.
        photo: what was done to its pixels.
        written: what was written; None where the photo was left as it was.
        after: report of what was written; that of the photo where nothing was.
        smaller: it was encoded more coarsely, so that it has no more bytes than the policy allows.
    """

    source: str
    photo: FixedPhoto
    written: Written | None
    after: Report
    smaller: bool = False

    @property
    def code(self) -> int:
        """Exit code of the command."""
        return LEFT if self.written is None else DONE

    @property
    def changed(self) -> bool:
        """Whether what was written is another picture than the photo, or a smaller file of it."""
        return self.photo.changed or self.smaller

    @property
    def why(self) -> str:
        """What was done, or why nothing was."""
        smaller = ("a smaller file",) if self.smaller else ()
        return ", ".join((*self.photo.steps, *smaller)) or self.photo.why

    @property
    def notes(self) -> tuple[str, ...]:
        """Of reading and writing."""
        return (*self.photo.notes, *(() if self.written is None else self.written.notes))

    def to_dict(self) -> dict[str, Any]:
        """For JSON: names, numbers and lists only."""
        before, fixed, written = self.photo.before, self.photo.fixed, self.written
        return {
            "file": self.source,
            "out": None if written is None else os.fspath(written.path),
            "bytes": None if written is None else written.bytes_,
            "changed": self.changed,
            "why": self.why,
            "verdict": {"before": before.verdict.value, "after": self.after.verdict.value},
            "score": {"before": before.score, "after": self.after.score},
            "attributes": {
                name: {"before": value, "after": self.after.attributes[name]}
                for name, value in before.attributes.items()
            },
            "causes": {"before": _to_causes(before), "after": _to_causes(self.after)},
            "steps": [
                {"name": step.name, "strength": step.strength, "parameters": _parameters(step.repair)}
                for step in (() if fixed is None else fixed.steps)
            ],
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """For people: a line of what was done, lines of what is still to do, and notes."""
        before, after = self.photo.before, self.after
        verdict, score = str(before.verdict), f"score {before.score:.1f}"
        if self.changed:
            verdict, score = f"{before.verdict} → {after.verdict}", f"{score} → {after.score:.1f}"
        out = "nothing written" if self.written is None else f"wrote {self.written.path}"
        lines = [f"{self.source}: {verdict}, {score}: {self.why}; {out}"]
        if after.verdict is not Verdict.ACCEPT:
            lines += [f"  {issue.message} {issue.advice}" for issue in after.issues if issue.blocking]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def fix_file(
    inspector: Inspector,
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    policy: Policy,
    *,
    strip_location: bool = False,
    overwrite: bool = False,
) -> FixedFile:
    """Repair one file.

    Written is a photo that was repaired, and a copy of one that is accepted as it is: the same bytes, but for
    the place if that shall go, unless `out` asks for another format. Of any other photo nothing is written.

    Args:
        source: path of the photo.
        out: path of the result, or a folder that exists: then a file of the source's name in it.
        strip_location, overwrite: see `write_fixed`.

    Raises:
        PhotoError: the photo cannot be read.
        OutputError: the result may not or cannot be written.
    """
    path = Path(source)
    target = _find_target(path, Path(out))
    _check_not_itself(path, target, overwrite)
    check_target(target, overwrite=overwrite)
    photo = fix_photo(inspector, path, policy)
    most = _find_most_bytes(policy)
    smaller = photo.before.verdict is Verdict.FIX and any(
        issue.code == "FILE_TOO_LARGE" and issue.blocking for issue in photo.before.issues
    )
    if not (photo.changed or smaller or photo.before.verdict is Verdict.ACCEPT):
        return FixedFile(os.fspath(source), photo, None, photo.before)
    data = path.read_bytes()
    written = None if photo.changed or smaller else _copy(data, target, strip_location)
    if written is None:
        frame = image.read(data, long_side_px=WHOLE_PX)
        written = write_fixed(
            data,
            frame,
            photo.pixels,
            target,
            strip_location=strip_location,
            overwrite=overwrite,
            max_bytes=most,
        )
    return FixedFile(os.fspath(source), photo, written, inspector.inspect(written.path, policy), smaller)


def _check_not_itself(path: Path, target: Path, overwrite: bool) -> None:
    if not overwrite and target.exists() and path.exists() and target.samefile(path):
        raise OutputError(f"{target}: this is the photo itself; choose another name, or allow overwriting")


def _find_target(source: Path, out: Path) -> Path:
    if not out.is_dir():
        return out
    return out / (source.name if source.suffix.lower() in _KEPT else source.stem + ".jpg")


def _find_most_bytes(policy: Policy) -> int | None:
    """The most bytes that a file may have by the policy; None where it does not say."""
    most = [rule.at_most for rule in policy.rules if rule.measure == "file_bytes"]
    return min((int(each) for each in most if each is not None), default=None)


def _copy(data: bytes, target: Path, strip_location: bool) -> Written | None:
    """Write the very bytes; None where they would have to be encoded anew."""
    if sniff(data).name != choose_format(data, target):
        return None
    kept = metadata.strip_location(data) if strip_location else (data, ())
    return None if kept is None else Written(write_bytes(target, kept[0]), len(kept[0]), kept[1])


def _to_causes(report: Report) -> list[dict[str, Any]]:
    return [
        {"code": issue.code, "message": issue.message, "advice": issue.advice}
        for issue in report.issues
        if issue.blocking
    ]


def _parameters(repair: object) -> dict[str, Any]:
    return {name: value for name, value in vars(repair).items() if isinstance(value, (int, float, bool))}
