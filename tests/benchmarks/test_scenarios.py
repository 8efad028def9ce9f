"""LoadGen's scenarios: every photo asked for is answered, ours agrees with LoadGen, and nothing hangs or is lost."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import latency, latency_file
from benchmarks.photos import Photo
from benchmarks.profiles import SCENARIOS
from benchmarks.scenarios import loadgen, screen
from benchmarks.scenarios.log import FILE, read_log
from benchmarks.scenarios.measure import Plan, measure_scenarios, summarize
from benchmarks.table import to_text
from benchmarks.variants import open_variants
from edge_iqa import backends, timing
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError, DependencyError

EXAMPLES = Path(latency.__file__).parent.parent / "examples" / "photos"
PER_QUERY = {"SingleStream": 1, "MultiStream": 8}
needs_loadgen = pytest.mark.skipif(find_spec("mlperf_loadgen") is None, reason="LoadGen is not installed")


def busy(least_ms: float, spread_ms: float) -> Callable[[int], None]:
    """Answers that take between two durations, the same ones in every test."""
    rng = np.random.default_rng(5)
    return lambda _: time.sleep((least_ms + spread_ms * rng.random()) / 1000)


def run(scenario: str, answer: Callable[[int], object], photos: int = 3, **more: Any) -> loadgen.Heard:
    return loadgen.run(loadgen.Request(scenario, photos, expected_ms=2.0, seconds=0.4), answer, **more)


@needs_loadgen
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_photo_asked_for_is_answered_once_and_in_order(scenario: str) -> None:
    asked: list[int] = []
    heard = run(scenario, lambda index: (asked.append(index), time.sleep(0.001)))
    assert heard.indices.tolist() == asked
    assert set(asked) == {0, 1, 2}, "every photo comes up"
    if scenario == "Offline":
        assert heard.told.queries == 1
        whole = asked[: len(asked) // 3 * 3]
        assert whole == asked[:3] * (len(whole) // 3), "pass after pass, as our figure of a pass takes it"
    else:
        assert len(asked) == heard.told.queries * PER_QUERY[scenario]
        assert heard.latencies_ms.size == heard.told.queries


@needs_loadgen
@pytest.mark.parametrize("scenario", ["SingleStream", "MultiStream"])
def test_loadgens_percentiles_are_those_of_our_latencies(scenario: str) -> None:
    heard = run(scenario, busy(0.5, 2.0))
    told, ordered = heard.told, np.sort(heard.latencies_ms)
    for share, theirs in ((0.5, told.p50_ms), (0.9, told.p90_ms), (0.99, told.p99_ms)):
        ours = ordered[int(share * ordered.size)]  # nearest rank, as LoadGen has it
        assert ours <= theirs, "its clock starts before ours and stops after"
        if share < 0.99:  # the slowest of few may have been interrupted between the two clocks
            assert theirs - ours < 0.5
    assert told.latency_ms == (told.p90_ms if scenario == "SingleStream" else told.p99_ms)
    # and the p50 that the result file has, which interpolates, lies around the same rank
    estimate = summarize(loadgen.Request(scenario, 3, 2.0), heard)["p50_ms"]
    assert estimate["low"] - 0.5 <= told.p50_ms <= estimate["high"] + 0.5


@needs_loadgen
def test_loadgens_photos_per_second_are_ours() -> None:
    heard = run("Offline", busy(2.0, 0.5), photos=4)
    ours = summarize(loadgen.Request("Offline", 4, 2.0), heard)
    assert 0.97 * ours["samples_per_second"] < heard.told.samples_per_second <= ours["samples_per_second"]
    passes = ours["median_pass"]
    assert ours["n"] == heard.indices.size // 4
    assert passes["low"] <= passes["value"] <= passes["high"]
    assert passes["value"] == pytest.approx(ours["samples_per_second"], rel=0.15)


@needs_loadgen
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_answer_that_raises_ends_the_test_with_its_error(scenario: str) -> None:
    answered = []

    def fail_at_the_third(index: int) -> None:
        answered.append(index)
        if len(answered) == 3:
            raise DataError("the third photo is torn")

    began = time.monotonic()
    with pytest.raises(DataError, match="the third photo is torn"):
        # ten minutes of queries were prepared: they must not be waited for
        loadgen.run(loadgen.Request(scenario, 4, expected_ms=50.0), fail_at_the_third)
    assert len(answered) == 3 and time.monotonic() - began < 20
    heard = run(scenario, busy(0.5, 0.1))
    assert heard.indices.size, "the next test is none the worse"


@needs_loadgen
def test_what_looks_at_the_machine_may_fail_too() -> None:
    with pytest.raises(OSError, match="no clock"):
        run("SingleStream", busy(0.5, 0.1), on_query=lambda: (_ for _ in ()).throw(OSError("no clock")))


@needs_loadgen
def test_ctrl_c_stops_a_test_and_the_process_lives() -> None:
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            run("SingleStream", lambda _: os.kill(os.getpid(), signal.SIGINT))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, ours)


@needs_loadgen
def test_where_nobody_says_how_long_the_rules_are_loadgens_own() -> None:
    """MLPerf Inference, mlperf.conf: 600 s; MultiStream 8 samples a query, 662 queries; Offline the whole data set."""
    lg = loadgen.load()
    settings = {name: loadgen.to_settings(lg, loadgen.Request(name, 5, 40.0)) for name in SCENARIOS}
    assert {each.min_duration_ms for each in settings.values()} == {600_000}
    assert settings["MultiStream"].min_query_count == 662
    assert settings["MultiStream"].multi_stream_samples_per_query == 8
    assert settings["Offline"].min_query_count == 5
    assert loadgen.to_settings(lg, loadgen.Request("Offline", 50_000, 40.0)).min_query_count == 24_576
    # a p90 at 99 % needs 64 queries, however short the photos are asked for
    assert run("SingleStream", busy(30, 1)).told.why.startswith("Only processed")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "mug.jpg").write_bytes((EXAMPLES / "mug.jpg").read_bytes())
    (folder / "torn.jpg").write_bytes((EXAMPLES / "mug.jpg").read_bytes()[:200])
    return folder


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """All three scenarios of one backend, by the command; a photo is torn."""
    out = tmp_path_factory.mktemp("out")
    options = [
        "--no-footprint",
        "--photos",
        str(photos),
        "--out",
        str(out),
        "--repeats",
        "1",
        "--backend",
        first_backend(),
    ]
    code = latency.main([*options, "--scenario", *SCENARIOS, "--scenario-seconds", "0.3"])
    (path,) = out.glob("latency-host*.json")
    yield json.loads(path.read_text()), code


def first_backend() -> str:
    return backends.NAMES[next(iter(backends.available()))]


@needs_loadgen
def test_the_command_measures_every_variant_in_every_scenario(measured: tuple[dict[str, Any], int]) -> None:
    result, code = measured
    variants = {(each["backend"], each["precision"]) for each in result["results"]}
    rows = {(each["backend"], each["precision"], each["scenario"]): each for each in result["scenarios"]}
    assert rows.keys() == {(*variant, scenario) for variant in variants for scenario in SCENARIOS}
    assert result["schema"] == 3 and result["settings"]["profile"] == "standard"
    assert result["settings"]["scenario_seconds"] == 0.3
    assert code == 1 and [each["what"] for each in result["failed"]] == ["torn.jpg"]
    for (_, _, scenario), row in rows.items():
        if scenario != "Offline":
            assert row["ours"]["n"] == row["n"] == row["loadgen"]["queries"]
            assert row["photos_answered"] == row["n"] * PER_QUERY[scenario]
            assert row["loadgen"]["valid"] is False, "0.3 s are too short for its early stopping"
        assert row["loadgen"]["min_duration_ms"] == 300
        assert row["loadgen"]["version"].startswith("6.") and 10 < row["expected_ms"] < 5000


@needs_loadgen
def test_percentiles_of_ours_are_told_only_where_the_queries_are_enough(
    measured: tuple[dict[str, Any], int],
) -> None:
    for row in measured[0]["scenarios"]:
        if row["scenario"] != "Offline":
            for share, name in ((0.5, "p50_ms"), (0.9, "p90_ms"), (0.99, "p99_ms")):
                assert (row["ours"][name] is not None) == (row["n"] >= timing.fewest(share))


@needs_loadgen
def test_the_screen_shows_loadgens_figure_and_why_it_does_not_count(
    measured: tuple[dict[str, Any], int],
) -> None:
    rows = measured[0]["scenarios"]
    text = to_text(screen.to_table(rows))
    for row in rows:
        figure = row["loadgen"]["latency_ms"] or row["loadgen"]["samples_per_second"]
        shown = f"{figure:.2f}" if figure < 100 else f"{figure:.1f}"
        judged = "VALID" if row["loadgen"]["valid"] else "INVALID"
        (line,) = (each.split() for each in text.splitlines() if f" {row['scenario']} " in each)
        assert shown in line and line[-1] == judged
    told = screen.list_reasons(rows)
    assert len(told) == sum(not row["loadgen"]["valid"] for row in rows)
    assert any("662 queries for early stopping" in line for line in told)


@needs_loadgen
def test_a_variant_that_fails_is_named_and_the_others_are_measured() -> None:
    photo = Photo("mug.jpg", (EXAMPLES / "mug.jpg").read_bytes())
    broken, whole = (open_variants(Bundle.open(), first_backend()).variants[0] for _ in range(2))
    broken.inspector.close()
    looks = []
    with whole.inspector:
        found = measure_scenarios(
            Plan(("SingleStream",), 0.1), [broken, whole], [photo], timing.Steady(), lambda: looks.append(1)
        )
    assert len(found.failed) == 1 and broken.name in found.failed[0].what
    assert len(found.rows) == 1
    assert len(looks) > found.rows[0]["n"], "the machine is looked at through warm-up and scenarios"


def test_without_loadgen_a_profile_goes_on_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(
        sys.modules, "mlperf_loadgen", None
    )  # Python's own way to say that it cannot be imported
    options = [
        "--no-footprint",
        "--photos",
        str(photos / "mug.jpg"),
        "--out",
        str(tmp_path),
        "--repeats",
        "1",
    ]
    assert latency.main([*options, "--backend", first_backend()]) in (0, latency_file.INVALID)
    (path,) = tmp_path.glob("*.json")
    result = json.loads(path.read_text())
    assert result["scenarios"] == [] and result["failed"] == []
    (missing,) = (each for each in result["missing"] if each["what"].startswith("scenarios"))
    assert all(scenario in missing["what"] for scenario in SCENARIOS)
    assert "pip install mlcommons-loadgen" in capsys.readouterr().out


def test_without_loadgen_a_scenario_asked_for_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mlperf_loadgen", None)
    with pytest.raises(DependencyError):
        loadgen.load()
    out = tmp_path / "out"
    assert latency.main(["--scenario", "Offline", "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("latency.py: MLPerf's LoadGen is needed") and said.count("\n") == 1
    assert "pip install mlcommons-loadgen" in said and not out.exists()


LOG = {
    "loadgen_version": "6.0.17 @ d6147c7eb7",
    "requested_scenario": "Offline",
    "effective_target_latency_percentile": 0.99,
    "effective_min_duration_ms": 1000,
    "effective_min_query_count": 1,
    "generated_samples_per_query": 440,
    "result_validity": "INVALID",
    "result_min_duration_met": False,
    "early_stopping_met": True,
    "result_invalid_reason": "Increase expected QPS. ",
    "early_stopping_result": "",
    "result_query_count": 1,
    "result_samples_per_second": 470.425,
}


def write_log(folder: Path, values: dict[str, Any], *more: str) -> None:
    metadata = {"is_error": False, "is_warning": False}
    lines = [
        ":::MLLOG " + json.dumps({"key": key, "value": value, "metadata": metadata})
        for key, value in values.items()
    ]
    (folder / FILE).write_text("\n".join([*lines, *more]) + "\n")


def test_a_log_is_told_as_it_is_with_every_reason(tmp_path: Path) -> None:
    write_log(tmp_path, LOG)
    told = read_log(tmp_path, "Offline")
    assert (told.valid, told.queries, told.photos_per_query) == (False, 1, 440)
    assert (told.samples_per_second, told.latency_ms, told.target) == (470.425, None, None)
    assert told.why == "shorter than its least duration. Increase expected QPS."


@pytest.mark.parametrize(
    ("change", "more", "said"),
    [
        ({}, ("no mark",), "line 14: expected JSON"),
        ({}, (":::MLLOG []",), "line 14: expected :::MLLOG with key, value and metadata"),
        ({"result_query_count": "1"}, (), "expected result_query_count once, as int, got \\['1'\\]"),
        ({"result_query_count": True}, (), "expected result_query_count once, as int"),
        ({"requested_scenario": "Server"}, (), "expected the scenario Offline, got Server"),
        ({"result_samples_per_second": None}, (), "expected result_samples_per_second once, as number"),
    ],
)
def test_a_log_that_is_not_as_expected_is_refused(
    change: dict[str, Any], more: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    write_log(tmp_path, LOG | change, *more)
    with pytest.raises(DataError, match=said):
        read_log(tmp_path, "Offline")


def test_a_log_that_is_missing_or_cut_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="could not be read"):
        read_log(tmp_path, "Offline")
    for key in LOG:
        if key != "result_invalid_reason":
            write_log(tmp_path, {name: value for name, value in LOG.items() if name != key})
            with pytest.raises(DataError, match=f"expected {key} once"):
                read_log(tmp_path, "Offline")


@needs_loadgen
def test_an_error_that_loadgen_reports_is_told_beside_its_figures() -> None:
    """Answers a hundred times as fast as expected: it runs out of the queries that it prepared."""
    request = loadgen.Request("SingleStream", 3, expected_ms=50.0, seconds=1.0)
    told = loadgen.run(request, busy(0.2, 0.0)).told
    assert not told.valid and told.why.startswith("shorter than its least duration.")
    (error,) = told.errors
    assert "Ran out of generated queries" in error
    assert told.queries > 64, "what was asked is measured all the same"
