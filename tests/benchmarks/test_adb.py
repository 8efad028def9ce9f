"""`latency.py --device android` through adb: a program of that name with a phone behind it stands in for both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import devices, latency, latency_file, latency_record
from benchmarks.phone.adb import PhoneError
from benchmarks.phone.benchmark_model import read_own_s, read_pass
from benchmarks.phone.record import KIND
from benchmarks.system import System
from edge_iqa.bundle import Bundle
from tests.benchmarks.fake_phone import DELEGATES, DUMPSYS, FakePhone, make_phone, make_program

DEVICES = devices.read_devices()
MODELS = [entry for entry in Bundle.open().models if entry.runtime == "tflite"]
QUICK = 8

pytestmark = pytest.mark.skipif(
    devices.find("android", DEVICES, System()) is not None, reason="this machine is a phone itself"
)


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePhone:
    made = make_phone(tmp_path)
    monkeypatch.setenv("PATH", made.environment["PATH"])
    return made


def run(out: Path, *more: object) -> int:
    return latency.main([*map(str, ("--device", "android", "--profile", "rapid", "--out", out, *more))])


def read_one(folder: Path) -> tuple[str, dict[str, Any]]:
    (path,) = folder.glob("*.json")
    return path.name, json.loads(path.read_text())


def test_a_quiet_phone_gives_a_valid_time_of_the_model_and_gets_its_files_taken_away(
    phone: FakePhone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(tmp_path / "out", "--threads", 2)
    said = capsys.readouterr()
    name, result = read_one(tmp_path / "out")
    assert (code, name, result["invalid"]) == (0, "latency-android-model-rapid.json", []), said.err
    assert (result["kind"], result["device"], result["measures"]) == (KIND, "android", "model")
    assert KIND != latency_record.KIND, "no reader of whole verdicts takes it for one"
    assert "model alone" in result["notes"][0] and "model alone" in said.out
    assert result["machine"]["model"] == "Phone 8" and result["machine"]["os"] == "Android 14"
    assert result["settings"]["cores"] == [2, 3], "the fastest cores, as many as threads"
    assert set((phone.root / "masks").read_text().split()) == {"c"}
    assert phone.leftovers() == ["benchmark_model"]
    for measured, entry in zip(result["results"], MODELS, strict=True):
        # the pass i has the mean 13520.2 + 10 (i mod 3) microseconds
        means = [13520.2 + 10 * (index % 3) for index in range(QUICK)]
        assert [each["mean_us"] for each in measured["passes"]] == means
        assert measured["mean_ms"]["value"] == pytest.approx(
            sorted(means)[3] / 2000 + sorted(means)[4] / 2000
        )
        assert (measured["model"], measured["precision"]) == (entry.path, entry.precision)
        assert (measured["runs"], measured["fastest_ms"], measured["slowest_ms"]) == (
            QUICK * 74,
            13.105,
            15.765,
        )
        assert measured["p50_ms"]["value"] == 13.4
    calls = phone.passes()
    assert len(calls) == QUICK * len(MODELS)
    assert all(
        "--num_threads=2" in call and "--num_runs=5" in call and "--warmup_runs=5" in call for call in calls
    )
    assert result["usage"]["own_cores"] >= 0.9 and result["usage"]["others_cores"] <= 0.2
    samples = result["conditions"]["samples"]
    assert samples and {each["mhz"] for each in samples} == {2800}
    assert {each["celsius"] for each in samples} == {57.9}, "of the processor, as it is now"
    assert result["conditions"]["recorded"]["Android"] == "14"
    assert "PHONE1" not in json.dumps(result), "a serial number is its owner's"


def test_a_delegate_is_measured_where_the_phone_hands_the_model_over_and_told_where_not(
    phone: FakePhone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.put_program("data/local/tmp/benchmark_model", make_program(phone, delegates=DELEGATES))
    assert run(tmp_path / "out") == 0
    result = read_one(tmp_path / "out")[1]
    shown = capsys.readouterr().out
    handed = [each for each in result["results"] if each["delegate"]]
    assert [(each["precision"], each["delegate"]) for each in handed] == [
        (entry.precision, "GPU") for entry in MODELS
    ]
    assert len(result["results"]) == 2 * len(MODELS) and f"litert {MODELS[0].precision} on GPU" in shown
    for slow, fast in zip(result["results"][: len(MODELS)], handed, strict=True):
        assert fast["mean_ms"]["value"] == pytest.approx(slow["mean_ms"]["value"] / 4, rel=0.01)
        assert len(fast["passes"]) == QUICK
    assert [each["what"] for each in result["missing"]] == [
        f"litert {entry.precision} on NNAPI" for entry in MODELS
    ]
    assert "will not be executed by the delegate" in result["missing"][0]["why"]
    assert result["usage"]["own_cores"] >= 0.9, "what waits for another chip does not count as waiting"


def test_a_phone_without_delegates_says_what_it_said_of_them(phone: FakePhone, tmp_path: Path) -> None:
    assert run(tmp_path / "out") == 0
    result = read_one(tmp_path / "out")[1]
    assert not any(each["delegate"] for each in result["results"])
    assert {each["what"].rpartition(" ")[2] for each in result["missing"]} == {"GPU", "NNAPI"}
    assert "GPU acceleration is unsupported on this platform" in result["missing"][0]["why"]


HOT = "Current temperatures from HAL:\n\tTemperature{mValue=99.0, mType=0, mName=CPU, mStatus=3}\n"


def test_a_phone_that_is_not_left_in_peace_gives_invalid_figures_with_every_reason(
    phone: FakePhone, tmp_path: Path
) -> None:
    phone.put("thermal", HOT)
    phone.put("sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "900000\n")
    phone.put("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "powersave\n")
    phone.put("proc/meminfo", "MemTotal: 7900000 kB\nMemAvailable: 100000 kB\n")
    phone.put_program("bin/dumpsys", DUMPSYS.format(root=phone.root, status=3))
    assert run(tmp_path / "out") == latency_file.INVALID
    name, result = read_one(tmp_path / "out")
    assert name == "latency-android-model-rapid-invalid.json"
    assert [reason["code"] for reason in result["invalid"]] == [
        "governor",
        "clock",
        "hot",
        "memory",
        "battery",
    ]


def test_a_phone_that_hides_what_must_be_known_gives_invalid_figures(
    phone: FakePhone, tmp_path: Path
) -> None:
    phone.put("thermal", "HAL Ready: false\n")
    (phone.root / "bin/taskset").unlink()
    assert run(tmp_path / "out") == latency_file.INVALID
    result = read_one(tmp_path / "out")[1]
    assert ("unknown", "temperature") in [(each["code"], each["what"]) for each in result["invalid"]]
    assert (result["settings"]["pinned"], result["settings"]["cores"]) == (False, [0, 1, 2, 3])


def test_a_program_that_fails_is_told_with_what_it_said(
    phone: FakePhone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.put_program(
        "data/local/tmp/benchmark_model", "#!/bin/sh\necho 'ERROR: Failed to load model.'\nexit 1\n"
    )
    assert run(tmp_path / "out") == 1
    assert "exit code 1, it said: 'ERROR: Failed to load model.'" in capsys.readouterr().err
    assert phone.leftovers() == ["benchmark_model"] and not list((tmp_path / "out").iterdir())


def test_a_program_that_is_copied_there_is_the_one_that_runs(phone: FakePhone, tmp_path: Path) -> None:
    (phone.root / "data/local/tmp/benchmark_model").unlink()
    program = tmp_path / "android_aarch64_benchmark_model"
    program.write_text(make_program(phone, mean_us=20000, lost_after=len(MODELS)))
    assert run(tmp_path / "out", "--benchmark-model", program) == 1
    assert read_one(tmp_path / "out")[1]["results"][0]["passes"][0]["mean_us"] == 20000


def test_a_phone_lost_in_mid_run_keeps_the_rounds_done_marked_as_partial(
    phone: FakePhone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.put_program("data/local/tmp/benchmark_model", make_program(phone, lost_after=3 * len(MODELS)))
    assert run(tmp_path / "out") == 1
    name, result = read_one(tmp_path / "out")
    assert name == "latency-android-model-rapid-partial.json"
    assert (result["partial"], result["valid"]) == (True, False)
    assert result["invalid"][0]["code"] == "dropped"
    done = {len(each["passes"]) for each in result["results"]}
    assert done <= {3, 4} and f"after {done.pop()} of {QUICK} rounds" in result["invalid"][0]["measured"]
    assert "INVALID: the run was cut off" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("", "shows no phone: connect one by USB, and turn on USB debugging"),
        ("PHONE1\tunauthorized\n", "accept the question about USB debugging"),
        ("PHONE1\toffline\n", "unlock it"),
        ("PHONE1\tno permissions (verify udev rules); see [http://x]\n", "install the rules"),
        ("PHONE1\tdevice\nPHONE2\tdevice\n", "choose one with --serial PHONE1 or PHONE2"),
    ],
)
def test_without_a_phone_that_lets_us_in_it_says_so_and_what_to_do(
    listed: str, said: str, phone: FakePhone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.put("devices", listed)
    assert run(tmp_path / "out") == 3
    told = capsys.readouterr().err
    assert "not an android: looked for" in told and "--remote user@host" in told and said in told
    assert phone.passes() == [] and not (tmp_path / "out").exists()


def test_one_of_several_is_chosen_by_its_serial_number(phone: FakePhone, tmp_path: Path) -> None:
    phone.put("devices", "PHONE1\tdevice\nPHONE2\tdevice\n")
    (phone.root / "data/local/tmp/benchmark_model").unlink()
    assert run(tmp_path / "out", "--serial", "PHONE3") == 3
    assert run(tmp_path / "out", "--serial", "PHONE1") == 1, "it has come as far as looking for the program"


def test_an_emulator_is_no_phone(
    phone: FakePhone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phone.put("emulator", "1\n")
    assert run(tmp_path / "out") == 3
    assert "is an emulator" in capsys.readouterr().err


def test_without_adb_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(tmp_path / "out") == 3
    assert "`apt install adb`" in capsys.readouterr().err


def test_without_benchmark_model_it_says_where_to_get_it(
    phone: FakePhone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (phone.root / "data/local/tmp/benchmark_model").unlink()
    assert run(tmp_path / "out") == 1
    assert "the phone has no /data/local/tmp/benchmark_model" in (said := capsys.readouterr().err)
    assert "--benchmark-model FILE" in said and "https://" in said


@pytest.mark.parametrize(
    "option",
    [
        ("--photos", "x.jpg"),
        ("--opencv-threads", "1"),
        ("--backend", "onnx"),
        ("--scenario", "Offline"),
        ("--megapixels", "1"),
        ("--tries", "2"),
    ],
)
def test_what_would_do_nothing_through_adb_is_refused(
    option: tuple[str, str], phone: FakePhone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "out", *option) == 2
    assert option[0] in capsys.readouterr().err


# what it printed in https://github.com/google/XNNPACK/issues/999: before it told percentiles
OLD = """STARTING!
count=9 first=64791 curr=56295 min=54873 max=65831 avg=57758.2 std=4065

