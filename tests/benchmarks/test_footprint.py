"""What a verdict costs besides its time: each figure against something that is known without the bench."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import devices, latency, latency_options
from benchmarks.device import Meter
from benchmarks.footprint import bench, cold, memory, sizes
from benchmarks.footprint.energy import ROUNDS, EnergyBench, Lengths
from benchmarks.footprint.meters import PowerTally, open_tallies, read_adc
from benchmarks.footprint.own_memory import read_memory
from benchmarks.footprint.tables import list_tables
from benchmarks.photos import read_photos
from benchmarks.profiles import RAPID
from benchmarks.remote.wheel import get_wheel
from benchmarks.system import System
from benchmarks.variants import open_variants
from edge_iqa import backends, machine
from edge_iqa.bundle import DEFAULT, Bundle
from edge_iqa.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
PHOTO = latency_options.EXAMPLES / "clock-moved.jpg"
DEVICES = devices.read_devices()
BACKEND = backends.NAMES[next(iter(backends.available()))]
RAPL = "sys/class/powercap/intel-rapl:"
QUIET = machine.Usage(load_1min_before=0.0, own_cores=1.0, others_cores=0.0)
LINUX = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="the system tells of no memory"
)
BLOCK_BYTES = 50_000_000


def write(root: Path, files: Mapping[str, object]) -> System:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"{content}\n")
    return System(root, lambda command: None, "x86_64")


# --- memory


def hold(block: str) -> dict[str, Any]:
    """Memory of a new process before and after these lines."""
    lines = (
        "import json, sys",
        "from dataclasses import asdict",
        "from benchmarks.footprint.own_memory import read_memory",
        "from benchmarks.system import System",
        "before = read_memory(System())",
        block,
        "after = read_memory(System())",
        "print(json.dumps([asdict(before), asdict(after)]))",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    before, after = json.loads(done.stdout)
    return {kind: after[kind] - before[kind] for kind in memory.KINDS}


@LINUX
def test_50_mb_more_that_are_touched_are_50_mb_more() -> None:
    more = hold(f"block = b'x' * {BLOCK_BYTES}")
    assert more["uss_bytes"] == pytest.approx(BLOCK_BYTES, abs=1e6)


@LINUX
def test_the_peak_sees_what_was_set_free_again_and_the_set_size_does_not() -> None:
    more = hold(f"block = b'x' * {BLOCK_BYTES}\ndel block")
    assert more["uss_bytes"] < 1e6
    # the peak before may lie a little above what was held then
    assert BLOCK_BYTES - 5e6 < more["peak_bytes"] < BLOCK_BYTES + 1e6


def test_a_system_that_tells_nothing_gives_no_figure(tmp_path: Path) -> None:
    told = read_memory(System(tmp_path))
    assert (told.uss_bytes, told.peak_bytes) == (None, None)
    assert memory.summarize([5_000_000, None]) is None
    system = write(tmp_path, {"proc/self/smaps_rollup": "Private_Clean:  8 kB"})
    assert read_memory(system).uss_bytes is None, "half of it is not the whole"


@LINUX
def test_a_process_that_judges_holds_more_at_every_step(tmp_path: Path) -> None:
    (entry,) = memory.measure({PHOTO.name: PHOTO}, DEFAULT, [BACKEND], 1, 1, 1, tmp_path)
    assert (entry["backend"], entry["photo"], entry["width_px"]) == (BACKEND, PHOTO.name, 400)
    model = max(each.size_bytes for each in Bundle.open().models)
    held = [entry["steps"][step]["uss_bytes"]["median"] for step in memory.STEPS]
    peaks = [entry["steps"][step]["peak_bytes"]["median"] for step in memory.STEPS]
    assert held[1] - held[0] > model, "the model is in memory once it is open"
    assert held[0] < held[1] < held[2] and peaks == sorted(peaks) and peaks[2] > held[2]


def test_a_median_has_an_interval_from_six_processes_on() -> None:
    samples = [10, 30, 20, 60, 50, 40]
    assert memory.summarize(samples) == {"n": 6, "median": 35, "p50": {"value": 35, "low": 10, "high": 60}}
    one = memory.summarize(samples[:1])
    assert one == {"n": 1, "median": 10, "p50": None}


# --- cold start


def test_a_cold_start_takes_longer_than_a_warm_verdict_and_no_longer_than_it_was_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    start_s = time.monotonic()
    (entry,) = cold.measure(PHOTO, DEFAULT, [BACKEND], 1, 1, 6, tmp_path)
    waited_ms = (time.monotonic() - start_s) * 1000
    p50 = {step: told["p50_ms"] for step, told in entry["stages"].items()}
    assert tuple(p50) == (*cold.STEPS, "whole", "second")
    assert p50["whole"]["value"] > p50["second"]["value"]
    assert 6 * p50["whole"]["low"] < waited_ms
    assert list(tmp_path.rglob("edge_iqa/inspector.*.pyc")), "compiled once, as an installed package is"
    assert all(p50[step]["low"] > 0 and p50[step]["value"] < p50["whole"]["value"] for step in cold.STEPS)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})", "with signal 9 and said nothing"),
        ("raise MemoryError('no room')", "with exit code 1: MemoryError: no room"),
        ("print('hello')", "expected JSON of the process, got b'hello"),
        ("print('[1]')", "expected a JSON object of the process"),
    ],
)
def test_a_process_that_dies_is_a_failure_that_says_how(lines: str, said: str, tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(lines)
    with pytest.raises(DataError) as told:
        cold.measure(PHOTO, DEFAULT, [BACKEND], 1, 1, 6, tmp_path, child)
    assert said in str(told.value) and f"cold start with {BACKEND}" in str(told.value)


# --- energy


class Powered(System):
    """A machine whose processor package takes 2 W, and 5 J a second that this process computes.

    The counter begins anew every 10 J.
    """

    def read(self, path: str | Path) -> str | None:
        if str(path) != f"{RAPL}0/energy_uj":
            return super().read(path)
        joules = 2 * time.monotonic() + 5 * time.process_time()
        return str(int(joules * 1e6) % 10_000_000)


def rapl(root: Path) -> System:
    known = {
        f"{RAPL}0/name": "package-0",
        f"{RAPL}0/max_energy_range_uj": 3_000_000,
        f"{RAPL}0/energy_uj": 100,
        f"{RAPL}0:0/name": "core",
        f"{RAPL}0:0/energy_uj": 7,
        f"{RAPL}1/name": "psys",
        f"{RAPL}1/energy_uj": 7,
    }
    return write(root, known)


def test_a_counter_that_began_anew_lost_nothing_and_only_packages_count(tmp_path: Path) -> None:
    system = rapl(tmp_path)
    (tally,), missing = open_tallies(DEVICES["host"], system)
    assert not missing and tally.start()
    for count in (2_900_000, 150, 2_000_150):  # 100 to 2,900,000; around to 150; on by 2,000,000
        write(tmp_path, {f"{RAPL}0/energy_uj": count, f"{RAPL}0:0/energy_uj": count})
        tally.look()
    assert tally.joules == pytest.approx((2_899_900 + 100_150 + 2_000_000) / 1e6)
    (tmp_path / f"{RAPL}0/energy_uj").unlink()
    tally.look()
    assert tally.joules is None, "an energy that was not seen in full is none"


def test_two_packages_are_added_up(tmp_path: Path) -> None:
    system = rapl(tmp_path)
    write(tmp_path, {f"{RAPL}1/name": "package-1", f"{RAPL}1/max_energy_range_uj": 3_000_000})
    (tally,), _ = open_tallies(DEVICES["host"], system)
    tally.start()
    write(tmp_path, {f"{RAPL}0/energy_uj": 1_000_100, f"{RAPL}1/energy_uj": 500_007})
    tally.look()
    assert tally.joules == pytest.approx(1.5)


@pytest.mark.parametrize("seed", range(3))
def test_constant_power_gives_power_times_time_whenever_it_is_looked_at(seed: int, tmp_path: Path) -> None:
    folder = "sys/class/hwmon/hwmon4"
    rails = {"in1_label": "VDD_IN", "in1_input": 5000, "curr1_input": 1500}
    others = {
        "in2_label": "VDD_SOC",
        "in2_input": 5000,
        "curr2_input": 400,
        "in7_label": "sum of shunt voltages",
    }
    system = write(tmp_path, {f"{folder}/{name}": value for name, value in (rails | others).items()})
    times = np.cumsum(np.random.default_rng(seed).exponential(0.1, 50))
    now = iter(times.tolist())
    (tally,), _ = open_tallies(DEVICES["jetson"], system, lambda: next(now))  # looks once
    tally.start()
    for _ in times[2:]:
        tally.look()
    assert tally.joules == pytest.approx(7.5 * (times[-1] - times[1]))


def test_a_power_that_rises_evenly_gives_the_area_below_it() -> None:
    times = [0.0, 0.1, 0.7, 0.8, 2.0]
    watts, now = iter([3 + 2 * at for at in times]), iter(times)
    tally = PowerTally(Meter("any", "rails"), lambda: next(watts), 0.1, lambda: next(now))
    tally.start()
    for _ in times[1:]:
        tally.look()
    assert tally.joules == pytest.approx(3 * 2 + 2 * 2**2 / 2)


def test_rails_of_two_chips_are_one_meter_and_one_that_lacks_makes_none(tmp_path: Path) -> None:
    names = ("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V")
    files = {}
    for index, name in enumerate(names):
        base, number = f"sys/class/hwmon/hwmon{index // 3}", index % 3 + 1
        files |= {f"{base}/in{number}_label": name, f"{base}/in{number}_input": 10_000}
        files |= {f"{base}/curr{number}_input": 100 * (index + 1)}
    system, clock = write(tmp_path, files), iter([0.0, 0.0, 2.0])
    (tally,), _ = open_tallies(DEVICES["jetson-xavier-agx"], system, lambda: next(clock))
    tally.start()
    tally.look()
    assert tally.joules == pytest.approx(10 * (0.1 + 0.2 + 0.3 + 0.4 + 0.5 + 0.6) * 2)
    (tmp_path / "sys/class/hwmon/hwmon1/in2_label").unlink()
    assert open_tallies(DEVICES["jetson-xavier-agx"], system)[0] == []


def test_the_power_chip_of_a_pi_counts_rails_with_both_and_not_its_input() -> None:
    said = (
        "VDD_CORE_A current(7)=2.00000000A\n   3V3_SYS_A current(1)=0.50000000A\n  VDD_CORE_V volt(15)=0.75000000V\n"
        "   3V3_SYS_V volt(9)=3.30000000V\n     EXT5V_V volt(24)=5.17105900V\n      BATT_V volt(25)=0.00598290V"
    )
    assert read_adc(said) == pytest.approx(2 * 0.75 + 0.5 * 3.3)
    assert read_adc(None) is None and read_adc('error=1 error_msg="Command not registered"') is None
    system = System(ROOT / "nowhere", lambda command: said if command[0] == "vcgencmd" else None, "aarch64")
    assert [tally.meter.name for tally in open_tallies(DEVICES["rpi5"], system)[0]] == ["PMIC"]


def test_what_a_verdict_takes_above_the_idle_machine_is_what_its_work_takes(tmp_path: Path) -> None:
    rapl(tmp_path)
    write(tmp_path, {f"{RAPL}0/max_energy_range_uj": 10_000_000})
    meters = EnergyBench(DEVICES["host"], Powered(tmp_path), Lengths(idle_s=0.3, block_s=0.15))
    meters.measure_idle()
    photos, blocks = read_photos([PHOTO]), []
    opened = open_variants(Bundle.open(), BACKEND, 1)
    opened.variants[0].inspector.inspect(photos[0].data)
    cpu_s = time.process_time()
    meters.measure_verdicts(photos, opened.variants, lambda: blocks.append(1))
    cpu_s = time.process_time() - cpu_s
    (told,) = meters.to_dict()["meters"]
    assert len(blocks) == ROUNDS and meters.list_missing() == []
    assert told["name"] == "RAPL" and told["idle_watts"] == pytest.approx(2, rel=0.1)
    (entry,) = told["verdicts"]
    assert entry["joules_above_idle"]["value"] == pytest.approx(5 * cpu_s / entry["count"], rel=0.25)
    assert entry["joules"]["value"] > entry["joules_above_idle"]["value"] > 0
    assert entry["blocks"] == ROUNDS and entry["watts"]["value"] > 2


@pytest.mark.parametrize("name", DEVICES)
def test_without_a_meter_there_is_a_reason_and_no_figure(name: str, tmp_path: Path) -> None:
    meters = EnergyBench(DEVICES[name], System(tmp_path, lambda command: None), Lengths())
    meters.measure_idle()
    meters.measure_verdicts([], [], lambda: None)
    assert meters.to_dict()["meters"] == []
    missing = meters.list_missing()
    assert missing and all(each.what.startswith("energy") and len(each.why) > 30 for each in missing)


def test_a_meter_that_falls_silent_is_told_and_gives_no_figure(tmp_path: Path) -> None:
    system = rapl(tmp_path)
    meters = EnergyBench(DEVICES["host"], system, Lengths(idle_s=0.05, block_s=0.01))
    meters.measure_idle()
    (tmp_path / f"{RAPL}0/energy_uj").unlink()
    meters.measure_verdicts(
        read_photos([PHOTO]), open_variants(Bundle.open(), BACKEND).variants, lambda: None
    )
    (entry,) = meters.to_dict()["meters"][0]["verdicts"]
    assert entry["joules"] is None and entry["count"] > 0
    assert [each.what for each in meters.list_missing()] == ["energy by RAPL"]


# --- sizes


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that pip builds of a copy of this checkout."""
    pytest.importorskip("setuptools", minversion="77")
    built = get_wheel(None)
    path = tmp_path_factory.mktemp("wheel") / built.name
    path.write_bytes(built.data)
    return path


