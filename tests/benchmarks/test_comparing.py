"""`latency.py --compare`: tells what is slower, and nothing else."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import comparing, latency
from benchmarks.comparing import ALIKE, FASTER, SLOWER, UNCLEAR
from benchmarks.latency_options import EXAMPLES
from edge_iqa.errors import DataError

PHOTO = EXAMPLES / "clock-moved.jpg"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A real run, taken as valid whatever ran beside it."""
    out = tmp_path_factory.mktemp("measured")
    latency.main(
        [
            "--photos",
            str(PHOTO),
            "--repeats",
            "10",
            "--tries",
            "1",
            "--scenario",
            "none",
            "--no-footprint",
            "--out",
            str(out),
        ]
    )
    (path,) = out.glob("*.json")
    result: dict[str, Any] = json.loads(path.read_text())
    assert all(len(row["rounds_ms"]) == row["stages"]["whole"]["n"] == 10 for row in result["results"])
    return {**result, "valid": True, "invalid": []}


def with_rounds(measured: dict[str, Any], rounds_ms: Any, speed_ms: Any = None) -> dict[str, Any]:
    result = copy.deepcopy(measured)
    for row in result["results"]:
        row["rounds_ms"] = list(map(float, rounds_ms))
    for photo in result["photos"]:
        photo["yardstick_ms"] = list(
            map(float, np.full(len(rounds_ms), 2.0) if speed_ms is None else speed_ms)
        )
    return result


def draw(seed: int, n: int = 60, noise: float = 0.03, alike: float = 0.6) -> np.ndarray:
    """Rounds of about 40 ms, each a little like the one before, as those of a real machine are."""
    rng = np.random.default_rng(seed)
    steps, at = rng.normal(0, noise, n), 0.0
    logs = [at := alike * at + step for step in steps]
    return 40 * np.exp(logs)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_a_run_against_itself_is_not_told_apart(measured: dict[str, Any], seed: int) -> None:
    result = with_rounds(measured, draw(seed))
    for row in comparing.compare(result, result):
        assert row.said == UNCLEAR and row.ratio.value == 1 and row.ratio.low <= 1 <= row.ratio.high


@pytest.mark.parametrize(("times", "said"), [(1.1, SLOWER), (1 / 1.1, FASTER), (1 + ALIKE / 2, UNCLEAR)])
def test_what_is_clearly_slower_or_faster_is_told_and_what_is_within_the_bound_is_not(
    measured: dict[str, Any], times: float, said: str
) -> None:
    found = [
        comparing.compare(
            with_rounds(measured, draw(2 * at)), with_rounds(measured, times * draw(2 * at + 1))
        )
        for at in range(20)
    ]
    assert np.mean([row.said == said for rows in found for row in rows]) >= 0.95


def test_the_interval_holds_the_true_ratio_though_neighbouring_rounds_are_alike(
    measured: dict[str, Any],
) -> None:
    model = measured["results"][:1]
    held = []
    for at in range(150):
        before, after = (
            with_rounds({**measured, "results": model}, draw(2 * at + side, 100)) for side in (0, 1)
        )
        ratio = comparing.compare(before, after)[0].ratio
        held.append(ratio.low <= 1 <= ratio.high)
    assert np.mean(held) >= 0.88, "95 % are meant; blocks of ten rounds leave a little out"


def test_a_machine_that_is_slower_as_a_whole_is_not_told_and_slower_code_on_it_is(
    measured: dict[str, Any],
) -> None:
    slower = np.repeat([1.0, 1.25, 0.9], 20)  # a neighbour comes and goes
    before = with_rounds(measured, draw(1))
    same = with_rounds(measured, slower * 1.2 * draw(2), 2.4 * slower)
    worse = with_rounds(measured, slower * 1.32 * draw(2), 2.4 * slower)
    assert {row.said for row in comparing.compare(before, same)} == {UNCLEAR}
    assert {row.said for row in comparing.compare(before, worse)} == {SLOWER}


