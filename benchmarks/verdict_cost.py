"""What does a whole verdict cost: time beside decoding alone, memory beside the pixels, time beside CleanVision?

    python benchmarks/verdict_cost.py                          drawn photos and examples of 12 and 48 megapixels
    python benchmarks/verdict_cost.py --clock cpu              on a machine that others use too
    python benchmarks/verdict_cost.py --photos DIR --only time your photos, their time alone

Time: from a JPEG's bytes to the report with a policy, on one thread, against OpenCV's full decode of the same bytes
alone, in turns; also without the model, whose time depends on whether the processor multiplies 8-bit numbers fast.
Memory: the most that one verdict of a photo of 48 megapixels takes beyond what the process holds anyway, in a process
of its own.
CleanVision checks the same photos in turns with ours, in an environment of its own; the first time it is installed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import large_photos
from benchmarks.peak_memory import Peak, measure_peak
from benchmarks.peer_tools.environments import prepare
from benchmarks.peer_tools.registry import find
from benchmarks.peer_tools.session import Session
from benchmarks.photos import Photo, read_photos
from benchmarks.progress import Progress
from benchmarks.recalled import Recalled
from benchmarks.verdict_cost_screen import print_result
from compression.command import positive, run_command
from edge_iqa import Inspector, Report, machine, opencv, timing
from edge_iqa.errors import DataError
from edge_iqa.files import make_folder, write_json
from edge_iqa.inspector import STAGES

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples" / "photos"
CACHE = HERE.parent / ".cache"
SMALL = EXAMPLES / "mug.jpg"
LARGE_EXAMPLE = EXAMPLES / "bag-12mp.jpg"

WARMUP = 2
REPEATS = 40
CHECKS = 8
"""Rounds with CleanVision, which takes a second a photo; an interval needs six."""
MEMORY_RUNS = 3

POLICIES = ("amazon-main", "general")
PARTS = ("time", "memory", "cleanvision")
DECODE = "opencv's full decode"
CLOCKS: dict[str, Callable[[], int]] = {"wall": time.perf_counter_ns, "cpu": time.thread_time_ns}
"""wall: what a user waits. cpu: what the one thread ran, the fairer one beside other work."""

MOST_TIME, LEAST_FASTER = 0.8, 8.0
MOST_MEMORY = {"baseline.jpg": 0.6, "progressive.jpg": None, "png": 1.6}
"""Times the photo's pixels, three bytes each; a progressive JPEG keeps all its coefficients, whatever one does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="verdict_cost.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--photos", nargs="+", type=Path, help="folders or files to time (an example and drawn ones, 12 MP)")
    add("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    add("--backend", help="runtime of the model (what is installed, LiteRT first)")
    add("--only", nargs="+", choices=PARTS, default=PARTS, help="which parts (all)")
    add("--repeats", type=positive, default=REPEATS, help="rounds a photo (%(default)s)")
    add("--checks", type=positive, default=CHECKS, help="rounds with CleanVision (%(default)s)")
    add("--clock", choices=sorted(CLOCKS), default="wall", help="cpu on a busy machine (%(default)s)")
    add("--cache", type=Path, default=CACHE, help="folder of drawn photos and CleanVision (.cache)")
    add("--out", type=Path, default=HERE / "results", help="folder for the result")
    return run_command(run, parser.parse_args(argv))


def run(options: argparse.Namespace) -> None:
    """Measure, print, write.

    Raises:
        EdgeIqaError: the bundle or the photos cannot be read.
    """
    make_folder(options.out, "--out")
    paths = options.photos or [LARGE_EXAMPLE, *large_photos.draw_twelve(options.cache / "verdict-cost")]
    photos = read_photos(paths)
    opencv.load().setNumThreads(1)
    watch = machine.Watch()
    with Inspector.open(options.bundle, options.backend, threads=1) as inspector:
        timed = measure_times(inspector, photos, options) if "time" in options.only else []
        beside = measure_beside(inspector, paths, options) if "cleanvision" in options.only else None
        facts, usage = machine.describe(), watch.read()
        result = {
            "kind": "verdict-cost",
            "device": "host",
            "settings": {
                "threads": 1,
                "clock": options.clock,
                "repeats": options.repeats,
                "checks": options.checks,
                "confidence": timing.CONFIDENCE,
            },
            "machine": facts,
            "usage": usage.to_dict(),
            "warnings": usage.warnings(facts),
            "versions": {
                "opencv": opencv.load().__version__,
                "numpy": np.__version__,
                "backend": inspector.backend.version,
            },
            "bundle": {
                "label": inspector.bundle.label,
                "manifest_sha256": inspector.bundle.manifest_sha256,
            },
            "time": timed,
            "cleanvision": beside,
            "memory": measure_memory(options) if "memory" in options.only else [],
        }
    print_result(result)
    print(f"written to {write_json(options.out / 'verdict-cost-host.json', result)}")


def measure_times(
    inspector: Inspector, photos: Sequence[Photo], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Each photo: its verdicts against decoding it, in turns."""
    told = []
    for index, photo in enumerate(photos, 1):
        progress = Progress(f"{photo.name} ({index} of {len(photos)})", WARMUP + options.repeats)
        recorded = timing.measure_interleaved(
            make_tasks(inspector, photo),
            warmup=WARMUP,
            repeats=options.repeats,
            read_stages=_read_stages,
            on_round=progress.on_round,
            clock=CLOCKS[options.clock],
        )
        report = inspector.inspect(photo.data)
        size = {"width_px": report.width_px, "height_px": report.height_px, "bytes": len(photo.data)}
        told.append({"name": photo.name, **size, "sha256": photo.sha256, **describe_times(recorded)})
    return told


def make_tasks(inspector: Inspector, photo: Photo) -> dict[str, Callable[[], object]]:
    """What is timed: decoding alone, and the verdict by each policy, with the model and without."""
    cv2 = opencv.load()
    coded = np.frombuffer(photo.data, np.uint8)
    if cv2.imdecode(coded, cv2.IMREAD_COLOR) is None:
        raise DataError(f"{photo.name}: OpenCV does not decode it; give JPEGs")
    recalled = Inspector(inspector.bundle, Recalled(inspector.backend))
    tasks: dict[str, Callable[[], object]] = {DECODE: lambda: cv2.imdecode(coded, cv2.IMREAD_COLOR)}
    for policy in POLICIES:
        tasks[policy] = lambda policy=policy: inspector.inspect(photo.data, policy=policy)  # type: ignore[misc]
    tasks["without model"] = lambda: recalled.inspect(photo.data, policy=POLICIES[0])
    return tasks


def describe_times(recorded: Mapping[str, timing.Recording]) -> dict[str, Any]:
    """Times, ratios to decoding with their bounds, and the stages of a verdict."""
    decode_ms = recorded[DECODE].whole_ms
    stages = recorded[POLICIES[0]].stages_ms
    return {
        "decode": timing.summarize(decode_ms).to_dict(),
        "verdicts": {
            name: {
                **timing.summarize(each.whole_ms).to_dict(),
                "over_decode": compare(
                    each.whole_ms, decode_ms, MOST_TIME if name in POLICIES else None, at_least=False
                ),
            }
            for name, each in recorded.items()
            if name != DECODE
        },
        "stages_wall_ms": {stage: float(np.median(samples)) for stage, samples in stages.items()},
    }


def compare(
    above: Sequence[float] | np.ndarray,
    below: Sequence[float] | np.ndarray,
    bound: float | None,
    at_least: bool,
) -> dict[str, Any]:
    """One ratio within rounds; a bound holds for the worse end of its interval, and is not held where there is none."""
    estimate = timing.ratio(above, below)
    held = None
    if bound is not None:
        held = estimate is not None and (estimate.low >= bound if at_least else estimate.high <= bound)
    return {
        "estimate": None if estimate is None else asdict(estimate),
        "bound": None if bound is None else f"{'>=' if at_least else '<='} {bound:g}",
        "held": held,
    }


def measure_beside(
    inspector: Inspector, sources: Sequence[Path], options: argparse.Namespace
) -> dict[str, Any]:
    """All photos by CleanVision and by us, from their files, in turns; why not, where it cannot be installed."""
    paths = [
        path
        for source in sources
        for path in (sorted(source.rglob("*.jp*g")) if source.is_dir() else [source])
    ]
    try:
        peer = find("cleanvision")
        environment = prepare(peer, options.cache / "peers" / "environments")
    except DataError as error:
        return {"missing": str(error)}
    theirs: list[float] = []
    ours: list[float] = []
    clock, key = CLOCKS[options.clock], f"{options.clock}_ns"
    with Session(peer.title, environment.python, peer.scorer) as session:
        progress = Progress("beside CleanVision", 1 + options.checks)
        for done in range(1 + options.checks):
            start = clock()
            for path in paths:
                inspector.inspect(path, policy=POLICIES[0])
            ours.append((clock() - start) * 1e-6)
            theirs.append(getattr(session.ask(paths), key) * 1e-6)
            progress.on_round(done + 1)
    return {
        "version": peer.version,
        "photos": len(paths),
        "policy": POLICIES[0],
        "ours": timing.summarize(ours[1:]).to_dict(),
        "theirs": timing.summarize(theirs[1:]).to_dict(),
        "theirs_over_ours": compare(theirs[1:], ours[1:], LEAST_FASTER, at_least=True),
    }


def measure_memory(options: argparse.Namespace) -> list[dict[str, Any]]:
    """A photo of 48 megapixels in each format, some times; the most of them counts."""
    paths = large_photos.draw_large(options.cache / "verdict-cost")
    progress = Progress("memory", MEMORY_RUNS * len(paths))
    told = []
    for index, (name, path) in enumerate(paths.items()):
        peaks = []
        for run_index in range(MEMORY_RUNS):
            peaks.append(measure_peak(SMALL, path, POLICIES[0], options.bundle))
            progress.on_round(index * MEMORY_RUNS + run_index + 1)
        told.append(describe_memory(name, peaks, MOST_MEMORY[name]))
    return told


def describe_memory(name: str, peaks: Sequence[Peak], bound: float | None) -> dict[str, Any]:
    """The largest of some peaks, and whether it holds the bound."""
    worst = max(peaks, key=lambda peak: peak.over_pixels)
    return {
        "format": name,
        "n": len(peaks),
        **asdict(worst),
        "over_pixels": worst.over_pixels,
        "least_over_pixels": min(peak.over_pixels for peak in peaks),
        "bound": None if bound is None else f"< {bound:g}",
        "held": None if bound is None else worst.over_pixels < bound,
    }


def _read_stages(result: object) -> dict[str, float]:
    """Stages of a report; none of what decoding alone gives."""
    return {stage: result.timing_ms[stage] for stage in STAGES} if isinstance(result, Report) else {}


if __name__ == "__main__":
    raise SystemExit(main())
