"""What the bench of the bench does to its runs."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import trust, trust_runs
from benchmarks.conditions import Probe
from benchmarks.devices import read_devices
from benchmarks.latency_options import EXAMPLES
from benchmarks.system import System
from benchmarks.trust_runs import AlteredSystem, Setup, Slowed
from benchmarks.validity import Run, judge
from edge_iqa import Inspector
from edge_iqa.machine import Usage

PHOTO = EXAMPLES / "clock-moved.jpg"
HOST = read_devices()["host"]


def test_a_slowed_verdict_is_the_same_and_takes_its_share_longer() -> None:
    with Inspector.open() as inspector:
        expected = inspector.inspect(PHOTO)
        start = time.perf_counter()
        report = Slowed(inspector, 3.0).inspect(PHOTO)
        taken_ms = 1e3 * (time.perf_counter() - start)
    assert (report.score, report.verdict) == (expected.score, expected.verdict)
    assert taken_ms >= 4 * sum(report.timing_ms[stage] for stage in trust.STAGES)


@given(st.integers(0, 10_000))
def test_every_simulated_disturbance_is_found_and_nothing_else(seed: int) -> None:
    quiet = Usage(0.1, 1.0, 0.0)
    for draw, codes in (
        (trust_runs.draw_throttled, {"clock", "throttled"}),
        (trust_runs.draw_swap, {"swap"}),
    ):
        system = AlteredSystem(root=Path("/nothing-here"), files=draw(random.Random(seed)))
        probe = Probe(system, HOST.bounds, sorted(os.sched_getaffinity(0)))
        mhz, reference = probe.read_clock()
        sample = trust.Sampler(probe, every_s=0)
        sample.on_round()
        assert (sample.samples[0].mhz, sample.samples[0].reference_mhz) == (mhz, reference)
        found = judge(Run(probe.read(), probe.read(), sample.samples, quiet), HOST)
        told = {reason.code for reason in found.invalid} - {"unknown"}
        assert told and told <= codes


def test_what_is_not_altered_is_this_machines_own() -> None:
    system = AlteredSystem(files={"proc/swaps": "x"})
    assert system.read("proc/swaps") == "x"
    assert system.read("proc/version") == System().read("proc/version")


def test_the_spread_is_that_of_the_model_that_is_worst() -> None:
    found = trust.find_spread([{"a": 10.0, "b": 5.0}, {"a": 10.2, "b": 5.5}, {"a": 9.9, "b": 5.25}])
    assert found is not None and found.value == pytest.approx(0.1) and found.n == 3
    assert trust.find_spread([{"a": 1.0}]) is None


def test_a_run_in_a_process_of_its_own_gives_a_whole_result_and_a_loop_beside_it_ends_with_it() -> None:
    setup = Setup(("--photos", str(PHOTO), "--opencv-threads", "1", "--repeats", "10", "--tries", "1"))
    own = trust_runs.own_core()
    with trust_runs.busy_loop(0.0, [own]):
        result = trust_runs.run(setup)
    assert not result["valid"]
    assert {"busy", "waiting"} & {each["code"] for each in result["invalid"]}
    assert set(trust.read_p50(result)) == {
        f"{PHOTO.name}, {row['backend']} {row['precision']}" for row in result["results"]
    }
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    loops = [child for child in children if "while True" in Path(f"/proc/{child}/cmdline").read_text()]
    assert not loops
