"""What watching costs: answers in time, CPU and memory, in a process of its own.

    python -m benchmarks.camera_load load --frames 3000
    python -m benchmarks.camera_load memory --frames 100000

Frames are rendered beforehand and played to and fro. `load`: a thread pushes them into a `Feed` at 30 a second,
`memory`: they are given one after the other, as fast as they are taken. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from compression.command import positive
from compression.footage import FPS, Film
from edge_iqa import Inspector, machine, opencv
from edge_iqa.errors import DataError
from edge_iqa.stream.buffer import Buffer
from edge_iqa.stream.sources import Feed

_ROOT = Path(__file__).resolve().parent.parent
_KINDS = ("wander", "background", "defocus", "dark", "far")
_WARM_UP = 90
"""Frames before the clock starts: three seconds."""
_SAMPLE_FRAMES = 1000
_WARM_UP_SAMPLES = 3


@dataclass(frozen=True)
class Load:
    """A feed of 30 frames a second.

    Attributes:
        pushed: frames that were pushed after the warm-up.
        answered: frames that were answered.
        dropped: frames that the watch passed over.
        waits_ms: from a frame's push to its answer, one each.
        times_ms: `FrameReport.time_ms`, one each.
        measured: share of the answered frames that were measured, not only looked at for motion.
        measured_first: the same of the first three seconds after the start.
        first_ms: from the first frame's push to its answer, while memory and libraries are cold.
        cpu_cores: CPU time of the process less the pushing thread's, over wall time.
        states: frames by state.
        usage: who used the machine.
    """

    pushed: int
    answered: int
    dropped: int
    waits_ms: list[float]
    times_ms: list[float]
    measured: float
    measured_first: float
    first_ms: float
    cpu_cores: float
    states: dict[str, int]
    usage: dict[str, float | None]


@dataclass(frozen=True)
class Memory:
    """Memory that the process held, in bytes, after the warm-up and then every `step` frames."""

    step: int
    held_bytes: list[int]
    frames: int
    wall_s: float


@dataclass(frozen=True)
class Played:
    """What is watched.

    Attributes:
        frames: to watch.
        size: width and height of a frame.
        rendered: different frames that are played to and fro.
        seed: of the film that they come from.
        bundle: None: the one that edge_iqa ships.
    """

    frames: int
    size: tuple[int, int]
    rendered: int
    seed: int
    bundle: Path | None = None


def run_load(played: Played) -> Load:
    """Measure answers and CPU in a new process.

    Raises:
        DataError: the process failed; with what it said.
    """
    return Load(**_run("load", played))


def run_memory(played: Played) -> Memory:
    """Measure memory in a new process; errors as `run_load`."""
    return Memory(**_run("memory", played))


def _run(what: str, played: Played) -> dict[str, Any]:
    command = [
        sys.executable, "-m", "benchmarks.camera_load", what,
        "--frames", str(played.frames), "--seed", str(played.seed),
        "--width", str(played.size[0]), "--height", str(played.size[1]),
        "--rendered", str(played.rendered),
        *(() if played.bundle is None else ("--bundle", str(played.bundle))),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise DataError(
            f"the camera's {what} could not be measured: the process ended with {done.returncode}"
        )
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main(argv: Sequence[str] | None = None) -> int:
    """Measure in this process and print JSON; progress goes to the error stream."""
    parser = argparse.ArgumentParser(
        prog="camera_load.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("load", "memory"))
    parser.add_argument("--frames", type=positive, default=3000, help="to watch (%(default)s)")
    parser.add_argument("--rendered", type=positive, default=240, help="different ones (%(default)s)")
    parser.add_argument("--seed", type=positive, default=1_000_000, help="of the film (%(default)s)")
    parser.add_argument("--width", type=positive, default=1920, help="(%(default)s)")
    parser.add_argument("--height", type=positive, default=1080, help="(%(default)s)")
    parser.add_argument("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    options = parser.parse_args(argv)
    opencv.load().setNumThreads(1)
    buffers = _render(options)
    _stay_on_one_core()
    with Inspector.open(options.bundle, threads=1) as inspector:
        run = measure_load if options.what == "load" else measure_memory
        print(json.dumps(asdict(run(inspector, buffers, options.frames))))
    return 0


def _render(options: argparse.Namespace) -> list[Buffer]:
    """Frames spread over all of a film in stretches of 30, so that there are stills, moves and faults."""
    film = Film(options.seed, options.width, options.height, _KINDS, rotation_deg=0)
    share = min(1.0, options.rendered / len(film))
    buffers = []
    for index in range(len(film)):
        if index % 60 < 60 * share:
            _tell(f"rendered {len(buffers)} of {options.rendered} frames")
            buffers.append(film.shoot(index))
    return buffers[: options.rendered]


def _stay_on_one_core() -> None:
    """The thread that judges, the one of the model and the one that pushes share a core, where the system lets them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def play(buffers: Sequence[Buffer]) -> Iterator[Buffer]:
    """To and fro, without end, with times of 30 frames a second."""
    order = [*range(len(buffers)), *range(len(buffers) - 2, 0, -1)] or [0]
    count = 0
    while True:
        for at in order:
            yield replace(buffers[at], time_s=count / FPS)
            count += 1


