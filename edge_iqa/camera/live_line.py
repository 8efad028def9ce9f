"""What a terminal shows of a live stream: one line that changes; elsewhere a line for each change."""

from __future__ import annotations

from collections.abc import Mapping

from edge_iqa.camera.frame_report import FrameReport
from edge_iqa.table import cut, make_printable

HEAD = f"{'TIME':>8}  {'STATE':10}  {'SCORE':>5}  HINT"
_CLEAR = "\r\x1b[2K"
"""To the beginning of the line, and empty it: all terminals know these."""


class LiveLine:
    """Turns reports into what is to be written, ends of lines included."""

    def __init__(self, columns: int | None, labels: Mapping[str, str]) -> None:
        """Begin.

        Args:
            columns: of the terminal; None where there is none, and a file or another program reads along.
            labels: of states.
        """
        self._columns = columns
        self._labels = labels
        self._shown: tuple[str, str | None] | None = None

    def update(self, report: FrameReport) -> str:
        """What to write of a frame; "" where it is nothing new."""
        line = make_printable(_format(report, self._labels[report.state]))
        if self._columns is not None:
            head = "" if self._shown else f"{HEAD}\n"
            self._shown = (report.state, report.hint)
            dropped = f"  ({report.dropped} dropped)" if report.dropped else ""
            return f"{head}{_CLEAR}{cut(line + dropped, self._columns - 1)}"
        if self._shown == (report.state, report.hint):
            return ""
        head = "" if self._shown else f"{HEAD}\n"
        self._shown = (report.state, report.hint)
        return f"{head}{line}\n"

    def leave(self) -> str:
        """What to write before anything else is."""
        return "\n" if self._columns is not None and self._shown else ""


def _format(report: FrameReport, label: str) -> str:
    score = "-" if report.score is None else f"{report.score:.1f}"
    return f"{report.time_s:8.2f}  {label:10}  {score:>5}  {report.hint or ''}".rstrip()
