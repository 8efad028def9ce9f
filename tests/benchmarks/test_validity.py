"""A figure that does not count says so, with the reason; one of a quiet and healthy machine counts."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import devices, latency, latency_options
from benchmarks.conditions import Probe, read_notes
from benchmarks.drift import FEWEST, Drift, find_drift
from benchmarks.pinning import choose
from benchmarks.sampler import Sampler
from benchmarks.system import System
from benchmarks.validity import CODES, Run, Validity, judge
from edge_iqa import backends, machine
from edge_iqa.timing import Estimate

DEVICES = devices.read_devices()
PHOTO = latency_options.EXAMPLES / "clock-moved.jpg"
CPU = "sys/devices/system/cpu"
QUIET = machine.Usage(load_1min_before=0.2, own_cores=1.0, others_cores=0.01)
STILL = Drift(Estimate(0.001, -0.01, 0.012), told=False)
NAMES = ("host", "jetson-orin-nano", "rpi5", "android", "generic-arm64")
ZONES = {"jetson-orin-nano": "cpu-thermal", "host": "x86_pkg_temp"}


def build(root: Path, name: str) -> System:
    """A device in good health, as far as files tell."""
    cores = {
        f"{CPU}/cpu{core}/{file}": content
        for core in (0, 1)
        for file, content in {
            "cpufreq/scaling_governor": "performance",
            "cpufreq/scaling_cur_freq": "2390000",
            "cpufreq/scaling_max_freq": "2400000",
            "cpufreq/cpuinfo_max_freq": "2400000",
            "thermal_throttle/core_throttle_count": "7",
        }.items()
    }
    change(
        root,
        cores
        | {
            "sys/class/thermal/thermal_zone0/type": ZONES.get(name, "cpu-thermal"),
            "sys/class/thermal/thermal_zone0/temp": "55000",
            "sys/class/thermal/thermal_zone1/type": "PMIC-Die",  # says so whatever happens
            "sys/class/thermal/thermal_zone1/temp": "100000",
            "sys/class/thermal/cooling_device0/type": "thermal-cpufreq-0",
            "sys/class/thermal/cooling_device0/cur_state": "0",
            "sys/class/thermal/cooling_device1/type": "pwm-fan",
            "sys/class/thermal/cooling_device1/cur_state": "3",
            "sys/class/hwmon/hwmon1/oc1_event_cnt": "2",
            "sys/class/power_supply/mouse/type": "Battery",
            "sys/class/power_supply/mouse/scope": "Device",
            "sys/class/power_supply/mouse/status": "Discharging",
            "sys/class/power_supply/BAT0/type": "Battery",
            "sys/class/power_supply/BAT0/status": "Full",
            "proc/meminfo": "MemTotal:  8000000 kB\nMemAvailable:  4000000 kB\nSwapFree: 0 kB",
            "proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0 partition 4000000 0 5",
            "proc/vmstat": "pgpgin 5\npswpin 11\npswpout 12\n",
            "proc/stat": "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 500 0 50 400 0 0 0 0 0 0\ncpu1 500 0 50 400 0 0 0 0 0 0\n"
            "cpu2 0 0 0 900 0 0 0 0 0 0",
            "proc/loadavg": "0.52 0.40 0.30 1/200 4242",
        },
    )
    # the Pi was held back at some time since boot, which is no matter of this run
    answers = {"vcgencmd get_throttled": "throttled=0x50000", "nvpmodel -q": "NV Power Mode: 15W\n0"}

    def run(command: Sequence[str]) -> str | None:
        override = root / "answers" / command[0]
        return override.read_text() if override.exists() else answers.get(" ".join(command))

    return System(root, run, "aarch64")


def change(root: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content + "\n")


def watch(system: System, name: str, during: dict[str, str] | None = None, **known: Any) -> Validity:
    """Judge a run through which these files change; nothing else is wrong with it."""
    device = DEVICES[name]
    probe = Probe(system, device.bounds, (0, 1), (2, 3))
    sampler = Sampler(probe, every_s=0)
    notes, before = read_notes(system, device.record), probe.read()
    change(system.root, during or {})
    sampler.on_round()
    run = Run(before, probe.read(), sampler.samples, QUIET, {"mug.jpg": STILL}, {}, notes)
    return judge(dataclasses.replace(run, **known), device)


def codes(validity: Validity) -> list[str]:
    return [reason.code for reason in validity.invalid]


SWAP = {"proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n/swapfile file 4000000 1024 -2"}
FAULTS = [
    ("governor", {f"{CPU}/cpu1/cpufreq/scaling_governor": "powersave"}),
    ("clock", {f"{CPU}/cpu1/cpufreq/scaling_cur_freq": "1200000"}),
    ("hot", {"sys/class/thermal/thermal_zone0/temp": "95000"}),
    ("throttled", {"sys/class/thermal/cooling_device0/cur_state": "2"}),
    ("memory", {"proc/meminfo": "MemAvailable:   100000 kB"}),
    ("swap", SWAP),
    ("swap", {"proc/vmstat": "pswpin 11\npswpout 40"}),
    ("battery", {"sys/class/power_supply/BAT0/status": "Discharging"}),
    ("busy", {"proc/stat": "cpu0 900 0 0 900 0 0 0 0 0 0\ncpu2 900 0 0 400 0 0 0 0 0 0"}),
    ("steal", {"proc/stat": "cpu0 600 0 50 400 0 0 0 40 0 0\ncpu1 600 0 50 400 0 0 0 0 0 0"}),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_healthy_device_that_is_left_in_peace_gives_valid_figures(name: str, tmp_path: Path) -> None:
    validity = watch(build(tmp_path, name), name, {"proc/stat": "cpu0 900 0 0 900 0 0 0 0 0 0"})
    assert validity.invalid == () and validity.valid
    assert validity.unknown == (), "this one tells all"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("code", "files"), FAULTS)
def test_what_goes_wrong_during_a_run_makes_it_invalid(
    name: str, code: str, files: dict[str, str], tmp_path: Path
) -> None:
    expected = [] if files is SWAP and DEVICES[name].bounds.swap_may_be_in_use else [code]
    assert codes(watch(build(tmp_path, name), name, files)) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("code", "files"),
    [each for each in FAULTS if each[0] not in ("busy", "steal", "swap")],
)
def test_what_was_wrong_all_along_makes_it_invalid(
    name: str, code: str, files: dict[str, str], tmp_path: Path
) -> None:
    system = build(tmp_path, name)
    change(tmp_path, files)
    (reason,) = watch(system, name).invalid
    assert reason.code == code and reason.measured and reason.bound
    assert str(reason).startswith(CODES[code]) and str(reason).isascii()


@pytest.mark.parametrize("name", NAMES)
def test_swap_that_was_in_use_all_along_counts_but_on_a_phone_whose_memory_is_always_compressed(
    name: str, tmp_path: Path
) -> None:
    system = build(tmp_path, name)
    change(tmp_path, SWAP)
    assert codes(watch(system, name)) == ([] if name == "android" else ["swap"])
    assert codes(watch(system, name, {"proc/vmstat": "pswpin 11\npswpout 40"}))[-1:] == ["swap"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("host", {f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "8"}),
        ("jetson-orin-nano", {"sys/class/hwmon/hwmon1/oc1_event_cnt": "3"}),
        ("rpi5", {"answers/vcgencmd": "throttled=0x50004"}),  # held back now
        ("rpi5", {"answers/vcgencmd": "throttled=0x70000"}),  # and at some time within the run
    ],
)
def test_counters_and_flags_of_a_device_tell_that_it_was_held_back(
    name: str, files: dict[str, str], tmp_path: Path
) -> None:
    assert codes(watch(build(tmp_path, name), name, files)) == ["throttled"]


def test_a_power_mode_that_lowers_the_clock_on_purpose_is_no_throttling(tmp_path: Path) -> None:
    files = {f"{CPU}/cpu{core}/cpufreq/{file}": "1500000" for core in (0, 1) for file in CLOCKS}
    system = build(tmp_path, "jetson-orin-nano")
    assert codes(watch(system, "jetson-orin-nano", files)) == []
    assert codes(watch(system, "rpi5", files)) == ["clock"], "heat lowers it there"


CLOCKS = ("scaling_cur_freq", "scaling_max_freq")


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({"usage": machine.Usage(0.2, 1.0, 0.3)}, "busy"),
        ({"usage": machine.Usage(0.2, 0.6, 0.0)}, "waiting"),
        ({"drifts": {"mug.jpg": Drift(Estimate(0.1, 0.08, 0.12), told=True)}}, "drift"),
        ({"unsteady": {"mug.jpg": "was not steady after 60 rounds"}}, "unsteady"),
    ],
)
def test_how_the_run_itself_went_counts(known: dict[str, Any], code: str, tmp_path: Path) -> None:
    assert codes(watch(build(tmp_path, "host"), "host", **known)) == [code]


def test_what_cannot_be_read_is_told_and_counts_where_the_device_must_tell_it(tmp_path: Path) -> None:
    system = build(tmp_path, "host")
    shutil.rmtree(tmp_path / "sys")
    hidden = ("governor", "clock", "temperature", "throttling", "battery")
    told = {name: watch(system, name) for name in NAMES}
    # steal needs time to pass, which it does not in a tree that stands still
    assert told["host"].unknown == (*hidden, "steal") and told["host"].valid
    for name, validity in told.items():
        needed = [each for each in validity.unknown if each not in DEVICES[name].bounds.may_be_unknown]
        assert [reason.what for reason in validity.invalid] == needed
        assert set(codes(validity)) <= {"unknown"}
    assert not told["jetson-orin-nano"].valid and not told["rpi5"].valid


def test_without_proc_no_machine_gives_valid_figures(tmp_path: Path) -> None:
    system = build(tmp_path, "host")
    shutil.rmtree(tmp_path / "proc")
    for name in NAMES:
        assert {"memory", "swap"} <= {reason.what for reason in watch(system, name).invalid}


def test_a_power_mode_that_a_jetson_does_not_tell_makes_it_invalid(tmp_path: Path) -> None:
    system = dataclasses.replace(build(tmp_path, "jetson-orin-nano"), run=lambda command: None)
    validity = watch(system, "jetson-orin-nano")
    assert [reason.what for reason in validity.invalid] == ["power mode"]
    assert "power mode" in validity.unknown


def test_too_few_rounds_cannot_tell_a_drift_and_do_not_count(tmp_path: Path) -> None:
    drift = find_drift([np.ones(FEWEST - 1)])
    assert drift.share is None and not drift.told
    (reason,) = watch(build(tmp_path, "host"), "host", drifts={"mug.jpg": drift}).invalid
    assert (reason.code, reason.what) == ("unknown", "drift") and f"{FEWEST} rounds" in reason.bound


def test_samples_are_a_second_apart_at_least_however_short_the_rounds(tmp_path: Path) -> None:
    now = iter(np.arange(160) / 16)
    sampler = Sampler(
        Probe(build(tmp_path, "host"), DEVICES["host"].bounds, (0, 1)), clock=lambda: float(next(now))
    )
    for done in range(159):
        sampler.on_round(done)
    at_s = [sample.at_s for sample in sampler.samples]
    assert at_s == pytest.approx([time + 1 / 16 for time in range(10)], abs=1e-3)
    first = sampler.samples[0]
    assert (first.mhz, first.celsius, first.cooling, first.load) == (2390, 55, 0, 0.52)


def measure(out: Path, system: System, *options: object) -> tuple[int, dict[str, Any], str]:
    """A real, short run: exit code, result, and the name of its file."""
    name = backends.NAMES[[*backends.available()][-1]]  # ONNX where there are two: more can be lacking
    base = (
        "--photos",
        PHOTO,
        "--backend",
        name,
        "--opencv-threads",
        1,
        "--repeats",
        10,
        "--tries",
        1,
        "--out",
        out,
    )
    code = latency.main(["--scenario", "none", "--no-footprint", *map(str, base), *map(str, options)], system)
    (path,) = out.iterdir()
    return code, json.loads(path.read_text()), path.name


@pytest.mark.parametrize(
    ("code", "files"),
    [each for each in FAULTS if each[0] in ("clock", "swap") and "proc/vmstat" not in each[1]],
)
def test_a_real_run_on_a_machine_that_is_not_sound_is_invalid(
    code: str, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = build(tmp_path / "root", "host")
    for core in os.sched_getaffinity(0):  # any of them may be chosen
        own = {path.replace("cpu1", f"cpu{core}"): text for path, text in files.items()}
        change(tmp_path / "root", own | {f"{CPU}/cpu{core}/cpufreq/cpuinfo_max_freq": "2400000"})
    exit_code, result, name = measure(tmp_path / "out", system)
    assert (exit_code, name, result["valid"]) == (4, "latency-host-invalid.json", False)
    assert code in [reason["code"] for reason in result["invalid"]]
    shown = capsys.readouterr().out
    assert shown.startswith("INVALID: ")
    assert f"({code})" in shown and f"INVALID: {PHOTO.name}" in shown, "in the title of the table too"
    assert result["conditions"]["samples"]


def test_a_jetson_that_was_asked_for_is_measured_under_its_kind_with_what_it_wants_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = build(tmp_path / "root", "jetson-orin-nano")
    change(tmp_path / "root", {"proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0"})
    _, result, name = measure(tmp_path / "out", system, "--device", "jetson")
    assert result["device"] == "jetson-orin-nano" and name.startswith("latency-jetson-orin-nano")
    assert result["conditions"]["recorded"]["power mode"] == "NV Power Mode: 15W 0"
    assert result["conditions"]["before"]["governors"] == ["performance"]
    backend = result["results"][0]["backend"]
    providers = {way.provider for way in DEVICES["jetson"].ways if way.backend == backend}
    absent = {entry["what"].rpartition(" ")[2] for entry in result["missing"]} & providers
    assert absent == providers - {"CPUExecutionProvider", "XNNPACK"}
    assert "jetson-orin-nano: " in capsys.readouterr().out


def test_every_reason_is_explained_where_people_look_it_up() -> None:
    page = Path(latency.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert all(page.count(f"| `{code}` |") == 1 for code in CODES)


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="the system does not tell who used the CPU")
@pytest.mark.parametrize("where", ["on the core of the run", "on another core"])
def test_a_busy_loop_beside_a_real_run_makes_it_invalid(where: str, tmp_path: Path) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    (own,) = choose(allowed, 1, System())
    others = [core for core in allowed if core != own]
    if where == "on another core" and not others:
        pytest.skip("there is one core alone")
    core = own if where == "on the core of the run" else others[0]
    burn = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", burn]) as other:
        try:
            code, result, _ = measure(tmp_path, System())
        finally:
            other.kill()
    assert code == 4 and result["settings"]["cores"] == [own]
    busy = {
        each["what"]: float(each["measured"].split()[0])
        for each in result["invalid"]
        if each["code"] == "busy"
    }
    what = "other processes used" if core == own else "other processes, on other cores, used"
    assert busy[what] > 0.3
