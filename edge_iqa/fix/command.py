"""The work of `edge-iqa fix IN -o OUT` on one photo: inspect, repair, write; what to say of it. It prints nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_iqa import image, metadata
from edge_iqa.files import write_bytes
from edge_iqa.fix.encode import SUFFIX_FORMATS
from edge_iqa.fix.photo import WHOLE_PX, FixedPhoto, fix_photo
from edge_iqa.fix.place import Guard, Place, check_free, find_place
from edge_iqa.fix.rewrite import Written, write_fixed
from edge_iqa.formats import sniff
from edge_iqa.inspector import Inspector
from edge_iqa.policy import Policy
from edge_iqa.report import SCHEMA, Report, Verdict
from edge_iqa.table import make_printable

DONE, NOT_ACCEPTED = 0, 1
"""Exit codes: what was written is accepted; it is not, though better, or the photo was left as it was."""


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
                for step in (() if fixed is None else fixed.steps)
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
            lines += [f"  {issue.message} {issue.advice}" for issue in self.after.issues if issue.blocking]
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
    the place if that shall go, unless `out` asks for another format. Of any other photo nothing is written.

    Args:
        inspector, policy: judge the photo, and what became of it.
        source: path of the photo.
        out: path of the result; or a folder (one that exists, or whose name ends in a slash), for a file of the
            source's name in it.
        strip_location, overwrite: see `write_fixed`.
        guard: knows files that may not be replaced in any case.

    Raises:
        PhotoError: the photo cannot be read.
        OutputError: the result may not or cannot be written.
    """
    path = Path(source)
    place = find_place(path, out)
    desk = _Desk(path, place, policy, strip_location, overwrite, guard or Guard())
    if place.copied == place.encoded:  # else only the verdict tells which of the two it will be
        desk.check(place.encoded)
    photo = fix_photo(inspector, source, policy)
    smaller = photo.before.verdict is Verdict.FIX and any(
        issue.code == "FILE_TOO_LARGE" and issue.blocking for issue in photo.before.issues
    )
    if not (photo.changed or smaller or photo.before.verdict is Verdict.ACCEPT):
        return FixedFile(os.fspath(source), photo, None, photo.before)
    written = desk.write(photo, is_new=photo.changed or smaller)
    desk.guard.add(written.path)
    return FixedFile(os.fspath(source), photo, written, inspector.inspect(written.path, policy), smaller)


@dataclass(frozen=True, eq=False)
class _Desk:
    """One photo, where its result goes, and how it shall be written."""

    source: Path
    place: Place
    policy: Policy
    strip_location: bool
    overwrite: bool
    guard: Guard

    def check(self, target: Path) -> None:
        self.guard.check(self.source, target)
        check_free(target, overwrite=self.overwrite, source=self.source)

    def write(self, photo: FixedPhoto, *, is_new: bool) -> Written:
        """Write the photo's own bytes where they can stay, else encode its pixels."""
        data, target = self.source.read_bytes(), self.place.encoded
        written = None if is_new else self._copy(data)
        if written is not None:
            return written
        self.check(target)
        written = write_fixed(
            data,
            image.read(data, long_side_px=WHOLE_PX),
            photo.pixels,
            target,
            strip_location=self.strip_location,
            overwrite=self.overwrite,
            max_bytes=_find_most_bytes(self.policy),
        )
        if is_new or not self._may_stay(data):
            return written
        kind = SUFFIX_FORMATS[target.suffix.lower()].upper()
        note = f"encoded as {kind}: the place could not be taken out of the file as it was"
        return replace(written, notes=(*written.notes, note))

    def _may_stay(self, data: bytes) -> bool:
        """Whether no other format is asked for; only a folder asks for none."""
        return self.place.in_folder or sniff(data).name == SUFFIX_FORMATS[self.place.copied.suffix.lower()]

    def _copy(self, data: bytes) -> Written | None:
        """Write the very bytes; None where they have to be encoded anew."""
        if not self._may_stay(data):
            return None
        kept = metadata.strip_location(data) if self.strip_location else (data, ())
        if kept is None:
            return None
        target = self.place.copied
        self.check(target)
        return Written(write_bytes(target, kept[0], replace=self.overwrite), len(kept[0]), kept[1])


def _find_most_bytes(policy: Policy) -> int | None:
    """The most bytes that a file may have by the policy; None where it does not say."""
    most = [rule.at_most for rule in policy.rules if rule.measure == "file_bytes"]
    return min((int(each) for each in most if each is not None), default=None)


def _to_causes(report: Report) -> list[dict[str, Any]]:
    return [
        {"code": issue.code, "message": issue.message, "advice": issue.advice}
        for issue in report.issues
        if issue.blocking
    ]


def _parameters(repair: object) -> dict[str, Any]:
    return {name: value for name, value in vars(repair).items() if isinstance(value, (int, float, bool))}