def run(tmp_path: Path, before: Any, after: Any) -> int:
    paths = [tmp_path / "before.json", tmp_path / "after.json"]
    for path, result in zip(paths, (before, after), strict=True):
        path.write_text(json.dumps(result))
    return latency.main(["--compare", *map(str, paths)])


def test_a_regression_has_an_exit_code_of_its_own_and_is_named(
    measured: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = with_rounds(measured, draw(1))
    assert run(tmp_path, result, with_rounds(measured, 1.2 * draw(2))) == 5
    assert SLOWER in capsys.readouterr().out
    assert run(tmp_path, result, with_rounds(measured, draw(2) / 1.2)) == 0
    assert FASTER in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "another schema"),
        ({"settings": {"yardstick": 0, "threads": 1, "opencv_threads": 1}}, "one yardstick"),
        ({"kind": "batch"}, "kind 'latency'"),
        ({"device": "rpi5"}, "two runs of one device"),
        ({"results": [], "photos": []}, "nothing in common|no photo and model in common"),
        (
            {"valid": False, "invalid": [{"code": "swap", "what": "swap", "measured": "9", "bound": "none"}]},
            "INVALID",
        ),
    ],
)
def test_what_cannot_be_compared_is_a_clear_error(
    measured: dict[str, Any],
    tmp_path: Path,
    change: dict[str, Any],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(tmp_path, measured, {**measured, **change}) == 1
    with pytest.raises(DataError, match=said):
        comparing.compare_files(tmp_path / "before.json", tmp_path / "after.json")
    assert capsys.readouterr().err.startswith("latency.py: ")


def test_runs_on_different_grounds_are_compared_with_a_note(
    measured: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {**measured, "machine": {**measured["machine"], "cpu": "a newer one"}}
    run(tmp_path, measured, other)
    assert "note: processor was " in capsys.readouterr().out


@pytest.mark.parametrize(
    "rounds", [[0.0] * 10, [-1.0] * 10, [float("nan")] * 10, ["x"] * 10, [[1.0]] * 10, None]
)
def test_rounds_that_are_no_times_are_refused_with_the_file(
    measured: dict[str, Any], tmp_path: Path, rounds: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copy.deepcopy(measured)
    other["results"][0]["rounds_ms"] = rounds
    assert run(tmp_path, measured, other) == 1
    assert capsys.readouterr().err.startswith(f"latency.py: {tmp_path / 'after.json'}: ")


@pytest.mark.parametrize(
    "part", ["valid", "invalid", "results", "photos", "bundle", "machine", "versions", "settings"]
)
def test_a_result_with_a_part_missing_or_of_another_kind_is_refused_with_the_file(
    measured: dict[str, Any], tmp_path: Path, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    without = {key: value for key, value in measured.items() if key != part}
    for broken in (without, {**measured, part: "nonsense"} if part != "valid" else without):
        assert run(tmp_path, broken, measured) == 1
        assert capsys.readouterr().err.startswith(f"latency.py: {tmp_path / 'before.json'}: expected")


def test_a_result_without_its_device_or_yardstick_is_refused_with_the_file(
    measured: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {key: value for key, value in measured["settings"].items() if key != "yardstick"}
    for broken in ({**measured, "settings": settings}, {k: v for k, v in measured.items() if k != "device"}):
        assert run(tmp_path, broken, measured) == 1
        assert capsys.readouterr().err.startswith(f"latency.py: {tmp_path / 'before.json'}: expected")


def test_a_photo_that_was_renamed_is_the_same(measured: dict[str, Any]) -> None:
    other = copy.deepcopy(measured)
    for each in (*other["photos"], *other["results"]):
        each["name" if "name" in each else "photo"] = "renamed.jpg"
    rows = comparing.compare(measured, other)
    assert {row.photo for row in rows} == {PHOTO.name, comparing.ALL}
