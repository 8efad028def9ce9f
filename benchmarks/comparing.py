"""Is one run of `latency.py` slower than another? Says so only where it is clear: `latency.py --compare BEFORE AFTER`.

Rounds are taken in yardsticks of the same moment (`benchmarks/yardstick.py`), so that a machine that was slower as a
whole is no slower code. Medians of both runs are compared, as a ratio with an interval from a bootstrap of blocks of
neighbouring rounds (circular blocks: Politis & Romano 1992, "A circular block-resampling procedure for stationary
data"), because rounds that follow each other are alike. The interval knows the rounds of the two runs, and nothing of
what differs from run to run: where memory came to lie, what the machine did before. So a difference is told only where
all of the interval is beyond `ALIKE`, as far as p50s of ten runs of one thing on a quiet host may be apart
(`benchmarks/trust.py` measures that).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import latency_record
from benchmarks.drift import FEWEST
from benchmarks.result_file import read_result
from benchmarks.table import Table
from benchmarks.validity import Reason
from edge_iqa.errors import DataError
from edge_iqa.timing import CONFIDENCE, Estimate

ALIKE = 0.03
"""Two runs of the same thing may differ by such a share."""
FASTER, SLOWER, UNCLEAR = "faster", "slower", "not told apart"
ALL = "all photos"
_RESAMPLES = 1000


@dataclass(frozen=True)
class Compared:
    """One model on one photo, or on all of them.

    Attributes:
        photo: its name, or `ALL`.
        model: backend and precision.
        before_ms, after_ms: p50 of the whole, as it was; geometric mean over the photos for `ALL`.
        ratio: after over before, both in yardsticks; 1.1 is 10 % slower.
        said: `FASTER`, `SLOWER` or `UNCLEAR`.
    """

    photo: str
    model: str
    before_ms: float
    after_ms: float
    ratio: Estimate
    said: str


def compare_files(before: Path, after: Path) -> tuple[list[Compared], list[str]]:
    """Compare two result files.

    Returns:
        A row for each photo and model that both have, then one for each model over all photos; and what a reader
        must know beside.

    Raises:
        DataError: a file cannot be read, is of another kind or schema, holds INVALID figures or too few rounds, or
            the two have nothing in common.
    """
    read = [_read(path) for path in (before, after)]
    return compare(*read), _find_notes(*read)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Compared]:
    """Compare two results.

    Raises:
        DataError: other devices, or nothing in common.
    """
    versions = [each["settings"]["yardstick"] for each in (before, after)]
    if versions[0] != versions[1]:
        raise DataError(f"expected two runs with one yardstick, got versions {versions[0]} and {versions[1]}")
    if before["device"] != after["device"]:
        raise DataError(
            f"expected two runs of one device, got {before['device']} and {after['device']}: their figures are not "
            "to be compared round by round"
        )
    first, second = _rounds(before), _rounds(after)
    both = [key for key in first if key in second]
    if not both:
        raise DataError(
            "the two results have no photo and model in common; measure the same --photos with the same --bundle"
        )
    rng = np.random.default_rng(0)
    drawn = {key: (_draw(first[key], rng), _draw(second[key], rng)) for key in both}
    names = {content: name for name, content in _contents(before).items()}
    rows = [_row(names[photo], model, [drawn[photo, model]]) for photo, model in both]
    models = dict.fromkeys(model for _, model in both)
    return rows + [_row(ALL, model, [drawn[key] for key in both if key[1] == model]) for model in models]


def is_regression(rows: Sequence[Compared]) -> bool:
    """Whether anything got slower."""
    return any(row.said == SLOWER for row in rows)


def to_table(rows: Sequence[Compared]) -> Table:
    """As it is shown."""
    return Table(
        f"p50 of the whole; ratio after over before in yardsticks (95 % interval; told beyond {ALIKE:.0%})",
        ("photo", "model", "before ms", "after ms", "ratio", ""),
        tuple(
            (
                row.photo,
                row.model,
                f"{row.before_ms:.2f}",
                f"{row.after_ms:.2f}",
                f"{row.ratio.value:.3f} ({row.ratio.low:.3f} to {row.ratio.high:.3f})",
                row.said,
            )
            for row in rows
        ),
        labels=2,
    )


def _read(path: Path) -> dict[str, Any]:
    result = read_result(path, latency_record.KIND, (latency_record.SCHEMA,))
    try:
        reasons = "; ".join(str(Reason(**reason)) for reason in result["invalid"])
        is_valid = result["valid"]
        _rounds(result)
        _find_notes(result, result)
        result["settings"]["yardstick"], result["device"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path}: expected a result as latency.py writes it, got one with other content "
            f"({type(error).__name__}: {error}); measure again"
        ) from error
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if not is_valid:
        raise DataError(
            f"{path}: its figures are INVALID, so there is nothing to compare: {reasons}. benchmarks/README.md says "
            "what to do about each reason; then measure again"
        )
    return result


def _rounds(result: Mapping[str, Any]) -> dict[tuple[str, str], NDArray[np.float64]]:
    """(hash of the photo, model) → float (2, rounds): milliseconds of its rounds, and of the yardstick then.

    Raises:
        DataError: too few rounds, or one that is no time.
    """
    contents = _contents(result)
    speeds = {photo["name"]: photo["yardstick_ms"] for photo in result["photos"]}
    found = {}
    for row in result["results"]:
        rounds = np.array(row["rounds_ms"], np.float64)
        if rounds.size < FEWEST:
            raise DataError(
                f"{row['photo']}: expected {FEWEST} rounds at least, got {rounds.size}; measure with more --repeats"
            )
        both = np.array([rounds, np.array(speeds[row["photo"]], np.float64)])
        if both.ndim != 2 or not (np.isfinite(both) & (both > 0)).all():
            raise DataError(f"{row['photo']}: expected rounds of more than 0 ms each, got other values")
        found[contents[row["photo"]], latency_record.tell_model(row)] = both
    return found


def _contents(result: Mapping[str, Any]) -> dict[str, str]:
    """Name of each photo → hash of its content: a photo that was renamed is the same."""
    return {photo["name"]: photo["sha256"] for photo in result["photos"]}


@dataclass(frozen=True, eq=False)
class _Drawn:
    """Median of the rounds in milliseconds, and in yardsticks: as they are, and of resamples."""

    median_ms: float
    median: float
    resampled: NDArray[np.float64]


def _draw(both: NDArray[np.float64], rng: np.random.Generator) -> _Drawn:
    """Medians of resamples, each made of blocks of neighbours; the last is followed by the first."""
    rounds = both[0] / _smooth(both[1])
    length = max(
        round(math.sqrt(rounds.size)), rounds.size // 8
    )  # what comes and goes slowly is in the interval
    starts = rng.integers(0, rounds.size, (_RESAMPLES, math.ceil(rounds.size / length)))
    at = (starts[:, :, None] + np.arange(length)) % rounds.size
    resamples = rounds[at.reshape(_RESAMPLES, -1)[:, : rounds.size]]
    return _Drawn(float(np.median(both[0])), float(np.median(rounds)), np.median(resamples, axis=1))


def _smooth(speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Medians of five neighbours: one yardstick is short, and jumps more than a round does."""
    padded = np.pad(speed, 2, mode="reflect")
    smoothed: NDArray[np.float64] = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    return smoothed


