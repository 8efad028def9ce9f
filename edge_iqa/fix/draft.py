"""What would be written of one photo: its own bytes where they can stay, else its pixels encoded anew."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from edge_iqa import metadata
from edge_iqa.errors import OutputError
from edge_iqa.fix.encode import SUFFIX_FORMATS
from edge_iqa.fix.photo import FixedPhoto
from edge_iqa.fix.place import Guard, Place, check_free
from edge_iqa.fix.rewrite import Encoded, encode_fixed
from edge_iqa.formats import sniff
from edge_iqa.policy import Policy


@dataclass(frozen=True, eq=False)
class Draft:
    """A file that is not written yet.

    Attributes:
        target: where it would go.
        data: all of it.
        notes: what could not be kept, and why.
    """

    target: Path
    data: bytes
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Its format, for people."""
        return sniff(self.data).name.upper()


@dataclass(frozen=True, eq=False)
class Desk:
    """One photo, where its result goes, and how it shall be written."""

    source: Path
    place: Place
    policy: Policy
    strip_location: bool
    overwrite: bool
    guard: Guard

    def check(self, target: Path) -> None:
        """Refuse a place that is taken.

        Raises:
            OutputError: it is.
        """
        self.guard.check(self.source, target)
        check_free(target, overwrite=self.overwrite, source=self.source)

    def draft(self, data: bytes, photo: FixedPhoto, *, is_new: bool) -> Draft:
        """Make the file in memory.

        Args:
            data: of the source.
            photo: what was done to its pixels.
            is_new: the bytes as they are may not stay.

        Raises:
            OutputError: its place is taken, or it cannot be encoded in that format or in so few bytes.
        """
        copied = None if is_new else self._copy(data)
        if copied is not None:
            return copied
        target = self.place.encoded
        self.check(target)
        kind = SUFFIX_FORMATS[target.suffix.lower()]
        encoded = self._encode(data, photo, kind)
        if is_new or not self._may_stay(data):
            return Draft(target, encoded.data, encoded.notes)
        note = f"encoded as {kind.upper()}: the place could not be taken out of the file as it was"
        return Draft(target, encoded.data, (*encoded.notes, note))

    def _may_stay(self, data: bytes) -> bool:
        """Whether no other format is asked for; only a folder asks for none."""
        return self.place.in_folder or sniff(data).name == SUFFIX_FORMATS[self.place.copied.suffix.lower()]

    def _copy(self, data: bytes) -> Draft | None:
        """The very bytes; None where they have to be encoded anew."""
        if not self._may_stay(data):
            return None
        kept = metadata.strip_location(data) if self.strip_location else (data, ())
        if kept is None:
            return None
        self.check(self.place.copied)
        return Draft(self.place.copied, *kept)

    def _encode(self, data: bytes, photo: FixedPhoto, kind: str) -> Encoded:
        most = find_most_bytes(self.policy, datetime.date.today())
        try:
            return encode_fixed(
                data, photo.notes, photo.pixels, kind, strip_location=self.strip_location, max_bytes=most
            )
        except OutputError as error:
            raise OutputError(f"{self.source}: {error}") from error


def find_most_bytes(policy: Policy, on: datetime.date) -> int | None:
    """The most bytes that a file must have by the policy on that day; None where it does not say.

    Advice, and rules that are not in force yet or no more, make no photo coarser.
    """
    most = [
        int(rule.at_most)
        for rule in policy.rules
        if rule.measure == "file_bytes"
        and rule.at_most is not None
        and rule.severity == "must"
        and rule.is_in_force(on)
    ]
    return min(most, default=None)