class Pusher(threading.Thread):
    """Pushes a frame into a feed each 1/30 s, on a schedule that does not drift, and then closes it.

    Attributes:
        pushed_s: when each frame was pushed, by `time.perf_counter`.
        cpu_s: CPU time of this thread.
    """

    def __init__(self, feed: Feed, buffers: Sequence[Buffer], frames: int) -> None:
        super().__init__(daemon=True)
        self._feed, self._frames, self._buffers = feed, frames, buffers
        self.pushed_s: list[float] = []
        self.cpu_s = 0.0

    def run(self) -> None:
        start = time.perf_counter()
        for index, buffer in enumerate(islice(play(self._buffers), self._frames)):
            time.sleep(max(0.0, start + index / FPS - time.perf_counter()))
            self.pushed_s.append(time.perf_counter())
            self._feed.push(buffer)
            self.cpu_s = time.thread_time()
        time.sleep(0.5)
        self._feed.close()


def measure_load(inspector: Inspector, buffers: Sequence[Buffer], frames: int) -> Load:
    """Watch a feed in real time."""
    feed = Feed()
    pusher = Pusher(feed, buffers, frames + _WARM_UP)
    waits_ms: list[float] = []
    times_ms: list[float] = []
    states: dict[str, int] = {}
    dropped = dropped_before = 0
    is_measured: list[bool] = []
    first_ms = 0.0
    start = end = (0.0, 0.0, 0.0)
    others = machine.Watch()
    with inspector.watch(feed) as watch:
        pusher.start()
        for report in watch:
            now = time.perf_counter()
            if not is_measured:
                first_ms = 1000 * (now - pusher.pushed_s[report.index])
            is_measured.append("measure" not in report.skipped)
            if report.index < _WARM_UP:
                dropped_before = report.dropped
                continue
            end = now, time.process_time(), pusher.cpu_s
            if not waits_ms:
                start, others = end, machine.Watch()
            waits_ms.append(1000 * (now - pusher.pushed_s[report.index]))
            times_ms.append(report.time_ms)
            states[report.state] = states.get(report.state, 0) + 1
            dropped = report.dropped - dropped_before
            if len(waits_ms) % 300 == 0:
                _tell(f"watched {len(waits_ms)} of {frames} frames")
    usage = others.read().to_dict()
    pusher.join()
    wall, own, pushing = (last - first for first, last in zip(start, end, strict=True))
    if not wall:
        raise DataError("expected answers to the frames that were pushed, got none")
    return Load(
        pushed=frames,
        answered=len(waits_ms),
        dropped=dropped,
        waits_ms=waits_ms,
        times_ms=times_ms,
        measured=sum(is_measured[-len(waits_ms) :]) / len(waits_ms),
        measured_first=sum(is_measured[: -len(waits_ms)]) / max(1, len(is_measured) - len(waits_ms)),
        first_ms=first_ms,
        cpu_cores=(own - pushing) / wall,
        states=states,
        usage=usage,
    )


def measure_memory(inspector: Inspector, buffers: Sequence[Buffer], frames: int) -> Memory:
    """Watch frames as fast as they are taken, and read now and then what the process holds."""
    step = max(1, min(_SAMPLE_FRAMES, frames // 20))
    # all that is kept of a stream has been filled once when each frame was seen twice
    first = step * max(_WARM_UP_SAMPLES, -(-4 * len(buffers) // step))
    total = first + frames
    held: list[int] = []
    begin = time.perf_counter()
    with inspector.watch(islice(play(buffers), total)) as watch:
        for count, _ in enumerate(watch, 1):
            if count % step == 0 and count >= first:
                held.append(_read_held())
                _tell(f"watched {count} of {total} frames, {held[-1] / 1e6:.1f} MB held")
    return Memory(step, held, frames, time.perf_counter() - begin)


def _read_held() -> int:
    """Resident memory of this process, as Linux tells."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _tell(text: str) -> None:
    print(f"\r{text} ", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
