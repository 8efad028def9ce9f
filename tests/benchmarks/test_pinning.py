"""Which cores a run is kept on, and that it is let go after."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from benchmarks.pinning import choose, pin
from benchmarks.system import System

CPU = "sys/devices/system/cpu"


def change(root: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content + "\n")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not pin")
def test_threads_stay_on_the_cores_chosen_and_are_let_go_after() -> None:
    before = os.sched_getaffinity(0)
    inside: list[set[int]] = []
    with pin(1, System()) as cores:
        assert len(cores) == 1 and os.sched_getaffinity(0) == set(cores)
        thread = threading.Thread(target=lambda: inside.append(os.sched_getaffinity(0)))
        thread.start()
        thread.join()
    assert inside == [set(cores)] and os.sched_getaffinity(0) == before
    with pin(10_000, System()) as cores:
        assert set(cores) == before


def test_fast_cores_come_first_and_threads_of_one_core_last(tmp_path: Path) -> None:
    system = System(tmp_path)
    change(tmp_path, {f"{CPU}/cpu{core}/cpu_capacity": "400" for core in (0, 1, 2)})
    change(tmp_path, {f"{CPU}/cpu{core}/cpu_capacity": "1024" for core in (3, 4)})
    assert choose(range(5), 2, system) == (3, 4)
    assert choose(range(5), 3, system) == (2, 3, 4)
    pairs = {
        f"{CPU}/cpu{core}/topology/thread_siblings_list": f"{core % 2},{core % 2 + 2}" for core in range(4)
    }
    change(tmp_path / "smt", pairs)
    assert choose(range(4), 2, System(tmp_path / "smt")) == (0, 1)