count=50 first=58154 curr=53809 min=53077 max=60727 avg=55043.2 std=1562

Inference timings in us: Init: 18777, First inference: 64791, Warmup (avg): 57758.2, Inference (avg): 55043.2
"""


def test_an_older_benchmark_model_is_read_without_percentiles() -> None:
    read = read_pass(OLD)
    assert (read.count, read.mean_us, read.std_us) == (50, 55043.2, 1562)
    assert (read.least_us, read.most_us, read.init_us, read.first_us) == (53077, 60727, 18777, 64791)
    assert (read.p5_us, read.median_us, read.p95_us) == (None, None, None)


def test_numbers_that_are_printed_with_an_exponent_and_single_runs_are_read() -> None:
    said = OLD.replace("avg=55043.2", "avg=1.24027e+06").replace("count=9 first", "I tflite  : count=9 first")
    assert read_pass(said).mean_us == 1240270
    single = OLD.replace(
        "count=50 first=58154 curr=53809 min=53077 max=60727 avg=55043.2 std=1562", "count=1 curr=1357602"
    )
    assert (read_pass(single).count, read_pass(single).mean_us, read_pass(single).most_us) == (
        1,
        1357602,
        1357602,
    )


@pytest.mark.parametrize(
    "said", ["", "Segmentation fault", OLD.partition("Inference")[0], OLD.replace("avg=55043.2", "avg=nan")]
)
def test_what_is_no_benchmark_model_is_told(said: str) -> None:
    with pytest.raises(PhoneError, match="expected"):
        read_pass(said)


def test_processor_time_is_that_of_the_program_not_of_the_shell() -> None:
    assert read_own_s("x\n0m0.05s 0m0.01s\n1m2.50s 0m0.25s\n") == pytest.approx(62.75)
    assert read_own_s("nothing") is None
