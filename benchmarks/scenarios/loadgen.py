"""MLPerf's LoadGen asks for photos, one function answers; the only importer of `mlperf_loadgen`.

LoadGen is C++ that calls back into Python. An exception that left such a call would abort the process, and a query
without an answer would be waited for without end: so whatever happens while a photo is judged is kept, all that is
still asked is answered at once, and what happened is raised when LoadGen has returned.
"""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.profiles import SCENARIOS
from benchmarks.scenarios.log import Told, read_log
from edge_iqa.errors import DataError, DependencyError

INSTALL = "pip install mlcommons-loadgen"
MOST_OFFLINE = 24_576
"""Photos that LoadGen's rules ask of an Offline query, unless the data set has fewer."""
LEAST_SECONDS = 600.0
"""How long a scenario takes at least by LoadGen's rules; for estimates, the rules are LoadGen's own."""
_FASTER = {"SingleStream": 4.0, "MultiStream": 4.0, "Offline": 1.25}
"""LoadGen prepares its queries by how long one is expected to take: where answers turn out faster than this many times
that, they run out. It asks all that it prepared for Offline, and stops in time in the others."""
_PHOTOS_PER_QUERY = {"SingleStream": 1, "MultiStream": 8}
_RULES_OF_ANY_MODEL, _BUILT_IN = "*", 0


@dataclass(frozen=True)
class Request:
    """One test.

    Attributes:
        scenario: one of `SCENARIOS`.
        photos: how many there are; asked for by index.
        expected_ms: how long one answer takes, about.
        seconds: least duration; None: duration and number of queries as the rules built into LoadGen have them for
            any model.
    """

    scenario: str
    photos: int
    expected_ms: float
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Heard:
    """What came of it, told by LoadGen and recorded here.

    Attributes:
        told: LoadGen's own figures and judgment.
        latencies_ms: float64 (q,), from each query's arrival here to its last answer, in order.
        answers_ms: float64 (n,), when each photo was answered, from the first query's arrival, in order.
        indices: int (n,), which photo.
    """

    told: Told
    latencies_ms: NDArray[np.float64]
    answers_ms: NDArray[np.float64]
    indices: NDArray[np.int64]


def load() -> ModuleType:
    """Return the module `mlperf_loadgen`.

    Raises:
        DependencyError: it is not installed, or cannot be loaded.
    """
    try:
        import mlperf_loadgen
    except ImportError as error:
        raise DependencyError(
            f"MLPerf's LoadGen is needed for its scenarios, and `import mlperf_loadgen` failed ({error}); run "
            f"`{INSTALL}` (where there is no wheel, as for Linux on ARM, pip builds it and needs a C++ compiler)"
        ) from error
    return mlperf_loadgen


def run(
    request: Request, answer: Callable[[int], object], on_query: Callable[[], object] | None = None
) -> Heard:
    """Run one test in this thread; returns when LoadGen has.

    Args:
        answer: judges the photo of an index.
        on_query: called after each query, outside of what is timed; in the one query of Offline after each photo, and
            so within its time.

    Raises:
        DependencyError: LoadGen is not there.
        DataError: LoadGen's log is not as expected, or a photo that it asked for has no answer.
        ValueError: a scenario that is not known.
    """
    if request.scenario not in SCENARIOS:
        raise ValueError(f"expected a scenario of {', '.join(SCENARIOS)}, got {request.scenario!r}")
    lg = load()
    sut = _System(lg, answer, on_query, within=request.scenario == "Offline")
    with tempfile.TemporaryDirectory(prefix="loadgen-") as name, _keep_interrupt(sut):
        _start(lg, sut, request, Path(name))
        if sut.error is not None:
            raise sut.error
        told = read_log(Path(name), request.scenario)
    heard = sut.recorded(told)
    if heard.indices.size != told.queries * told.photos_per_query:
        raise DataError(
            f"LoadGen, {request.scenario}: expected {told.queries} x {told.photos_per_query} answers, "
            f"got {heard.indices.size}"
        )
    return heard


