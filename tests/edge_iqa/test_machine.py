"""What a machine says of itself, and whether it was left in peace while something was measured."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_iqa import machine


def test_a_quiet_machine_gets_no_warning() -> None:
    assert machine.Usage(load_1min_before=0.9, own_cores=0.99, others_cores=0.02).warnings({"cores": 2}) == []
    assert machine.Usage(load_1min_before=None, own_cores=1.8, others_cores=None).warnings({"cores": 2}) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flags\t\t: fpu avx2 fma", False),
        ("flags\t\t: fpu avx2 avx512_vnni", True),
        ("Features\t: fp asimd", False),
        ("Features\t: fp asimd asimddp", True),
        ("model name\t: unknown", None),
    ],
)
def test_a_processor_without_8_bit_products_is_told_of(line, expected, monkeypatch) -> None:
    monkeypatch.setattr(machine.Path, "read_text", lambda path: f"processor\t: 0\n{line}\n")
    facts = machine.describe()
    assert facts["int8_products"] is expected
    quiet = machine.Usage(load_1min_before=0.0, own_cores=0.99, others_cores=0.0)
    assert [("8-bit" in warning) for warning in quiet.warnings(facts)] == [True] * (expected is False)


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (machine.Usage(1.9, 1.0, 0.0), "load average 1.90 on 2 core(s)"),
        (machine.Usage(0.0, 0.7, 0.0), "ran 70% of the time"),
        (machine.Usage(0.0, 1.0, 0.95), "other processes used 0.95 of 2 core(s)"),
    ],
)
def test_each_way_of_being_busy_is_warned_of(usage: machine.Usage, said: str) -> None:
    (warning,) = usage.warnings({"cores": 2})
    assert said in warning


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="the system does not tell who used the CPU")
def test_a_busy_loop_beside_the_run_is_noticed() -> None:
    watch = machine.Watch()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        time.sleep(1)
        usage = watch.read()
        other.kill()
    assert usage.others_cores is not None and usage.others_cores > machine.MOST_OTHERS_CORES
    assert any("other processes" in warning for warning in usage.warnings({"cores": 64}))


def test_what_a_process_of_ours_computes_is_our_own_work() -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass\nprint(time.process_time())"
    watch, start_s = machine.Watch(), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", burn], check=True, capture_output=True, text=True)
    usage, wall_s = watch.read(), time.perf_counter() - start_s
    assert usage.own_cores * wall_s == pytest.approx(float(done.stdout), abs=0.15)
