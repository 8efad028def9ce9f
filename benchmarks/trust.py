"""Can figures of `latency.py` be trusted? It is measured itself: `python benchmarks/trust.py`, on a quiet machine.

again       the same bundle ten times in a row: how many runs are valid, and how far apart are their p50s
told        is a slowdown of 10 % told by --compare, and is none told between two runs of the same thing
disturbed   is a run beside a busy loop, on a throttled clock (simulated), with swap in use (simulated) always INVALID
overhead    how much longer rounds take in the bench than in a bare loop

Each run is a process of its own, as somebody would start it. Writes `trust-PART-host.json`.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import comparing, trust_runs, yardstick
from benchmarks.accuracy import show
from benchmarks.conditions import Probe, read_cores
from benchmarks.device import Bounds
from benchmarks.figures import Figure
from benchmarks.latency_options import EXAMPLES, RESULTS
from benchmarks.latency_record import tell_model
from benchmarks.pinning import pin
from benchmarks.progress import Progress
from benchmarks.result_file import describe_shipped, mark_look
from benchmarks.sampler import Sampler
from benchmarks.system import System
from benchmarks.trust_runs import Setup
from compression.command import positive, run_command, some_of
from compression.metrics import Estimate, estimate_pair_share, estimate_share
from compression.progress import console, track
from edge_iqa import Inspector, machine, opencv, timing
from edge_iqa.errors import DataError
from edge_iqa.files import make_folder, write_json
from edge_iqa.inspector import STAGES

PARTS = ("again", "told", "disturbed", "overhead")
SLOWDOWN = 0.10
PHOTO = EXAMPLES / "mug.jpg"
SHORT = ("--photos", str(PHOTO), "--backend", "litert", "--opencv-threads", "1")
"""One photo, one model: what one run of many measures."""
_BLOCK = 3
"""Rounds that the bench and the bare loop take in turns."""
_WARMUP = 3
"""Blocks."""
Measured = tuple[list[Figure], dict[str, Any]]


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        prog="trust.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--parts", type=some_of(PARTS), default=PARTS, help=f"of {','.join(PARTS)} (all)")
    add("--runs", type=positive, default=10, help="of `again` (%(default)s)")
    add("--repeats", type=positive, default=150, help="rounds of each photo of `again` (%(default)s)")
    add(
        "--pairs",
        type=positive,
        default=30,
        help="of runs, for `told` (%(default)s; 72, all of them right, tell 95 %%)",
    )
    add("--times", type=positive, default=10, help="each disturbance, and no disturbance (%(default)s)")
    add("--blocks", type=positive, default=400, help=f"of {_BLOCK} rounds, for `overhead` (%(default)s)")
    add("--out", type=Path, default=RESULTS, help="folder of the results (benchmarks/results)")
    options = parser.parse_args(argv)
    needed = {
        "again": ("runs", "repeats"),
        "told": ("pairs",),
        "disturbed": ("times",),
        "overhead": ("blocks",),
    }
    options.looks = {part: mark_look(options, parser, *names) for part, names in needed.items()}
    return run_command(bench, options)


def bench(options: argparse.Namespace) -> None:
    """Measure each part, write its result, print its table."""
    make_folder(options.out, "--out")
    parts: Mapping[str, Callable[[argparse.Namespace], Measured]] = {
        "again": _measure_again,
        "told": _measure_told,
        "disturbed": _measure_disturbed,
        "overhead": _measure_overhead,
    }
    for part in (part for part in PARTS if part in options.parts):
        watch = machine.Watch()
        figures, details = parts[part](options)
        usage = watch.read()
        result = {
            "kind": f"trust-{part}",
            "schema": 1,
            "device": "host",
            "bundle": describe_shipped(),
            **details,
            "figures": [each.to_dict() for each in figures],
            "machine": machine.describe(),
            "load_1min_before": usage.load_1min_before,
            "others_cores": usage.others_cores,
        }
        path = write_json(options.out / f"trust-{part}-host{options.looks[part]}.json", result)
        show(figures)
        console.print(f"wrote {path}")


def _measure_again(options: argparse.Namespace) -> Measured:
    fewest = timing.fewest(0.5)
    if options.repeats < fewest:
        raise DataError(f"--repeats: a median with an interval needs {fewest} rounds, got {options.repeats}")
    setup = Setup(("--repeats", str(options.repeats)))
    results = [
        trust_runs.run(setup) for _ in track(iter(range(options.runs)), options.runs, "runs of the same")
    ]
    told = [
        {
            "valid": each["valid"],
            "invalid": each["invalid"],
            "p50_ms": read_p50(each),
            "drifts": _drifts(each),
        }
        for each in results
    ]
    valid = np.array([each["valid"] for each in results])
    figures = [
        Figure("runs of the same bundle that are valid", _share(valid), 0.8, point=True),
        Figure(
            "p50s of valid runs, the slowest over the fastest, less 1: whole of a model, all photos",
            find_spread([read_p50(each, comparing.ALL) for each in results if each["valid"]]),
            0.03,
            at_least=False,
            point=True,
        ),
        Figure(
            "the same of the model and photo that is worst",
            find_spread([read_p50(each) for each in results if each["valid"]]),
            at_least=False,
        ),
        Figure(
            "pairs of valid runs of which --compare tells nothing, on any photo or model",
            _share_of_pairs(
                list(combinations([each for each in results if each["valid"]], 2)), _is_told, False
            ),
        ),
    ]
    return figures, {"runs": options.runs, "repeats": options.repeats, "results": told}


def read_p50(result: Mapping[str, Any], photo: str | None = None) -> dict[str, float]:
    """p50 of the whole, by photo and model; of each model over all photos (geometric mean) for `ALL`."""
    found: dict[str, list[float]] = {}
    for row in result["results"]:
        name = f"{photo or row['photo']}, {tell_model(row)}"
        found.setdefault(name, []).append(row["stages"]["whole"]["p50_ms"]["value"])
    return {name: float(np.exp(np.mean(np.log(each)))) for name, each in found.items()}


def find_spread(p50s: Sequence[Mapping[str, float]]) -> Estimate | None:
    """How far apart the p50s of several runs are: the worst of what they measured; None for fewer than two."""
    if len(p50s) < 2:
        return None
    spreads = [max(each[name] for each in p50s) / min(each[name] for each in p50s) - 1 for name in p50s[0]]
    return Estimate(max(spreads), max(spreads), max(spreads), len(p50s))


def _drifts(result: Mapping[str, Any]) -> dict[str, float | None]:
    found = {each["name"]: each["drift"]["share"] for each in result["photos"]}
    return {name: share and share["value"] for name, share in found.items()}


def _measure_told(options: argparse.Namespace) -> Measured:
    """Runs of the same thing, and slowed ones between them, until there are enough valid pairs of both kinds."""
    setup = Setup((*SHORT, "--repeats", "150"))
    slowed = Setup(setup.options, slowed=SLOWDOWN)
    same: list[dict[str, Any]] = []
    slow: list[dict[str, Any]] = []
    invalid = 0
    for _ in track(iter(range(options.pairs + 1)), options.pairs + 1, "pairs of runs"):
        for kind, runs in ((setup, same), (slowed, slow)):
            result = trust_runs.run(kind)
            while not result["valid"] and invalid < 2 * options.pairs:
                invalid += 1
                result = trust_runs.run(kind)
            if result["valid"]:
                runs.append(result)
    alike, apart = list(pairwise(same)), list(zip(same[1:], slow[1:], strict=False))
    figures = [
        Figure(f"a slowdown of {SLOWDOWN:.0%} is told", _share_of_pairs(apart, _is_slower, True), 0.95),
        Figure("nothing is told between two runs of the same", _share_of_pairs(alike, _is_told, False), 0.95),
    ]
    details = {
        "slowdown": SLOWDOWN,
        "alike_within": comparing.ALIKE,
        "pairs": options.pairs,
        "invalid_runs": invalid,
        "options": setup.options[2:],
        "photo": PHOTO.name,
        "same": [asdict(comparing.compare(*pair)[-1].ratio) for pair in alike],
        "slowed": [asdict(comparing.compare(*pair)[-1].ratio) for pair in apart],
    }
    return figures, details


def _measure_disturbed(options: argparse.Namespace) -> Measured:
    rng = random.Random(0)
    short = Setup((*SHORT, "--repeats", "40"))
    whole = Setup((*short.options[:-4], "--repeats", "40"))  # all cores, as OpenCV chooses
    own = trust_runs.own_core()
    others = [core for core in read_cores() if core != own]
    start_s = time.perf_counter()
    trust_runs.run(short)
    taken_s = time.perf_counter() - start_s

    def beside(setup: Setup, cores: Sequence[int]) -> dict[str, Any]:
        # it comes at any moment of the first half
        with trust_runs.busy_loop(rng.uniform(0, taken_s / 2), cores):
            return trust_runs.run(setup)

    def altered(files: dict[str, str]) -> dict[str, Any]:
        return trust_runs.run(Setup(short.options, files=files))

    kinds: dict[str, tuple[tuple[str, ...], Callable[[], dict[str, Any]]]] = {
        "a busy loop on the core of the run": (("busy", "waiting"), lambda: beside(short, [own])),
        "a busy loop on any core, a run on all": (("busy", "waiting"), lambda: beside(whole, read_cores())),
        "a throttled clock (simulated)": (("clock", "throttled"), lambda: altered(trust_runs.draw_throttled(rng))),
        "swap in use (simulated)": (("swap",), lambda: altered(trust_runs.draw_swap(rng))),
    }  # fmt: skip
    if others:
        kinds["a busy loop on another core than the run's"] = (("busy",), lambda: beside(short, others))
    told: dict[str, list[list[str]]] = {name: [] for name in (*kinds, "nothing")}
    for _ in track(iter(range(options.times)), options.times, "disturbed runs"):
        for name, (_, measure) in kinds.items():
            told[name].append(_codes(measure()))
        told["nothing"].append(_codes(trust_runs.run(short)))
    figures = [
        Figure(
            f"INVALID for it: {name}",
            _share(np.array([not set(codes).isdisjoint(each) for each in told[name]])),
            1.0,
            point=True,
        )
        for name, (codes, _) in kinds.items()
    ]
    figures.append(
        Figure("valid with nothing beside", _share(np.array([not each for each in told["nothing"]])))
    )
    return figures, {"times": options.times, "options": short.options[2:], "codes": told}


def _measure_overhead(options: argparse.Namespace) -> Measured:
    """Blocks of rounds by the bench's loop, with all that it does beside, and by a bare loop, in turns.

    The yardstick's own time is left out, as no figure holds it; what it does to the caches of the next verdict is in.
    """
    data = PHOTO.read_bytes()
    bench_s: list[float] = []
    bare_s: list[float] = []
    measure = yardstick.Yardstick()
    allowed = read_cores()
    with pin(1, System()) as cores, Inspector.open(threads=1) as inspector:
        opencv.load().setNumThreads(1)
        elsewhere = tuple(set(allowed) - set(cores))
        sampler = Sampler(Probe(System(), Bounds(), cores, elsewhere))
        progress = Progress("bench", _BLOCK)

        def on_round(done: int) -> None:
            progress.on_round(done)
            sampler.on_round(done)

        def by_bench() -> None:
            start_s = time.perf_counter()
            recorded = timing.measure_interleaved(
                {"model": lambda: inspector.inspect(data), yardstick.NAME: measure.run},
                warmup=0,
                repeats=_BLOCK,
                read_stages=lambda report: (
                    {stage: report.timing_ms[stage] for stage in STAGES} if report else {}
                ),
                on_round=on_round,
            )
            bench_s.append(time.perf_counter() - start_s - recorded[yardstick.NAME].whole_ms.sum() / 1e3)

        def bare() -> None:
            start_s = time.perf_counter()
            for _ in range(_BLOCK):
                inspector.inspect(data)
            bare_s.append(time.perf_counter() - start_s)

        for _ in range(_WARMUP):
            by_bench(), bare()
        for number in track(iter(range(options.blocks)), options.blocks, "blocks"):
            for work in (by_bench, bare)[:: 1 if number % 2 else -1]:
                work()
    bench_s, bare_s = bench_s[_WARMUP:], bare_s[_WARMUP:]
    ratio = timing.ratio(bench_s, bare_s)
    found = ratio and Estimate(ratio.value - 1, ratio.low - 1, ratio.high - 1, options.blocks)
    figures = [
        Figure("overhead of the bench over a bare loop, share of its time", found, 0.02, at_least=False)
    ]
    return figures, {"blocks": options.blocks, "rounds_a_block": _BLOCK, "photo": PHOTO.name,
                     "bench_s": bench_s, "bare_s": bare_s}  # fmt: skip


def _is_told(pair: tuple[dict[str, Any], dict[str, Any]]) -> bool:
    """Whether anything is faster or slower."""
    return any(row.said != comparing.UNCLEAR for row in comparing.compare(*pair))


def _is_slower(pair: tuple[dict[str, Any], dict[str, Any]]) -> bool:
    """Whether the exit code would be that of a regression."""
    return comparing.is_regression(comparing.compare(*pair))


def _share_of_pairs(
    pairs: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    found: Callable[[tuple[dict[str, Any], dict[str, Any]]], bool],
    wanted: bool,
) -> Estimate | None:
    """Share of pairs that are as wanted; a run that is in two of them is no two observations."""
    if not pairs:
        return None
    hits = np.array([found(pair) is wanted for pair in pairs])
    first, second = ([str(id(pair[side])) for pair in pairs] for side in (0, 1))
    return estimate_pair_share(hits, first, second)


def _codes(result: Mapping[str, Any]) -> list[str]:
    return [reason["code"] for reason in result["invalid"]]


def _share(hits: np.ndarray) -> Estimate | None:
    return estimate_share(hits, [str(at) for at in range(hits.size)]) if hits.size else None


if __name__ == "__main__":
    raise SystemExit(main())
