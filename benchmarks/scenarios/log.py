"""What LoadGen says of a test: its detail log, one JSON object a line, read strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_iqa.errors import DataError

FILE = "mlperf_log_detail.txt"
_MARK = ":::MLLOG "
_TARGETS = {"SingleStream": 0.9, "MultiStream": 0.99, "Offline": None}
"""The percentile that is each scenario's figure; Offline's is photos per second."""
_ESTIMATES = {"SingleStream": "early_stopping_latency_ss", "MultiStream": "early_stopping_latency_ms"}
_LATENCIES = {
    "SingleStream": "result_{:.2f}_percentile_latency_ns",
    "MultiStream": "result_{:.2f}_percentile_per_query_latency_ns",
}


@dataclass(frozen=True)
class Told:
    """LoadGen's own figures, as they are.

    Attributes:
        version: of LoadGen.
        valid: whether it calls its result VALID; its rules are about durations and numbers, not about the machine.
        why: what it says against it; empty where valid.
        errors: that it reports, such as that it ran out of queries.
        early_stopping: what it says of its estimate that holds with a confidence of 99 %.
        queries, photos_per_query: asked.
        min_duration_ms, min_query_count: what it held the test to.
        target: the percentile that is the scenario's figure; None for Offline.
        latency_ms: of a query, at that percentile, by nearest rank.
        estimate_ms: upper bound of it by early stopping; None where the queries are too few.
        p50_ms, p90_ms, p99_ms: of a query; None for Offline.
        samples_per_second: photos, of Offline.
    """

    version: str
    valid: bool
    why: str
    errors: tuple[str, ...]
    early_stopping: str
    queries: int
    photos_per_query: int
    min_duration_ms: int
    min_query_count: int
    target: float | None
    latency_ms: float | None
    estimate_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    samples_per_second: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_log(folder: Path, scenario: str) -> Told:
    """Read what LoadGen wrote to a folder.

    Raises:
        DataError: the log is missing, not as expected, or of another scenario.
    """
    values = _Values(folder / FILE)
    came = values.get("requested_scenario", str)
    if came != scenario:
        raise DataError(f"LoadGen's log: expected the scenario {scenario}, got {came}")
    valid = values.get("result_validity", str) == "VALID"
    stopping = " ".join(values.get("early_stopping_result", str).split())
    shares = (0.5, 0.9, 0.99)
    latencies = [
        values.get_ms(_LATENCIES[scenario].format(100 * share)) for share in shares if scenario in _LATENCIES
    ]
    p50_ms, p90_ms, p99_ms = latencies or (None, None, None)
    estimate_ms = values.get_ms(_ESTIMATES[scenario]) if scenario in _ESTIMATES else None
    target = _TARGETS[scenario]
    held_to = values.get("effective_target_latency_percentile", (int, float))
    if target not in (None, held_to):
        raise DataError(
            f"LoadGen's log: expected {scenario} to be judged by percentile {target}, got {held_to}"
        )
    return Told(
        version=values.get("loadgen_version", str),
        valid=valid,
        why="" if valid else _find_why(values, stopping),
        errors=tuple(values.errors),
        early_stopping=stopping,
        queries=values.get("result_query_count", int),
        photos_per_query=values.get("generated_samples_per_query", int),
        min_duration_ms=values.get("effective_min_duration_ms", int),
        min_query_count=values.get("effective_min_query_count", int),
        target=target,
        latency_ms=None if target is None else p90_ms if target == 0.9 else p99_ms,
        estimate_ms=estimate_ms or None,  # 0 says that there is none
        p50_ms=p50_ms,
        p90_ms=p90_ms,
        p99_ms=p99_ms,
        samples_per_second=float(values.get("result_samples_per_second", (int, float)))
        if scenario == "Offline"
        else None,
    )


def _find_why(values: _Values, stopping: str) -> str:
    """Every reason, also those to which LoadGen has no recommendation."""
    told = " ".join(values.get("result_invalid_reason", str).split())
    reasons = [told] if told else []
    if not values.get("result_min_duration_met", bool):
        reasons.insert(0, "shorter than its least duration.")
    if not values.get("early_stopping_met", bool):
        reasons.append(stopping.removeprefix("* "))
    return " ".join(reasons) or "no reason told"


class _Values:
    """The values of a log, by key. A key that stands twice is refused when it is asked for."""

    def __init__(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"LoadGen's log could not be read ({error})") from error
        self._found: dict[str, list[Any]] = {}
        self.errors: list[str] = []
        for number, line in enumerate(lines, 1):
            entry = _parse(line, number)
            self._found.setdefault(entry["key"], []).append(entry["value"])
            if entry["metadata"].get("is_error"):
                self.errors.append(str(entry["value"]))

    def get(self, key: str, kind: Any) -> Any:
        values = self._found.get(key, [])
        # a bool is an int in Python, and not in JSON
        if (
            len(values) != 1
            or not isinstance(values[0], kind)
            or (kind is not bool and isinstance(values[0], bool))
        ):
            wanted = getattr(kind, "__name__", "number")
            raise DataError(
                f"LoadGen's log: expected {key} once, as {wanted}, got {values}; another version?"
            )
        return values[0]

    def get_ms(self, key: str) -> float:
        return self.get(key, int) * 1e-6


def _parse(line: str, number: int) -> Mapping[str, Any]:
    try:
        entry = json.loads(line.removeprefix(_MARK))
    except ValueError as error:
        raise DataError(
            f"LoadGen's log, line {number}: expected JSON after {_MARK.strip()} ({error})"
        ) from error
    whole = (
        isinstance(entry, dict)
        and isinstance(entry.get("metadata"), dict)
        and {"key", "value"} <= entry.keys()
    )
    if not line.startswith(_MARK) or not whole:
        raise DataError(
            f"LoadGen's log, line {number}: expected {_MARK.strip()} with key, value and metadata, got {line[:80]!r}"
        )
    return entry