def test_sizes_are_those_of_the_wheel_that_pip_builds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as held:
        packed = {each.filename: each for each in held.infolist() if each.filename.startswith("edge_iqa/")}
    found = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in sizes.find_package_files()}
    assert found == {name: each.file_size for name, each in packed.items()}
    told = sizes.weigh(sizes.find_package_files())
    assert told["bytes"] == sum(each.file_size for each in packed.values())
    assert told["deflated_bytes"] == pytest.approx(
        sum(each.compress_size for each in packed.values()), rel=1e-3
    )
    metadata = wheel.stat().st_size - told["deflated_bytes"]
    assert 0 < metadata < 100_000, "names, headers, README and licence"


def test_an_installed_package_is_weighed_by_its_record_and_is_as_large(wheel: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path, wheel]
    subprocess.run(pip, check=True, capture_output=True)
    lines = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]",
        "from benchmarks.footprint import sizes",
        "print(*(f'{path.name} {path.stat().st_size}' for path in sizes.find_package_files()), sep='\\n')",
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert sorted(done.stdout.split("\n")[:-1]) == sorted(
        f"{path.name} {path.stat().st_size}" for path in sizes.find_package_files()
    )


def test_what_is_needed_is_weighed_as_it_lies_on_disk() -> None:
    told = sizes.measure(Bundle.open(), [BACKEND])
    needs = {each["what"]: each for each in told["needs"]}
    assert tuple(needs) == ("numpy", "OpenCV", BACKEND)
    folder = Path(np.__file__).parent
    on_disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    # beside its folder a wheel of numpy has one of libraries, and its metadata
    assert needs["numpy"]["bytes"] > 0.9 * on_disk
    assert needs["numpy"]["distributions"] == [f"numpy {np.__version__}"]
    assert needs[BACKEND]["bytes"] > 1e6
    models = {each["path"]: each["bytes"] for each in told["models"]}
    assert models == {each.path: each.size_bytes for each in Bundle.open().models}
    assert sum(models.values()) < told["bundle"]["bytes"] < told["package"]["bytes"]


