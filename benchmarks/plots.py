"""Plots of the READMEs, each drawn from one result file, whose hash it carries: an old plot is told from a new one."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.latency_record import tell_model
from benchmarks.peer_tools.plot import plot_order
from benchmarks.scales.plot import draw as draw_scale
from benchmarks.simulation.plot import draw_agreement
from edge_iqa.errors import DataError
from edge_iqa.files import write_bytes

KEY = "Results-SHA256"
"""Of the text in a PNG that names what it was drawn from."""


@dataclass(frozen=True)
class Plot:
    """A plot.

    Attributes:
        source: name of the result file.
        alt: what it shows, for those who do not see it.
        draw: writes the picture of a result.
    """

    source: str
    alt: str
    draw: Callable[[Path, Mapping[str, Any]], Path]

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{Path(self.source).stem}.png"


def draw_latency(path: Path, result: Mapping[str, Any]) -> Path:
    """Stages of every photo and model as p50, one on the other, and the whole from p50 to p99."""
    from matplotlib.figure import Figure

    stages = [name for name in result["results"][0]["stages"] if name not in ("rest", "whole")]
    rows = list(reversed(result["results"]))
    at = np.arange(len(rows))
    figure = Figure(figsize=(10, 1.2 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    left = np.zeros(len(rows))
    for number, stage in enumerate(stages):
        taken = np.array([_p50(row, stage) for row in rows])
        axes.barh(at, taken, left=left, label=stage, color=f"C{number}", height=0.7)
        left += taken
    whole = [row["stages"]["whole"] for row in rows]
    tails = [each["p99_ms"] or each["p90_ms"] or each["p50_ms"] for each in whole]
    axes.hlines(at, [_p50(row, "whole") for row in rows], [tail["value"] for tail in tails], color="0.3")
    axes.plot([tail["value"] for tail in tails], at, "|", color="0.3", label="the whole, p50 to p99")
    axes.set_yticks(at, [f"{row['photo']}, {tell_model(row)}" for row in rows], fontsize=8)
    axes.set(xlabel="ms", title=f"{result['device']}: {result['machine']['cpu']}, stages of a verdict, p50")
    axes.legend(fontsize=8, ncols=len(stages) + 1, loc="upper center", bbox_to_anchor=(0.4, -0.12))
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=110)
    return path


PLOTS = (
    Plot("latency-host.json", "Stages of a verdict, a bar for each photo and model", draw_latency),
    Plot(
        "scale-host.json", "Cost of a verdict over pixels, views, threads, processes and photos", draw_scale
    ),
    Plot("peers-host.json", "Share of pairs in order by fault: Edge IQA and others", plot_order),
    Plot("simulated-host.json", "Simulated against measured times, and the band of 30 %", draw_agreement),
)


def write_plots(folder: Path) -> list[Path]:
    """Draw what is missing or drawn from another result; returns what was written."""
    written = []
    for plot in find_stale(folder):
        content = (folder / plot.source).read_bytes()
        with tempfile.TemporaryDirectory() as made:
            picture = plot.draw(Path(made) / plot.name, json.loads(content)).read_bytes()
        written.append(write_bytes(folder / plot.name, add_text(picture, KEY, _hash(content))))
    return written


def find_stale(folder: Path) -> list[Plot]:
    """Plots of results that are there, which are missing or were drawn from another content."""
    return [plot for plot in PLOTS if (folder / plot.source).is_file() and _drawn_from(folder, plot) is None]


def tell_plot(folder: Path, source: str) -> list[str]:
    """Lines of Markdown that show the plot of a result; none where it has none."""
    plots = [plot for plot in PLOTS if plot.source == source and (folder / plot.source).is_file()]
    return [line for plot in plots for line in ("", f"![{plot.alt}]({folder.name}/{plot.name})")]


def _drawn_from(folder: Path, plot: Plot) -> str | None:
    """Hash of the result that a plot was drawn from, where that is the one that lies there."""
    wanted = _hash((folder / plot.source).read_bytes())
    try:
        text = read_texts((folder / plot.name).read_bytes())
    except (OSError, DataError):
        return None
    return wanted if text.get(KEY) == wanted else None


def read_texts(png: bytes) -> dict[str, str]:
    """Texts that a PNG carries in chunks of the kind `tEXt` (PNG specification, third edition, 11.3.3.2).

    Raises:
        DataError: it is no PNG, or ends too early.
    """
    at, texts = 8, {}
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise DataError("expected a PNG, got something else")
    while png[at + 4 : at + 8] != b"IEND":
        length = int.from_bytes(png[at : at + 4], "big")
        if at + 12 + length > len(png):
            raise DataError("expected a PNG that is whole, got one that ends too early")
        if png[at + 4 : at + 8] == b"tEXt":
            key, _, text = png[at + 8 : at + 8 + length].partition(b"\0")
            texts[key.decode("latin-1")] = text.decode("latin-1")
        at += 12 + length
    return texts


def add_text(png: bytes, key: str, text: str) -> bytes:
    """A PNG with one more such text, behind its header."""
    body = b"tEXt" + key.encode("latin-1") + b"\0" + text.encode("latin-1")
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    header = 8 + 12 + int.from_bytes(png[8:12], "big")
    return png[:header] + chunk + png[header:]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _p50(row: Mapping[str, Any], stage: str) -> float:
    return float(row["stages"][stage]["p50_ms"]["value"])
