"""Time and memory of a photo of 12 megapixels, everybody in turns on the same files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure
from benchmarks.peer_tools.scores import Asked
from benchmarks.peer_tools.session import Answer, Session
from compression.metrics import Estimate
from edge_iqa import timing
from edge_iqa.errors import DataError

LEAST_FASTER, MOST_MEMORY = 8.0, 0.5
"""Bounds against CleanVision: times as fast, share of its memory."""
SLOW_S, SLOW_ROUNDS = 4.0, 2
"""One that takes longer for a photo is asked in the first rounds alone; the others' intervals need more of them."""


def measure_times(
    everybody: Sequence[Asked], photos: Sequence[Path], rounds: int, on_photo: Callable[[], None]
) -> dict[str, list[Answer]]:
    """Answers by peer: everybody scores a photo before anybody scores the next one, in an order drawn for each.

    One that fails is `stopped` and left out of the answers: its rounds would not be those of the others.
    """
    shuffle = np.random.default_rng(0)
    answers: dict[str, list[Answer]] = {asked.peer.name: [] for asked in everybody}
    with contextlib.ExitStack() as stack:
        sessions: dict[str, Session] = {}
        slow: set[str] = set()
        for asked in everybody:
            with _stopping(asked):
                sessions[asked.peer.name] = stack.enter_context(asked.start())
                # warm: the first one loads what is loaded late
                if sessions[asked.peer.name].ask([photos[0]]).cpu_ns > SLOW_S * 1e9:
                    slow.add(asked.peer.name)
        for done in range(rounds):
            for photo in photos:
                for index in shuffle.permutation(len(everybody)):
                    asked = everybody[index]
                    if asked.stopped is None and (done < SLOW_ROUNDS or asked.peer.name not in slow):
                        with _stopping(asked):
                            answers[asked.peer.name].append(sessions[asked.peer.name].ask([photo]))
                on_photo()
    return {asked.peer.name: answers[asked.peer.name] for asked in everybody if asked.stopped is None}


def measure_memory(
    everybody: Sequence[Asked], small: Path, photos: Sequence[Path], runs: int, on_photo: Callable[[], None]
) -> dict[str, list[Answer]]:
    """Answers by peer, each of a new process that has scored the small photo before: the base holds all code."""
    answers: dict[str, list[Answer]] = {asked.peer.name: [] for asked in everybody}
    for _ in range(runs):
        for photo in photos:
            for asked in everybody:
                if asked.stopped is None:
                    with _stopping(asked), asked.start() as session:
                        session.ask([small])
                        answers[asked.peer.name].append(session.ask([photo]))
            on_photo()
    return {asked.peer.name: answers[asked.peer.name] for asked in everybody if asked.stopped is None}


def describe(
    times: Mapping[str, Sequence[Answer]],
    memory: Mapping[str, Sequence[Answer]],
    our_name: str,
    clock: str,
    photos: int,
) -> dict[str, Any]:
    """By peer: milliseconds, ratio to ours, memory beyond the base, of the whole process, and of it alone.

    Args:
        photos: how many each round had.
    """
    told: dict[str, Any] = {}
    for name in dict.fromkeys([*times, *memory]):
        row: dict[str, Any] = {}
        if name in times:
            row["time"] = {
                each: timing.summarize(
                    [getattr(answer, f"{each}_ns") * 1e-6 for answer in times[name]]
                ).to_dict()
                for each in ("wall", "cpu")
            }
            if name != our_name and our_name in times:
                ratio = _ratio(
                    _read(times[name], f"{clock}_ns"), _read(times[our_name], f"{clock}_ns"), photos
                )
                row["times_as_slow_as_ours"] = ratio and asdict(ratio)
        if name in memory:
            row["memory"] = {
                "n": len(memory[name]),
                "most_taken_bytes": max(answer.taken_bytes for answer in memory[name]),
                "least_taken_bytes": min(answer.taken_bytes for answer in memory[name]),
                "most_process_bytes": max(answer.peak_bytes for answer in memory[name]),
                "private_bytes": max((answer.private_bytes or 0) for answer in memory[name]) or None,
            }
        told[name] = row
    return told


def make_figures(
    times: Mapping[str, Sequence[Answer]],
    memory: Mapping[str, Sequence[Answer]],
    our_name: str,
    bounded: str,
    clock: str,
    photos: int,
) -> list[Figure]:
    """Ratios within rounds, by photo, against every peer; those against `bounded` have bounds."""
    figures = []
    for name in times:
        if name != our_name and our_name in times:
            ratio = _ratio(_read(times[name], f"{clock}_ns"), _read(times[our_name], f"{clock}_ns"), photos)
            bound = LEAST_FASTER if name == bounded else None
            figures.append(Figure(f"12 MP, times as fast as {name}", ratio, bound))
    for name in memory:
        if name != our_name and our_name in memory:
            ratio = _ratio(_read(memory[our_name], "taken_bytes"), _read(memory[name], "taken_bytes"), photos)
            bound = MOST_MEMORY if name == bounded else None
            figures.append(Figure(f"12 MP, memory over that of {name}", ratio, bound, at_least=False))
    return figures


def _read(answers: Sequence[Answer], what: str) -> list[float]:
    return [float(getattr(answer, what)) for answer in answers]


def _ratio(above: Sequence[float], below: Sequence[float], photos: int) -> Estimate | None:
    """Ratio of each photo, the median of its rounds: their median, and the least and the most of them.

    Rounds of one photo are alike, so photos are counted; a handful gives no interval of their kind.

    Args:
        above, below: round by round, the photos of a round in the same order.

    Returns:
        None where nobody took part in a whole round, or nothing was taken.
    """
    n = min(len(above), len(below)) // photos * photos
    if not n or min(below[:n]) <= 0:
        return None
    ratios = np.median(np.divide(above[:n], below[:n]).reshape(-1, photos), axis=0)
    return Estimate(float(np.median(ratios)), float(ratios.min()), float(ratios.max()), photos)


@contextlib.contextmanager
def _stopping(asked: Asked) -> Any:
    try:
        yield
    except DataError as error:
        asked.stopped = str(error)
