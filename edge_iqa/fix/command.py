"""The work of `edge-iqa fix IN -o OUT` on one photo: inspect, repair, write; what to say of it. It prints nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_iqa import image
from edge_iqa.errors import PhotoError
from edge_iqa.files import write_bytes
from edge_iqa.fix.draft import Desk
from edge_iqa.fix.photo import FixedPhoto, fix_photo
from edge_iqa.fix.place import Guard, find_place
from edge_iqa.inspector import Inspector
from edge_iqa.policy import Policy
from edge_iqa.repairs.base import MOST_FALL
from edge_iqa.report import SCHEMA, Report, Verdict
from edge_iqa.table import make_printable
from edge_iqa.words import join

DONE, NOT_ACCEPTED = 0, 1
"""Exit codes: what was written is accepted; it is not, though better, or the photo was left as it was."""


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        path: where.
        bytes_: how large it is.
        notes: what could not be kept, and why.
    """

    path: Path
    bytes_: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class FixedFile:
    """What became of one file.

    Attributes:
        source: as it was given.
        photo: what was done to its pixels.
        written: what was written; None where the photo was left as it was.
        after: report of what was written; that of the photo where nothing was.
        smaller: it was encoded more coarsely, so that it has no more bytes than the policy allows.
        loss: why what was made of the photo is not written; "" where it is, or nothing was made.
    """

    source: str
    photo: FixedPhoto
    written: Written | None
    after: Report
    smaller: bool = False
    loss: str = ""

    @property
    def code(self) -> int:
        """Exit code of the command."""
        accepted = self.written is not None and self.after.verdict is Verdict.ACCEPT
        return DONE if accepted else NOT_ACCEPTED

    @property
    def outcome(self) -> str:
        """In a word or two, to be counted."""
        if self.written is None:
            return "left as it was"
        if not self.changed:
            return "copied"
        return "repaired" if self.code == DONE else "better but not accepted"

    @property
    def changed(self) -> bool:
        """Whether what was written is another picture than the photo, or a smaller file of it."""
        return self.written is not None and (self.photo.changed or self.smaller)

    @property
    def why(self) -> str:
        """What was done, or why nothing was."""
        if self.loss:
            return self.loss
        smaller = ("a smaller file",) if self.smaller else ()
        return ", ".join((*self.photo.steps, *smaller)) or self.photo.why

    @property
    def notes(self) -> tuple[str, ...]:
        """Of reading and writing."""
        return (*self.photo.notes, *(() if self.written is None else self.written.notes))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; `edge_iqa/fix.schema.json` describes them."""
        before, fixed, written = self.photo.before, self.photo.fixed, self.written
        return {
            "schema": SCHEMA,
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
                for step in (fixed.steps if fixed is not None and self.changed else ())
            ],
            "notes": list(self.notes),
        }

    def to_line(self) -> str:
        """For people: what was done and noted, in a line."""
        notes = f" ({'; '.join(self.notes)})" if self.notes else ""
        return self._tell() + make_printable(notes)

    def _tell(self) -> str:
        before, after = self.photo.before, self.after
        verdict, score = str(before.verdict), f"score {before.score:.1f}"
        if self.changed:
            verdict, score = f"{before.verdict} → {after.verdict}", f"{score} → {after.score:.1f}"
        out = "nothing written" if self.written is None else f"wrote {self.written.path}"
        if self.written is not None and self.code != DONE:
            out += ", which is better but not accepted" if self.changed else ", which is not accepted"
        return make_printable(f"{self.source}: {verdict}, {score}: {self.why}; {out}")

    def to_text(self) -> str:
        """For people: a line of what was done, lines of what is still to do, and notes."""
        lines = [self._tell()]
        if self.after.verdict is not Verdict.ACCEPT:
            lines += [
                f"  {join((issue.message, issue.advice))}" for issue in self.after.issues if issue.blocking
            ]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def fix_file(
    inspector: Inspector,
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    policy: Policy,
    *,
    strip_location: bool = False,
    overwrite: bool = False,
    guard: Guard | None = None,
) -> FixedFile:
    """Repair one file.

    Written is a photo that was repaired, and a copy of one that is accepted as it is: the same bytes, but for
    the place if that shall go, unless `out` asks for another format. Of any other photo nothing is written. What was
    encoded is judged once more as the file that it is, and written only if that is accepted, or has fewer causes and
    a score at most `MOST_FALL` points lower.

    Args:
        inspector, policy: judge the photo, and what became of it.
        source: path of the photo.
        out: path of the result; or a folder (one that exists, or whose name ends in a slash), for a file of the
            source's name in it.
        strip_location, overwrite: see `encode_fixed` and `write_bytes`.
        guard: knows files that may not be replaced in any case.

    Raises:
        PhotoError: the photo cannot be read.
        OutputError: the result may not or cannot be written.
    """
    path, name = Path(source), os.fspath(source)
    place = find_place(path, out)
    desk = Desk(path, place, policy, strip_location, overwrite, guard or Guard())
    if place.copied == place.encoded:  # else only the verdict tells which of the two it will be
        desk.check(place.encoded)
    data = image.read_file(
        source
    )  # once: pixels and metadata are of one file, whatever happens to it meanwhile
    with _naming(path):
        photo = fix_photo(inspector, data, policy)
    smaller = photo.before.verdict is Verdict.FIX and any(
        issue.code == "FILE_TOO_LARGE" and issue.blocking for issue in photo.before.issues
    )
    if not (photo.changed or smaller or photo.before.verdict is Verdict.ACCEPT):
        return FixedFile(name, photo, None, photo.before)
    draft = desk.draft(data, photo, is_new=photo.changed or smaller)
    with _naming(path):
        after = photo.before if draft.data == data else inspector.inspect(draft.data, policy)
    loss = _find_loss(photo.before, after, draft.kind)
    if loss:
        return FixedFile(name, photo, None, photo.before, loss=loss)
    target = write_bytes(draft.target, draft.data, replace=overwrite)
    desk.guard.add(target)
    return FixedFile(name, photo, Written(target, len(draft.data), draft.notes), after, smaller)


@contextmanager
def _naming(source: Path) -> Iterator[None]:
    """Errors about bytes name the file that they came from."""
    try:
        yield
    except PhotoError as error:
        error.args = (f"{source}: {str(error).removeprefix('photo: ')}",)
        raise


def _find_loss(before: Report, after: Report, kind: str) -> str:
    """Why a file may not be written for the photo that it came from; "" where it may.

    A repair was judged by its pixels; what encoding took of them since, in coarseness or by its format, is judged here.
    """
    fewer = len(_find_codes(after)) < len(_find_codes(before))
    if after.verdict is Verdict.ACCEPT or (fewer and after.score >= before.score - MOST_FALL):
        return ""
    return (
        f"left as it was: the {kind} to write would be no better: {after.verdict} "
        f"({', '.join(_find_codes(after))}), score {before.score:.1f} → {after.score:.1f}"
    )


def _find_codes(report: Report) -> list[str]:
    return [issue.code for issue in report.issues if issue.blocking]


def _to_causes(report: Report) -> list[dict[str, Any]]:
    return [
        {"code": issue.code, "message": issue.message, "advice": issue.advice}
        for issue in report.issues
        if issue.blocking
    ]


def _parameters(repair: object) -> dict[str, Any]:
    return {name: value for name, value in vars(repair).items() if isinstance(value, (int, float, bool))}