# --- the whole


@pytest.fixture(scope="module")
def run_with_a_dead_cold_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A quick run in which every process of the cold start is killed, and nothing else."""
    folder = tmp_path_factory.mktemp("dead")
    (folder / "sitecustomize.py").write_text(
        "import os, sys\nif any('cold_child' in each for each in sys.orig_argv): os.kill(os.getpid(), 9)\n"
    )
    base = (
        "--profile",
        "rapid",
        "--photos",
        PHOTO,
        "--backend",
        BACKEND,
        "--repeats",
        1,
        "--out",
        folder / "out",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        code = latency.main([*map(str, base)], System(folder, lambda command: None))
    (path,) = (folder / "out").iterdir()
    yield {"code": code, **json.loads(path.read_text())}


def test_a_part_that_fails_is_told_and_costs_no_other(run_with_a_dead_cold_start: dict[str, Any]) -> None:
    result = run_with_a_dead_cold_start
    assert result["code"] == 1
    (failed,) = result["failed"]
    assert failed["what"] == "cold start" and "signal 9" in failed["why"]
    told = result["footprint"]
    assert told["cold"] is None and told["memory"] and told["sizes"] and result["results"]
    assert [each["what"] for each in told["missing"]][:1] == ["energy by RAPL"]


def test_the_tables_show_what_was_measured(run_with_a_dead_cold_start: dict[str, Any]) -> None:
    tables = list_tables(run_with_a_dead_cold_start["footprint"])
    assert [table.title.split()[0] for table in tables] == ["Memory", "Sizes:"]
    assert all(len(row) in (0, len(table.columns)) for table in tables for row in table.rows)
    model = next(row for row in tables[1].rows if row and row[0].startswith("model."))
    size = next(each["bytes"] for each in run_with_a_dead_cold_start["footprint"]["sizes"]["models"])
    assert model[1] == f"{size / 1e6:.2f}"
    assert list_tables(None) == []


def test_a_footprint_that_was_not_asked_for_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", os.devnull)
    options = argparse.Namespace(footprint=False, profile=RAPID, opencv_threads=1)
    footprint = bench.Footprint(options, DEVICES["host"], System())
    opened = open_variants(Bundle.open(), BACKEND)
    footprint.measure_idle()
    footprint.measure(read_photos([PHOTO]), Bundle.open(), opened.variants)
    assert footprint.to_dict() is None and footprint.failed == []
    assert footprint.join(QUIET) == QUIET


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="the system does not tell who used the CPU")
def test_others_that_disturb_the_new_processes_alone_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "QUICK_COLD", 1)
    options = argparse.Namespace(footprint=True, profile=RAPID, opencv_threads=1)
    footprint = bench.Footprint(options, DEVICES["host"], System())
    opened = open_variants(Bundle.open(), BACKEND)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            footprint.measure(read_photos([PHOTO]), Bundle.open(), opened.variants)
        finally:
            other.kill()
    joined = footprint.join(QUIET)
    assert joined.own_cores == QUIET.own_cores
    assert joined.others_cores is not None and joined.others_cores > machine.MOST_OTHERS_CORES
