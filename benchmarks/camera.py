"""Does the camera say what is so, in time? `python benchmarks/camera.py`

Films with known camera motion, focus, light and rolling shutter (`compression.footage`) are watched by
`Inspector.watch`, and what is said of each frame is held to its truth: the state, the hint, the frame that `best`
gives. Then 1080p NV12 frames are pushed at 30 a second, and many more as fast as they are taken: answers in time, CPU,
memory. Films that were watched are kept in `--runs`, so a run that was stopped goes on. Writes a
result of each part, such as `camera-states-host.json`, and a picture of one film.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.accuracy import show
from benchmarks.camera_cases import Case, Choice, Task, open_inspector, watch_here
from benchmarks.camera_load import Load, Memory, Played, run_load, run_memory
from benchmarks.camera_plot import plot_film
from benchmarks.camera_states import confuse, judge_hints, judge_states, list_confusions
from benchmarks.figures import Figure
from benchmarks.fixes import hash_code
from compression.command import positive, run_command, some_of
from compression.footage import FPS, seeds
from compression.metrics import Estimate, estimate, estimate_share
from compression.progress import console, track
from edge_iqa import machine
from edge_iqa.backends.base import cores
from edge_iqa.errors import DataError
from edge_iqa.files import write_json

HERE = Path(__file__).resolve().parent
PARTS = ("states", "best", "load", "memory")
FILES = {part: f"camera-{part}-host.json" for part in PARTS}
_WHAT = {
    "states": "states and hints of films with known truth, watched by Inspector.watch",
    "best": "the frame that Watch.best gives of films with known truth",
    "load": "1080p NV12 frames pushed into a feed at 30 a second, all threads on one core",
    "memory": "memory while frames are watched one after the other",
}
IN_TIME_MS = 33.0
NEAR = 0.03
"""A chosen frame whose label is this near to the best is as good."""
_CODE = ("edge_iqa", "benchmarks/camera_cases.py", "benchmarks/camera_states.py", "compression")
_MB = 1e6


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="camera.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=positive, default=100, help="films to watch (%(default)s)")
    parser.add_argument(
        "--seeds", choices=("development", "held out"), default="held out",
        help="whoever tunes uses development films; what is published comes from held-out ones (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--first", type=int, default=0, help="films to leave out before (%(default)s)")
    parser.add_argument(
        "--parts", type=some_of(PARTS), default=PARTS, help=f"what to measure, of {','.join(PARTS)} (all)"
    )
    parser.add_argument("--width", type=positive, default=1920, help="of a frame as stored (%(default)s)")
    parser.add_argument("--height", type=positive, default=1080, help="of a frame as stored (%(default)s)")
    parser.add_argument(
        "--load-frames", type=positive, default=3000, help="frames pushed in real time (%(default)s)"
    )
    parser.add_argument(
        "--memory-frames", type=positive, default=100_000, help="frames watched for memory (%(default)s)"
    )
    parser.add_argument("--bundle", type=Path, help="folder of a bundle (the one that edge_iqa ships)")
    parser.add_argument("--jobs", type=positive, default=cores(), help="processes for films (%(default)s)")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/camera"), help="folder for films (%(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=HERE / "results", help="folder of the result (%(default)s)"
    )
    return run_command(bench, parser.parse_args(argv))


def bench(options: argparse.Namespace) -> None:
    """Watch, judge, measure, write a result of each part, print the tables."""
    measure = {
        "states": _measure_states,
        "best": _measure_best,
        "load": _measure_load,
        "memory": _measure_memory,
    }
    for part in (part for part in PARTS if part in options.parts):
        found, details = measure[part](options)
        result = {
            "what": _WHAT[part],
            "seeds": options.seeds,
            **details,
            "figures": [figure.to_dict() for figure in found],
            "code_sha256": hash_code(HERE.parent, _CODE),
            "machine": machine.describe(),
        }
        path = write_json(options.out / FILES[part], result)
        show(found)
        console.print(f"wrote {path}")


def _measure_states(options: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    cases = _watch(options)
    films = [case.frames for case in cases]
    table = confuse(films)
    for kind, truth, called, count in list_confusions(table):
        console.print(f"{count:6d} frames in {kind}: {called} for {truth}")
    console.print(f"wrote {plot_film(options.out / 'camera-film.png', _pick(cases))}")
    return [*judge_states(films), *judge_hints(films, FPS)], {**_describe(options, cases), "confusion": table}


def _measure_best(options: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    cases = _watch(options)
    choices = [case.choice for case in cases if case.choice is not None]
    details = [
        {"film": c.film, "frame": c.index, "label": c.chosen, "best": c.best, "allowed": sorted(c.allowed)}
        for c in choices
    ]
    without = len(cases) - len(choices)
    return judge_choices(choices) if choices else [], {
        **_describe(options, cases),
        "without_a_sound_frame": without,
        "choices": details,
    }


def _measure_load(options: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    load = run_load(Played(options.load_frames, (1920, 1080), 240, *_source(options)))
    return judge_load(load), {**_summarize(load), "cores": 1}


def _measure_memory(options: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    memory = run_memory(Played(options.memory_frames, (1280, 720), 300, *_source(options)))
    held = memory.held_bytes[:: max(1, len(memory.held_bytes) // 50)]
    return judge_memory(memory), {**vars(memory), "held_bytes": held}


def _describe(options: argparse.Namespace, cases: Sequence[Case]) -> dict[str, Any]:
    """The films that were watched."""
    grounds = [case.background for case in cases]
    return {
        "first": options.first,
        "films": len(cases),
        "frames": sum(len(case.frames) for case in cases),
        "size": [options.width, options.height],
        "backgrounds": {name: grounds.count(name) for name in sorted(set(grounds))},
    }


def _source(options: argparse.Namespace) -> tuple[int, Path | None]:
    """The film whose frames are played again and again, and the bundle."""
    return seeds(options.seeds).start + 900_000, options.bundle


def _pick(cases: Sequence[Case]) -> Case:
    """The film with most kinds of segments."""
    return max(cases, key=lambda case: len({frame.kind for frame in case.frames}))


def _watch(options: argparse.Namespace) -> list[Case]:
    """All films in their order; those that an earlier run watched with the same code are read."""
    every = seeds(options.seeds)
    if options.first < 0 or options.first + options.films > 900_000:
        raise DataError(
            f"--first {options.first}, --films {options.films}: expected 0 to 900,000 films in all"
        )
    wanted = every[options.first : options.first + options.films]
    labelled = "best" in options.parts
    tasks = [Task(seed, options.width, options.height, labelled) for seed in wanted]
    bundle = None if options.bundle is None else options.bundle / "manifest.json"
    key = f"{hash_code(HERE.parent, _CODE)} {bundle and hashlib.sha256(bundle.read_bytes()).hexdigest()}"
    folder = options.runs / hashlib.sha256(key.encode()).hexdigest()[:16]
    paths = {
        task: folder / f"{task.seed}-{task.width_px}x{task.height_px}-{int(labelled)}.json" for task in tasks
    }
    missing = [task for task in tasks if not paths[task].exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for task, case in zip(missing, track(_run(missing, options), len(missing), "films"), strict=True):
        write_json(paths[task], case.to_dict())
    return [Case.from_dict(json.loads(paths[task].read_text())) for task in tasks]


def _run(tasks: Sequence[Task], options: argparse.Namespace) -> Iterator[Case]:
    if options.jobs == 1 or len(tasks) < 2:
        open_inspector(options.bundle)
        yield from map(watch_here, tasks)
        return
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), open_inspector, (options.bundle,)) as pool:
        yield from pool.map(watch_here, tasks)


def judge_choices(choices: Sequence[Choice]) -> list[Figure]:
    """Whether the chosen frames are as good as the best there were."""
    names = [choice.film for choice in choices]
    sound = np.array([choice.is_sound for choice in choices])
    # a frame that is cut off or too far may have the better label, which knows nothing of framing: it is a miss
    near = sound & np.array([choice.chosen >= choice.best - NEAR for choice in choices])
    lost = np.array([choice.best - choice.chosen for choice in choices])
    return [
        Figure(f"best frame within {NEAR} of the best label", estimate_share(near, names), 0.95),
        Figure("best frame is still and has no fault", estimate_share(sound, names)),
        Figure("label lost by the choice, mean", estimate(lambda at: float(lost[at].mean()), names)),
    ]


def judge_load(load: Load) -> list[Figure]:
    """Answers in time among all frames pushed, those that were dropped included."""
    waits, times = np.array(load.waits_ms), np.array(load.times_ms)
    in_time = np.zeros(load.pushed, bool)
    in_time[: int((waits <= IN_TIME_MS).sum())] = True
    each = [str(index) for index in range(load.pushed)]
    cpu = Estimate(load.cpu_cores, load.cpu_cores, load.cpu_cores, load.answered)
    quantiles = [(f"{name}, p{at}, ms", _quantile(values, at)) for name, values in
                 (("push to answer", waits), ("time_ms", times)) for at in (50, 99)]  # fmt: skip
    return [
        Figure(
            "1080p at 30 fps: frames answered within 33 ms",
            estimate_share(in_time, each, resamples=200),
            0.99,
        ),
        Figure(
            "1080p at 30 fps: answered frames that were measured",
            Estimate(load.measured, load.measured, load.measured, load.answered),
        ),
        Figure("1080p at 30 fps: CPU, cores", cpu, 0.5, at_least=False, point=True),
        *(Figure(f"1080p at 30 fps: {what}", value) for what, value in quantiles),
    ]


def _quantile(values: np.ndarray, at: int) -> Estimate:
    """A quantile with its interval from order statistics."""
    ordered, share = np.sort(values), at / 100
    low, high = stats.binom.ppf((0.025, 0.975), len(values), share).astype(int).clip(0, len(values) - 1)
    return Estimate(float(np.quantile(values, share)), float(ordered[low]), float(ordered[high]), len(values))


def _summarize(load: Load) -> dict[str, Any]:
    return {name: value for name, value in vars(load).items() if name not in ("waits_ms", "times_ms")}


def judge_memory(memory: Memory) -> list[Figure]:
    """Memory above what was held after the warm-up, and its trend (Theil 1950, Sen 1968: robust against steps)."""
    held = np.array(memory.held_bytes) / _MB
    added = float(held.max() - held[0])
    at = np.arange(len(held)) * memory.step / 100_000
    slope, _, low, high = stats.theilslopes(held, at)
    return [
        Figure(
            f"memory added over {memory.frames:,} frames, MB",
            Estimate(added, added, added, len(held)), 5.0, at_least=False, point=True,
        ),
        Figure(
            "trend of memory, MB in 100,000 frames",
            Estimate(float(slope), float(low), float(high), len(held)), 1.0, at_least=False,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
