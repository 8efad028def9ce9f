"""The work of `edge-iqa report PHOTO… -o report.html`: judge, map, draw, write. It prints nothing."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_iqa import image
from edge_iqa.backends.base import cores
from edge_iqa.errors import OutputError, PhotoError
from edge_iqa.files import make_folder, write_bytes
from edge_iqa.folders import explain
from edge_iqa.frame import Frame
from edge_iqa.inspector import Inspector
from edge_iqa.page.assemble import assemble
from edge_iqa.page.card import Card, make_card, make_failed_card
from edge_iqa.page.entry import Entry, Repair
from edge_iqa.page.quality_map import map_quality
from edge_iqa.policy import Policy
from edge_iqa.pool import map_in_order
from edge_iqa.report import Failure, Report
from edge_iqa.words import Words

SUFFIXES = (".html", ".htm")
_MOST_JOBS = 64
_SHOWN_OPEN = 3
"""Up to so many photos the page shows the first one opened; more are a list to choose from."""

Repairer = Callable[[Frame, Report, Inspector, Policy], Repair | None]
"""What a repair makes of a photo, such as `edge_iqa.page.repairing.repair_for_page`; None where none was tried."""


@dataclass(frozen=True)
class Written:
    """A page that was written.

    Attributes:
        path: where.
        size_bytes: how large.
        outcomes: number of photos by verdict, and `failed`.
    """

    path: Path
    size_bytes: int
    outcomes: Counter[str]


@dataclass(frozen=True, eq=False)
class _Studio:
    """What it takes to draw any photo of one page."""

    inspector: Inspector
    policy: Policy
    words: Words
    repair: Repairer | None
    names: Sequence[str]

    def draw(self, numbered: tuple[int, str]) -> Card:
        """Judge one photo and draw it; one that cannot be read gets a card that says so."""
        number, path = numbered
        name, is_open = self.names[number - 1], number == 1 and len(self.names) <= _SHOWN_OPEN
        try:
            entry = self._look(path)
        except PhotoError as error:
            failure = Failure(path, explain(path) if os.path.isdir(path) else error)
            return make_failed_card(failure, number, name, self.words, is_open)
        return make_card(entry, number, name, self.words, is_open)

    def _look(self, path: str) -> Entry:
        manifest = self.inspector.bundle.manifest
        report = self.inspector.inspect(path, self.policy)
        frame = image.read(path, long_side_px=manifest.views.long_side_px)
        names = tuple(manifest.outputs.attributes)
        run = self.inspector.backend.run
        quality = map_quality(frame, manifest.views, names, run, report.mask)
        repair = self.repair(frame, report, self.inspector, self.policy) if self.repair else None
        return Entry(report, frame.pixels, quality, repair)


def write_report(
    inspector: Inspector,
    paths: Sequence[str],
    out: str | os.PathLike[str],
    policy: Policy,
    words: Words,
    *,
    repair: Repairer | None = None,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Written:
    """Judge photos and write a page that shows them.

    Args:
        inspector: its language should be that of `words`.
        paths: of photos; one that cannot be read is shown as such.
        out: the page, `.html` or `.htm`; replaced where it is there already.
        repair: what repairs photos for the page; None leaves repairs out.
        jobs: photos worked on at the same time; None is one per core.
        progress: told the number of photos that are done.

    Raises:
        OutputError: the page cannot be written, or would replace what is no page.
    """
    target = check_target(out)
    studio = _Studio(inspector, policy, words, repair, shorten(paths))
    cards: list[Card] = []
    threads = cores() if jobs is None else min(jobs, _MOST_JOBS)
    for card in map_in_order(studio.draw, enumerate(paths, 1), threads):
        cards.append(card)
        if progress is not None:
            progress(len(cards))
    attributes = inspector.bundle.manifest.outputs.attributes
    page = assemble(cards, words, attributes, _tell_makers(inspector, policy, words), datetime.date.today())
    return Written(write_bytes(target, page), len(page), Counter(card.outcome for card in cards))


def check_target(out: str | os.PathLike[str]) -> Path:
    """Before the work: refuse what is no page, and make its folder.

    Raises:
        OutputError: see `write_report`.
    """
    target = Path(out)
    if target.suffix.lower() not in SUFFIXES or target.is_dir():
        raise OutputError(
            f"{target}: expected a page to write, such as report.html; choose another name for -o"
        )
    make_folder(target.parent, "-o")
    return target


def shorten(paths: Sequence[str]) -> list[str]:
    """What to call photos: names of files where all differ, else paths below the folder they share."""
    names = [os.path.basename(path) or path for path in paths]
    if len(set(names)) == len(names):
        return names
    whole = [os.path.abspath(path) for path in paths]
    try:
        shared = os.path.commonpath([os.path.dirname(path) for path in whole])
    except ValueError:  # on two drives
        return whole
    return [os.path.relpath(path, shared) for path in whole]


def _tell_makers(inspector: Inspector, policy: Policy, words: Words) -> list[str]:
    told = [
        words.page["policy"].format(name=policy.name),
        words.page["bundle"].format(name=inspector.bundle.label),
    ]
    return [*told, words.page["experimental"]] if inspector.bundle.experimental else told
