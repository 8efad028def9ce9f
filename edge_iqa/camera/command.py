"""The work of `edge-iqa camera`: follow a source, show it, write its best frames. It prints nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from edge_iqa.camera.frame_report import Best, FrameReport
from edge_iqa.camera.live_line import LiveLine
from edge_iqa.camera.watch import Watch
from edge_iqa.camera.window import Window
from edge_iqa.errors import CameraError, OutputError
from edge_iqa.files import make_folder, write_bytes
from edge_iqa.fix.encode import Fineness, encode
from edge_iqa.inspector import Inspector
from edge_iqa.plain_json import dump
from edge_iqa.policy import DEFAULT, Policy, open_policy
from edge_iqa.report import Report, Verdict
from edge_iqa.stream.events import Event
from edge_iqa.table import make_printable
from edge_iqa.words import open_words

DONE, NOT_ACCEPTED, UNREADABLE = 0, 1, 3
_MOST_FILES = 9999


@dataclass(frozen=True)
class Saved:
    """A frame that was written.

    Attributes:
        path: of the JPEG; its verdict stands beside it, in a file of the same name that ends in .json.
        report: the verdict on that file.
        time_s, index: of the frame in its source.
    """

    path: Path
    report: Report
    time_s: float
    index: int

    @property
    def is_accepted(self) -> bool:
        return self.report.verdict is Verdict.ACCEPT

    def to_line(self) -> str:
        """For people."""
        verdict = f"{self.report.verdict}, score {self.report.score:.1f}"
        why = next((f"; {issue.message}" for issue in self.report.issues if issue.blocking), "")
        return make_printable(f"{self.path}: {verdict}, frame {self.index} at {self.time_s:.2f} s{why}")


@dataclass(frozen=True)
class Watched:
    """How a stream went.

    Attributes:
        count: frames that there were.
        lost: what ended it, where it did not end by itself.
    """

    count: int
    lost: CameraError | None = None


Write = Callable[[str], object]
"""Writes a text as it is, ends of lines included."""


def run_camera(options: argparse.Namespace, write: Write, complain: Write, columns: int | None) -> int:
    """Do what the options of the command ask for.

    Args:
        write: for results.
        complain: for what goes wrong, and what happens to the camera.
        columns: of the terminal that `write` goes to; None where it is none.

    Returns:
        Exit code: 0 watched to the end, and the best frame is accepted where it was written; 1 it is not; 3 the camera
        was lost, or there was no frame.

    Raises:
        EdgeIqaError: wrong usage, the source cannot be opened, no window, or a file that cannot be written.
    """
    policy = open_policy(DEFAULT if options.policy is None else options.policy)
    source = int(options.source) if options.source.isdecimal() else options.source
    line = LiveLine(columns, open_words(options.lang).states)

    def on_event(event: Event) -> None:
        complain(_tell(event, line))

    with closing(Window()) if options.show else nullcontext() as window:  # what is missing is told first
        if options.save_best is not None:
            make_folder(options.save_best, "--save-best")
        with Inspector.open(options.bundle, options.backend, options.threads, options.lang) as inspector:
            watch = inspector.watch(
                source, policy=policy, drop=options.drop or None, lost="recover" if options.recover else "raise",
                on_event=on_event,
            )  # fmt: skip
            to_text = (lambda report: f"{dump(report.to_dict())}\n") if options.json else line.update
            watched = follow(watch, lambda report: write(to_text(report)), window, options.auto)
            write(line.leave())
            _tell_end(watched, options.source, complain)
            if options.save_best is None or not watched.count:
                return UNREADABLE if watched.lost or not watched.count else DONE
            saved = []
            for each in save_best(inspector, watch.best(options.best), options.save_best, policy):
                (complain if options.json else write)(f"{each.to_line()}\n")
                saved.append(each)
    if watched.lost:
        return UNREADABLE
    return DONE if saved[0].is_accepted else NOT_ACCEPTED


def _tell(event: Event, line: LiveLine) -> str:
    """An event in a line; the last frames of a stream need no word."""
    return (
        ""
        if event.kind == "ended"
        else f"{line.leave()}edge-iqa: {event.kind}: {make_printable(event.message)}\n"
    )


def _tell_end(watched: Watched, source: str, complain: Write) -> None:
    if watched.lost is not None:
        complain(f"edge-iqa: {make_printable(str(watched.lost))}\n")
    elif not watched.count:
        complain(f"edge-iqa: {make_printable(source)}: there was no frame; give a source that has some\n")


def follow(
    watch: Watch, tell: Callable[[FrameReport], object], window: Window | None = None, auto: bool = False
) -> Watched:
    """Go through a stream until it ends, is lost, the window is closed, or an interrupt (Ctrl-C) comes.

    Args:
        watch: the stream; it is closed in the end.
        tell: is given each frame's report.
        window: shows the frames.
        auto: end at the moment to take the photo.
    """
    count = 0
    try:
        for report in watch:
            count += 1
            tell(report)
            if window is not None and not window.show(watch.frame, report):
                break
            if auto and report.capture:
                break
    except CameraError as error:
        return Watched(count, error)
    except KeyboardInterrupt:  # the way to end a camera's stream
        pass
    finally:
        watch.close()
    return Watched(count)


def save_best(inspector: Inspector, best: list[Best], folder: str, policy: Policy) -> Iterator[Saved]:
    """Write frames as JPEG with their verdicts, each as it is done; names go on where those of before end.

    Args:
        inspector: judges the files that were written.
        best: the frames, the best first.
        folder: where to; made if it is not there. No file in it is replaced.
        policy: to judge by.

    Raises:
        OutputError: a file cannot be written.
    """
    number = 1
    for each in best:
        data = encode(each.pixels, "jpeg", Fineness())
        number, path = _write_photo(Path(folder), number, data)
        report = inspector.inspect(path, policy)
        verdict = {**report.to_dict(), "frame": {"index": each.index, "time_s": each.time_s}}
        write_bytes(path.with_suffix(".json"), f"{dump(verdict)}\n".encode(), replace=False)
        yield Saved(path, report, each.time_s, each.index)
        number += 1


def _write_photo(folder: Path, number: int, data: bytes) -> tuple[int, Path]:
    """Write under the first free number."""
    while number <= _MOST_FILES:
        path = folder / f"best-{number:04d}.jpg"
        if not (path.exists() or path.with_suffix(".json").exists()):
            return number, write_bytes(path, data, replace=False)
        number += 1
    raise OutputError(f"{folder}: there are {_MOST_FILES:,} best frames already; choose another folder")
