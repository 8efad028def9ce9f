"""Simulated times: bounds that hold, the mark, what is refused, and the band of a machine that was calibrated."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import devices, latency, latency_record, render, simulate
from benchmarks.device import Rates
from benchmarks.result_file import read_result
from benchmarks.roofline import Peaks, measure_copies
from benchmarks.simulation import MARK, calibration, command
from benchmarks.simulation.bound import bound_layer, bound_model
from benchmarks.simulation.collect import File, read_files
from benchmarks.simulation.command import find_rates
from edge_iqa import backends, machine, timing
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError
from export import parity
from export.layers import Layer

KNOWN = devices.read_devices()
PI = KNOWN["rpi5"].rates
COUNTS = st.integers(0, 10**9)


# -- the lower bound --------------------------------------------------------------------------------------------------


@given(st.lists(COUNTS, min_size=4, max_size=4), st.lists(COUNTS, min_size=3, max_size=3), st.integers(1, 4))
def test_more_work_never_takes_less_time(before: list[int], more: list[int], threads: int) -> None:
    macs, weights, moved, int8 = before
    layer = Layer("", "Conv", macs + int8, weights, moved, int8)
    larger = Layer("", "Conv", macs + int8 + more[0], weights + more[1], moved + more[2], int8)
    assert bound_layer(larger, PI, threads).at_least_ms >= bound_layer(layer, PI, threads).at_least_ms


def test_the_bound_is_the_longer_of_multiplying_and_of_moving_what_no_cache_holds() -> None:
    rates = Rates(int8_macs_per_s=4e9, fp32_macs_per_s=1e9, memory_bytes_per_s=1e9, cache_bytes=1e6)
    multiplying = Layer("a", "Conv", 5_000_000, 0, 2_500_000, 4_000_000)
    moving = Layer("b", "Conv", 1_000_000, 4_000_000, 3_000_000, 0)
    cached = Layer("c", "Add", 0, 0, 2_000_000, 0)
    assert bound_layer(multiplying, rates).at_least_ms == pytest.approx(1 + 1)
    assert bound_layer(moving, rates).at_least_ms == pytest.approx(7 - 2)
    assert bound_layer(cached, rates).at_least_ms == 0
    whole = bound_model([multiplying, moving, cached], rates)
    assert whole.at_least_ms == pytest.approx(2 + 5) and whole.compute_ms == pytest.approx(2 + 1)
    two = bound_model([multiplying, moving, cached], rates, threads=2)
    assert (two.compute_ms, two.memory_ms) == (pytest.approx(1.5), whole.memory_ms), "cores share one memory"


@pytest.fixture(scope="module")
def shipped() -> list[File]:
    return read_files(Bundle.open())


def measure_rates() -> Rates:
    """Of this machine, by numpy: what one product of large matrices reaches, and of 8-bit ones four times that."""
    left = np.random.default_rng(0).random((1024, 1024), np.float32)
    taken = []
    for _ in range(10):
        start_s = time.perf_counter()
        left @ left
        taken.append(time.perf_counter() - start_s)
    fp32 = 1024**3 / min(taken)
    return Rates(4 * fp32, fp32, max(measure_copies().values()), 0.0)


def test_no_model_is_faster_here_than_the_bound_of_rates_that_were_measured_here(shipped: list[File]) -> None:
    rates = measure_rates()
    assert len(shipped) >= 2
    for file in shipped:
        model = parity.from_file(f"model.{file.precision}.{file.runtime}", file.content, threads=1)
        run = functools.partial(model, file.seen)
        whole = timing.measure_interleaved({"": run}, warmup=1, repeats=5)[""].whole_ms
        bound = bound_model(file.list_layers(as_run=False), rates).at_least_ms
        assert 0 < bound <= whole.min(), file.key


def test_no_model_of_the_recorded_run_is_faster_than_the_bound_of_its_peaks() -> None:
    recorded = json.loads((render.RESULTS / "cost-host.json").read_text())
    peaks = recorded["peaks"]
    copies = {int(size): rate for size, rate in peaks["copy_bytes_per_s"].items()}
    rates = simulate.to_rates(Peaks(peaks["macs_per_s"], copies))
    for runtime, told in recorded["models"].items():
        layers = [
            Layer(
                row["name"],
                row["kind"],
                row["macs"],
                row["weight_bytes"],
                row["activation_bytes"],
                row["int8_macs"],
            )
            for row in told["layers"]
        ]
        assert 0.2 * told["measured_ms"] < bound_model(layers, rates).at_least_ms <= told["measured_ms"], (
            runtime
        )


# -- the command ------------------------------------------------------------------------------------------------------


def run_latency(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = latency.main(["--simulate", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(each)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, Path]:
    folder = tmp_path_factory.mktemp("simulated")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert latency.main(["--simulate", "--device", "rpi5", "--out", str(folder)]) == 0
    path = folder / f"latency-rpi5-{MARK}.json"
    return json.loads(path.read_text()), out.getvalue(), path


def test_every_line_row_and_file_says_that_it_is_simulated(
    simulated: tuple[dict[str, Any], str, Path],
) -> None:
    result, out, path = simulated
    lines = out.splitlines()
    assert len(lines) > 5 and all(line.startswith(MARK) for line in lines)
    assert {each.name for each in path.parent.iterdir()} == {path.name, path.with_suffix(".png").name}
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert result["simulated"] is True
    rows = [row for row in walk(result["models"]) if "macs" in row]
    assert len(rows) > 50 and all(row["simulated"] is True for row in rows)
    assert not any("ms" in row for row in rows), "`ms` is what was measured"


def test_a_device_that_was_never_measured_has_a_bound_and_no_band(
    simulated: tuple[dict[str, Any], str, Path], shipped: list[File]
) -> None:
    result, out, _ = simulated
    assert out.count("at least") == len(shipped) and "about" not in out
    assert "no band" in out and "not simulated" in out
    for row in result["models"]:
        assert row["guess"] is None
        file = next(each for each in shipped if f"model.{each.precision}.{each.runtime}" == row["file"])
        at_peak_ms = 1e3 * (
            row["int8_macs"] / PI.int8_macs_per_s + (row["macs"] - row["int8_macs"]) / PI.fp32_macs_per_s
        )
        assert row["at_least_ms"] >= at_peak_ms * (1 - 1e-9)
        assert row["macs"] == sum(layer.macs for layer in file.list_layers(as_run=False))


def test_readers_of_measurements_refuse_a_simulation(
    simulated: tuple[dict[str, Any], str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, _, path = simulated
    with pytest.raises(DataError, match="kind 'latency', got 'latency-simulated'"):
        read_result(path, latency_record.KIND, (1, latency_record.SCHEMA))
    as_measured = tmp_path / "latency-host.json"
    as_measured.write_bytes(path.read_bytes())
    real = render.read_result
    monkeypatch.setattr(render, "read_result", lambda _, *rest: real(as_measured, *rest))
    with pytest.raises(DataError, match="latency-simulated"):
        render.render(render.RESULTS)


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("jetson-xavier-nx", ("8-bit products", "float products", "has published neither", "rpi5")),
        ("jetson", ("its kinds differ", "--device jetson-orin-nano")),
        ("android", ("8-bit products", "its caches hold", "such machines differ")),
        ("generic-arm64", ("such machines differ",)),
        ("host", ("python benchmarks/simulate.py",)),
    ],
)
def test_a_device_without_rates_is_refused_and_nothing_is_written(
    device: str,
    says: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        command, "RESULTS", tmp_path
    )  # the committed calibration may be that of this very machine
    code, out, err = run_latency(capsys, "--device", device, "--out", str(tmp_path))
    assert code == 1 and not out and not [*tmp_path.iterdir()]
    assert all(each in err for each in says), err


def test_each_kind_of_device_either_has_all_rates_or_is_told_what_it_lacks() -> None:
    complete = [name for name, each in KNOWN.items() if each.rates.complete]
    assert complete == ["jetson-orin-nano", "rpi5"]
    for name in complete:
        assert find_rates(KNOWN[name], KNOWN) == KNOWN[name].rates


@pytest.mark.parametrize("option", [("--photos", "x"), ("--repeats", "9"), ("--opencv-threads", "1")])
def test_what_belongs_to_measuring_is_refused_with_simulate(option: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        latency.main(["--simulate", *option])
    assert stopped.value.code == 2


# -- this machine -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def described(shipped: list[File]) -> dict[str, Any]:
    """What `simulate.py` would write, of two families that are the same files, one of them a tenth slower."""
    files = [replace(file, name=name, family=name) for name in ("one", "other") for file in shipped]
    slower = {"one": 10.0, "other": 11.0, shipped[0].name: 10.5}
    times = {file.key: timing.summarize(np.full(20, slower[file.name])) for file in (*files, *shipped)}
    peaks = Peaks({runtime: {"int8": 2e12, "fp32": 1e12} for runtime in ("onnx", "tflite")}, {1000: 1e12})
    return {
        "kind": calibration.KIND,
        "schema": calibration.SCHEMA,
        "device": "host",
        "machine": machine.describe(),
        "versions": backends.available(),
        "warnings": ["the machine was busy"],
        **simulate.describe(files, [], shipped, times, [peaks]),
    }


def test_of_rates_measured_twice_the_best_of_each_counts() -> None:
    early = Peaks(
        {"onnx": {"int8": 5.0, "fp32": 1.0}, "tflite": {"int8": 4.0, "fp32": 2.0}}, {1: 7.0, 2: 6.0}
    )
    late = Peaks({"onnx": {"int8": 3.0, "fp32": 3.0}, "tflite": {"int8": 4.0, "fp32": 1.0}}, {1: 1.0, 2: 8.0})
    assert simulate.to_rates(early, late) == Rates(5.0, 3.0, 8.0, 0.0)


def test_figures_are_errors_of_models_left_out(described: dict[str, Any]) -> None:
    errors = {(row["name"], row["runtime"]): row["error"] for row in described["models"]}
    assert errors["one", "onnx"] == pytest.approx(0.1, abs=1e-3), (
        "foretold from the one that is a tenth slower"
    )
    assert errors["other", "onnx"] == pytest.approx(10 / 11 - 1, abs=1e-3)
    figures = {each["what"]: each for each in described["figures"]}
    worst = figures["error of the worst model left out"]
    assert worst["estimate"]["value"] == pytest.approx(0.1, abs=1e-3) and worst["held"]
    assert figures["error of models left out, mean"]["bound"] == 0.3
    assert figures["models faster than their lower bound"]["held"]
    assert any("held" in line for line in render._bounded(described, render._BENCHES["simulated-host.json"]))


def test_on_the_machine_that_was_calibrated_a_time_has_the_band_of_models_left_out(
    described: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / calibration.FILE).write_text(json.dumps(described))
    code, out, _ = run_latency(capsys, "--out", str(tmp_path))
    assert code == 0 and out.count(": about ") == len(described["shipped"])
    assert all(line.startswith(MARK) for line in out.splitlines()) and "machine was busy" in out
    for row in json.loads((tmp_path / f"latency-host-{MARK}.json").read_text())["models"]:
        guess = row["guess"]
        assert 10 < guess["ms"] < 11 and row["at_least_ms"] < guess["low_ms"] < guess["ms"] < guess["high_ms"]
        assert guess["high_ms"] / guess["ms"] == pytest.approx(1.1, abs=0.01)
    code, out, _ = run_latency(capsys, "--out", str(tmp_path), "--threads", "2")
    assert code == 0 and "about" not in out and "no band" in out


@pytest.mark.parametrize("change", ["cpu", "version", "kind", "prices", "price"])
def test_a_calibration_of_another_machine_or_a_damaged_one_is_refused(
    change: str, described: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(json.dumps(described))
    if change == "cpu":
        told["machine"]["cpu"] = "another processor"
    elif change == "version":
        told["versions"][next(iter(backends.available()))] = "some runtime 0.1"
    elif change == "kind":
        told["kind"] = "latency"
    elif change == "price":
        told["prices"] = {runtime: {} for runtime in told["prices"]}
    else:
        del told["prices"]
    (tmp_path / calibration.FILE).write_text(json.dumps(told))
    code, out, err = run_latency(capsys, "--out", str(tmp_path))
    assert code == 1 and not out
    expected = {"cpu": "another processor", "version": "0.1", "kind": "expected a result", "prices": "prices"}
    expected["price"] = "missing or wrong"
    assert expected[change] in err


def test_rates_are_told_as_they_are(simulated: tuple[dict[str, Any], str, Path]) -> None:
    assert simulated[0]["rates"] == asdict(PI)