def _row(photo: str, model: str, pairs: Sequence[tuple[_Drawn, _Drawn]]) -> Compared:
    """The geometric mean over pairs of before and after."""
    before, after = (_mean([pair[side].median_ms for pair in pairs]) for side in (0, 1))
    drawn = np.exp(np.mean([np.log(second.resampled / first.resampled) for first, second in pairs], axis=0))
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(each) for each in np.quantile(drawn, (tail, 1 - tail)))
    value = _mean([second.median / first.median for first, second in pairs])
    ratio = Estimate(value, min(low, value), max(high, value))
    return Compared(photo, model, before, after, ratio, _say(ratio))


def _mean(values: Sequence[float]) -> float:
    """Geometric."""
    return float(np.exp(np.mean(np.log(values))))


def _say(ratio: Estimate) -> str:
    if ratio.low > 1 + ALIKE:
        return SLOWER
    return FASTER if ratio.high < 1 / (1 + ALIKE) else UNCLEAR


def _find_notes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What else differs between the runs."""
    asked = {
        "processor": lambda each: each["machine"]["cpu"],
        "system": lambda each: each["machine"]["os"],
        "Python": lambda each: each["machine"]["python"],
        "bundle": lambda each: f"{each['bundle']['name']}-{each['bundle']['version']}",
        "edge_iqa": lambda each: each["versions"]["edge_iqa"],
        "backends": lambda each: ", ".join(each["versions"]["backends"].values()),
        "OpenCV": lambda each: each["versions"]["opencv"],
        "threads": lambda each: f"{each['settings']['threads']} and {each['settings']['opencv_threads']}",
    }
    told = {name: (read(before), read(after)) for name, read in asked.items()}
    return [
        f"{name} was {first}, and is {second}" for name, (first, second) in told.items() if first != second
    ]
