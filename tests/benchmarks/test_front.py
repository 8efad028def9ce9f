"""The front: which student nobody would choose, and that a shipped one is never among them."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from benchmarks import front, judging, pareto
from benchmarks.judging import Ground, Student, find_students
from benchmarks.pareto import Point, find_dominators
from compression.data import Photo
from compression.models.heads import QualityNet
from edge_iqa import opencv
from edge_iqa.errors import DataError
from edge_iqa.timing import summarize

FACTS = {"small": (0.70, 2.0, 400), "middle": (0.80, 4.0, 900), "large": (0.85, 9.0, 3000)}
"""Name → accuracy, milliseconds, bytes: each better than the others in something."""


def make_points(facts: dict[str, tuple[float, float, int]]) -> list[Point]:
    return [Point(name, acc, acc - 0.01, acc + 0.01, ms, size) for name, (acc, ms, size) in facts.items()]


def test_students_that_trade_one_thing_for_another_dominate_nobody() -> None:
    assert find_dominators(make_points(FACTS)) == {"small": [], "middle": [], "large": []}


@pytest.mark.parametrize(
    ("facts", "by"),
    [
        ((0.80, 4.0, 901), ["middle"]),
        ((0.69, 5.0, 950), ["small", "middle"]),
        ((0.70, 2.0, 400), []),  # a twin is no better
        ((0.69, 1.99, 400), ["small"]),  # the same network, a hair faster by chance
        ((0.69, 2.0, 400), ["small"]),
        ((0.84, 10.0, 3000), ["large"]),
        ((0.60, 12.0, 5000), ["small", "middle", "large"]),
        ((0.60, 1.9, 5000), []),
    ],
)
def test_a_student_worse_in_one_thing_and_better_in_none_is_dominated(
    facts: tuple[float, float, int], by: list[str]
) -> None:
    assert find_dominators(make_points({**FACTS, "new": facts}))["new"] == by


def test_the_front_is_what_a_search_of_all_pairs_leaves() -> None:
    rng = np.random.default_rng(0)
    facts = {str(i): (float(a), float(b), int(c)) for i, (a, b, c) in enumerate(rng.integers(0, 5, (40, 3)))}
    kept = {name for name, by in find_dominators(make_points(facts)).items() if not by}
    values = np.array([(-accuracy, ms, size) for accuracy, ms, size in facts.values()])
    beaten = ((values[:, None] >= values).all(2) & (values[:, None] > values).any(2)).any(1)
    assert kept == {name for name, out in zip(facts, beaten, strict=True) if not out} and 0 < len(kept) < 40


def test_on_one_cost_alone_more_are_dominated() -> None:
    facts = {**FACTS, "light": (0.6, 5.0, 100)}
    assert find_dominators(make_points(facts))["light"] == []
    assert find_dominators(make_points(facts), ("ms",))["light"] == ["small", "middle"]


def test_students_are_found_by_file_and_by_folder(tmp_path: Path) -> None:
    (tmp_path / "deep" / "v2").mkdir(parents=True)
    for name in ("tiny.safetensors", "deep/v2/student.safetensors", "student.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    assert {each.name for each in find_students(tmp_path)} == {"tiny", "deep/v2", "student"}
    assert len({each.sha256 for each in find_students(tmp_path)}) == 3
    with pytest.raises(DataError, match=r"--ship large: expected one of .*tiny"):
        find_students(tmp_path, ["tiny", "large"])
    (tmp_path / "tiny").mkdir()
    shutil.copy(tmp_path / "tiny.safetensors", tmp_path / "tiny" / "student.safetensors")
    with pytest.raises(DataError, match="the same name"):
        find_students(tmp_path)


def test_a_folder_without_students_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected NAME\.safetensors"):
        find_students(tmp_path)


def test_a_judged_student_is_kept_on_the_same_ground_alone(tmp_path: Path) -> None:
    path, key = tmp_path / "judged.json", {"test_sha256": "a", "runtime": "x"}
    assert judging.find_judged(path, key) == {}
    path.write_text(json.dumps({"key": key, "students": {"f00d": {"file_bytes": 9}}}))
    assert judging.find_judged(path, key) == {"f00d": {"file_bytes": 9}}
    assert judging.find_judged(path, {**key, "runtime": "y"}) == {}
    path.write_text("[damaged")
    assert judging.find_judged(path, key) == {}


def test_every_convolution_of_a_judged_student_computes_in_int8(tiny_net: QualityNet, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (80, 96, 3), np.uint8)
    (tmp_path / "photo.png").write_bytes(bytes(opencv.load().imencode(".png", pixels)[1]))
    ground = Ground([], [], np.zeros(0), [Photo(tmp_path / "photo.png", "train", "a")], {})
    options = argparse.Namespace(runtime="onnx", cache=tmp_path / "cache")
    small = judging.quantize(tiny_net, "0" * 64, ground, options)
    graph = onnx.load_from_string(small).graph
    makers = {output: node.op_type for node in graph.node for output in node.output}
    weights = [makers.get(node.input[1]) for node in graph.node if node.op_type == "Conv"]
    assert weights == ["DequantizeLinear"] * 13


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command on students that are judged by `FACTS`; no model is made."""
    judged: list[str] = []
    for name in FACTS:
        (tmp_path / "students" / name).mkdir(parents=True)
        (tmp_path / "students" / name / "student.safetensors").write_bytes(name.encode())

    def judge(student: Student, ground: Ground, options: object) -> dict:
        judged.append(student.name)
        judging.model_path(student, ground, options).write_bytes(b"model")  # type: ignore[arg-type]
        accuracy, _, size = FACTS[student.name]
        share = {"value": accuracy, "low": accuracy - 0.01, "high": accuracy + 0.01, "n": 9}
        return {"file_bytes": size, **dict.fromkeys(front.ACCURACIES, share)}

    def run(*more: str) -> int:
        judged.clear()
        folders = [f"--{each}={tmp_path / each}" for each in ("students", "runs", "cache", "out")]
        code = front.main([*folders, "--data", "photos.csv", *more])
        run.judged = list(judged)  # type: ignore[attr-defined]
        return code

    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(
        judging, "make_ground", lambda options: Ground([], [], np.zeros(0), [], {"test": "a"})
    )
    monkeypatch.setattr(judging, "judge_student", judge)
    monkeypatch.setattr(
        front,
        "time_students",
        lambda students, *_: {s.name: summarize([FACTS[s.name][1]] * 20) for s in students},
    )
    return run


