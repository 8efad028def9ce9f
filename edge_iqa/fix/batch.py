"""The work of `edge-iqa fix` on photos, one or many: one that cannot be read or written stops none of the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edge_iqa.errors import OutputError, PhotoError
from edge_iqa.fix.command import FixedFile, fix_file
from edge_iqa.fix.place import Guard
from edge_iqa.folders import explain
from edge_iqa.inspector import Inspector
from edge_iqa.policy import Policy
from edge_iqa.report import describe_failure
from edge_iqa.table import make_printable

NOT_WRITTEN, UNREADABLE = 2, 3
"""Exit codes of a photo whose result may not or cannot be written, and of one that cannot be read."""


@dataclass(frozen=True, eq=False)
class Unfixed:
    """A photo that could not be read, or whose result could not be written.

    Attributes:
        source: as it was given.
        error: why; its message says what was expected.
    """

    source: str
    error: PhotoError | OutputError

    outcome = "error"

    @property
    def code(self) -> int:
        """Exit code of the command."""
        return UNREADABLE if isinstance(self.error, PhotoError) else NOT_WRITTEN

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values: `{"schema", "file", "error": {"type", "message"}}`."""
        return describe_failure(self.source, self.error)

    def to_line(self) -> str:
        """For people, in a line."""
        return make_printable(f"{self.source}: error: {str(self.error).removeprefix(f'{self.source}: ')}")


def fix_files(
    inspector: Inspector,
    sources: Sequence[str],
    out: str | os.PathLike[str],
    policy: Policy,
    *,
    strip_location: bool = False,
    overwrite: bool = False,
) -> Iterator[FixedFile | Unfixed]:
    """Repair files, one after the other.

    No result replaces another photo of the run, nor what became of it, even where `overwrite` allows to replace files.

    Args:
        inspector, policy, strip_location, overwrite: see `fix_file`.
        sources: paths of photos.
        out: a folder: one that exists, or whose name ends in a slash; of a single photo it may be a file.

    Returns:
        One result per photo, in the order of the photos.
    """
    guard = Guard(sources)
    for source in sources:
        try:
            yield fix_file(
                inspector, source, out, policy,
                strip_location=strip_location, overwrite=overwrite, guard=guard,
            )  # fmt: skip
        except OutputError as error:
            yield Unfixed(source, error)
        except PhotoError as error:
            yield Unfixed(source, explain(source) if os.path.isdir(source) else error)