@dataclass
class _System:
    """The system under test. `error` is what ended it; from then on it answers without judging."""

    lg: ModuleType
    answer: Callable[[int], object]
    on_query: Callable[[], object] | None
    within: bool
    error: BaseException | None = None
    queries: list[tuple[int, list[int]]] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)

    def issue(self, samples: Sequence[Any]) -> None:
        start_ns, ends_ns = time.perf_counter_ns(), []
        for sample in samples:
            self._guard(self.answer, sample.index)
            # before LoadGen stops its clock, as the start is after it started: what is ours lies within what is its
            ends_ns.append(time.perf_counter_ns())
            self.lg.QuerySamplesComplete([self.lg.QuerySampleResponse(sample.id, 0, 0)])
            self.indices.append(sample.index)
            if self.on_query is not None and self.within:
                self._guard(self.on_query)
        self.queries.append((start_ns, ends_ns))
        if self.on_query is not None and not self.within:
            self._guard(self.on_query)

    def _guard(self, call: Callable[..., object], *arguments: int) -> None:
        if self.error is not None:
            return
        try:
            call(*arguments)
        except BaseException as error:  # even an interrupt: none may pass through C++
            self.error = error

    def recorded(self, told: Told) -> Heard:
        first_ns = self.queries[0][0]
        latencies = [ends[-1] - start for start, ends in self.queries]
        answers = [end - first_ns for _, ends in self.queries for end in ends]
        return Heard(told, np.array(latencies) * 1e-6, np.array(answers) * 1e-6, np.array(self.indices))


def _start(lg: ModuleType, sut: _System, request: Request, folder: Path) -> None:
    output, logs = lg.LogOutputSettings(), lg.LogSettings()
    output.outdir = str(folder)
    logs.log_output, logs.enable_trace = output, False
    system = lg.ConstructSUT(sut.issue, _do_nothing)
    # the encoded photos are in memory before and after
    library = lg.ConstructQSL(request.photos, request.photos, _do_nothing, _do_nothing)
    try:
        # a file audit.config where the command was typed would change the test: look in the empty folder for it
        lg.StartTestWithLogSettings(
            system, library, to_settings(lg, request), logs, str(folder / "audit.config")
        )
    finally:
        lg.DestroyQSL(library)
        lg.DestroySUT(system)


def to_settings(lg: ModuleType, request: Request) -> Any:
    """LoadGen's `TestSettings` for a request."""
    settings, scenario = lg.TestSettings(), request.scenario
    settings.scenario = getattr(lg.TestScenario, scenario)
    settings.mode = lg.TestMode.PerformanceOnly
    # also for short tests: seeds, percentiles and photos per query are the rules'
    settings.FromConfig("", _RULES_OF_ANY_MODEL, scenario, _BUILT_IN)
    if scenario == "Offline":
        settings.min_query_count = min(MOST_OFFLINE, request.photos)
    if request.seconds is not None:
        settings.min_duration_ms = max(1, round(request.seconds * 1000))
        settings.min_query_count = 1
    photo_ns = request.expected_ms * 1e6 / _FASTER[scenario]
    settings.single_stream_expected_latency_ns = photo_ns
    settings.multi_stream_expected_latency_ns = photo_ns * _PHOTOS_PER_QUERY["MultiStream"]
    settings.offline_expected_qps = 1e9 / photo_ns
    return settings


@contextlib.contextmanager
def _keep_interrupt(sut: _System) -> Iterator[None]:
    """Take Ctrl-C as what ends the test: raised in the middle of a call from C++ it would abort the process."""
    # where nothing of Python would be raised there is nothing to keep: other threads, a job that ignores Ctrl-C
    main = threading.current_thread() is threading.main_thread()
    if not main or not callable(signal.getsignal(signal.SIGINT)):
        yield
        return

    def keep(_number: int, _frame: FrameType | None) -> None:
        sut.error = sut.error or KeyboardInterrupt()

    before = signal.signal(signal.SIGINT, keep)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _do_nothing(*_: object) -> None:
    pass