def test_the_result_tells_each_student_and_nobody_is_judged_twice(
    command: Callable[..., int], tmp_path: Path
) -> None:
    assert command("--ship", "middle") == 0 and sorted(command.judged) == sorted(FACTS)  # type: ignore[attr-defined]
    assert command("--ship", "middle") == 0 and command.judged == []  # type: ignore[attr-defined]
    told = json.loads((tmp_path / "out" / "front-host.json").read_text())["students"]
    assert {name: each["latency"]["p50_ms"]["value"] for name, each in told.items()} == {
        name: ms for name, (_, ms, _) in FACTS.items()
    }
    assert [name for name, each in told.items() if each["shipped"]] == ["middle"]
    assert (tmp_path / "out" / "front-host.png").read_bytes().startswith(b"\x89PNG")


def test_a_shipped_student_that_is_dominated_fails_the_command_and_all_is_written(
    command: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(FACTS, "large", (0.79, 9.0, 3000))
    assert command("--ship", "small", "--ship", "large") == 1
    assert "dominated: large by middle" in capsys.readouterr().err
    told = json.loads((tmp_path / "out" / "front-host.json").read_text())["students"]
    assert told["large"]["dominated_by"] == ["middle"] and told["small"]["dominated_by"] == []
    assert command("--ship", "small") == 0, "what is not shipped may be dominated"


def test_the_plot_draws_dominated_points_too(tmp_path: Path) -> None:
    points = make_points({**FACTS, "poor": (0.5, 20.0, 5000)})
    assert pareto.plot(tmp_path / "a" / "front.png", points, "SRCC", "title").stat().st_size > 10_000
