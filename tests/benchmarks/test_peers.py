"""`python benchmarks/peers.py`: judges as processes that may fail, the files they see, what counts and what is kept."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.peer_tools import cost, judging, material, registry
from benchmarks.peer_tools.environments import Environment, find_python, measure_size, prepare
from benchmarks.peer_tools.plot import plot_order
from benchmarks.peer_tools.registry import Peer
from benchmarks.peer_tools.scores import PATIENCE, Asked, collect
from benchmarks.peer_tools.session import Refused, Session
from benchmarks.peer_tools.tables import pick_bounded, tell_peers
from compression import scenes
from compression.data import Photo
from compression.degradations import FAULTS
from edge_iqa import opencv
from edge_iqa.errors import DataError
from edge_iqa.files import write_bytes, write_json

PYTHON = Path(sys.executable)
ORACLE = """
import os
def judge(path):
    name = os.path.basename(path)
    return {"score": 0.0 if "-clean-" in name else -1.0 - int(name[-5])}
"""
CONSTANT = "def judge(path): return {'score': 0.5}"
SLEEPER = "import time\ndef judge(path): time.sleep(60)"
DYING = "import os\ndef judge(path): return os._exit(3) if '-noise-' in path else {'score': 1}"

Stand = Callable[[str, str], Asked]


@pytest.fixture
def stand_in(tmp_path: Path) -> Stand:
    """Makes a judge of its name and the code of its `judge(path)`, that runs in a process as the real ones do."""

    def make(name: str, code: str) -> Asked:
        scorer = tmp_path / f"{name}.py"
        scorer.write_text(f"{code}\ndef open_scorer():\n    return lambda paths: [judge(p) for p in paths]\n")
        peer = Peer(name, name.title(), scorer, ("nothing==1",), "none")
        return Asked(peer, Environment(PYTHON, "3", ("nothing==1",), 1_000_000, "key"), longest_s=20)

    return make


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Photo:
    cv2 = opencv.load()
    path = tmp_path_factory.mktemp("photos") / "one.png"
    write_bytes(path, bytes(cv2.imencode(".png", scenes.draw(5, 96, 128, "table").pixels[..., ::-1])[1]))
    return Photo(path, "test", "one")


@pytest.fixture(scope="module")
def renderings(photo: Photo, tmp_path_factory: pytest.TempPathFactory) -> list[material.Rendering]:
    return next(material.render_photos([photo], tmp_path_factory.mktemp("files")))


def open_session(asked: Asked, longest_s: float = 20) -> Session:
    return Session(asked.peer.name, PYTHON, asked.peer.scorer, longest_s=longest_s)


def test_what_a_judge_prints_does_not_come_between_its_answers(stand_in: Stand, tmp_path: Path) -> None:
    loud = "import os\ndef judge(path):\n    print('{}'); os.system('echo loud'); return {'score': len(path)}"
    paths = [tmp_path / "a", tmp_path / "bcd"]
    with open_session(stand_in("loud", loud)) as session:
        answer = session.ask(paths)
    assert [each["score"] for each in answer.scores] == [len(str(path)) for path in paths]
    assert answer.wall_ns > 0 and answer.peak_bytes >= answer.base_bytes > 0


def test_memory_is_what_one_photo_takes_for_a_while(stand_in: Stand, tmp_path: Path) -> None:
    taking = "def judge(path):\n    held = bytearray(96_000_000 if 'large' in path else 1); return {'score': len(held)}"
    with open_session(stand_in("taking", taking)) as session:
        small, large = (session.ask([tmp_path / name]) for name in ("small", "large"))
        again = session.ask([tmp_path / "small"])
    assert 94e6 < large.taken_bytes < 110e6
    assert small.taken_bytes < 10e6
    if small.private_bytes is not None:  # where the peak can be set back
        assert again.taken_bytes < 10e6


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def judge(path): raise ValueError('too small')", "ValueError: too small"),
        ("def judge(path): exit(0)", "SystemExit"),
        ("def judge(path): return {'score': float('nan')}", "finite"),
        ("def judge(path): return {'score': 'good'}", "could not convert"),
    ],
)
def test_a_photo_that_cannot_be_scored_is_refused_and_the_next_one_asked(
    stand_in: Stand, tmp_path: Path, code: str, words: str
) -> None:
    code = f"{code.replace('judge', 'fail')}\ndef judge(p): return fail(p) if 'bad' in p else {{'score': 1}}"
    with open_session(stand_in("picky", code)) as session:
        with pytest.raises(Refused, match=words):
            session.ask([tmp_path / "bad"])
        assert session.ask([tmp_path / "good"]).scores == ({"score": 1.0},)


@pytest.mark.parametrize("said", ["nonsense", "[1]", '{"ready": false}'])
def test_one_that_speaks_otherwise_is_told(stand_in: Stand, tmp_path: Path, said: str) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    with pytest.raises(DataError, match="expected"):
        Session("other", program, stand_in("x", CONSTANT).peer.scorer)


def test_an_answer_without_scores_is_told(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho '{\"ready\": true}'\nread line\necho '{\"scores\": [{}]}'\n")
    program.chmod(0o755)
    session = Session("other", program, tmp_path / "none.py")
    with pytest.raises(DataError, match="expected an answer in JSON"):
        session.ask([tmp_path / "a"])
    with pytest.raises(DataError, match="has stopped"):
        session.ask([tmp_path / "a"])


def test_one_that_cannot_be_imported_says_why(stand_in: Stand, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)has stopped: .*No module named 'not_there'"):
        open_session(stand_in("absent", "import not_there"))
    with pytest.raises(DataError, match="could not be started"):
        Session("absent", tmp_path / "no-python", tmp_path / "x.py")


def test_one_that_dies_and_one_that_hangs_are_told_and_the_others_go_on(
    stand_in: Stand, renderings: list[material.Rendering], tmp_path: Path
) -> None:
    good, dying = stand_in("good", ORACLE), stand_in("dying", DYING)
    hanging = dataclasses.replace(stand_in("hanging", SLEEPER), longest_s=0.5)
    rows = list(collect([dying, hanging, good], [renderings], tmp_path / "scores"))
    assert all("good" in row["answers"] for row in rows) and len(rows) == len(renderings)
    for row in rows:
        assert ("dying" in row["answers"]) == (row["name"] != "noise")
        assert "hanging" not in row["answers"]
    assert dying.stopped is None and len(dying.refused) == 2
    assert hanging.stopped is not None and "did not answer within 0.5 s" in hanging.stopped
    assert len(hanging.refused) == PATIENCE


def test_what_was_answered_is_not_asked_again_but_for_a_line_cut_short(
    stand_in: Stand, renderings: list[material.Rendering], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    noting = stand_in(
        "noting",
        f"{ORACLE}\nold = judge\ndef judge(p):\n    open({str(log)!r}, 'a').write(p + '\\n'); return old(p)",
    )
    some = renderings[:4]
    before = list(collect([noting], [some], tmp_path / "scores"))
    assert len(log.read_text().split()) == 4
    kept = next((tmp_path / "scores").iterdir())
    kept.write_bytes(kept.read_bytes()[:-30])  # as a kill leaves it
    after = list(collect([noting], [some], tmp_path / "scores"))
    assert len(log.read_text().split()) == 5
    assert [row["answers"]["noting"]["readings"] for row in after] == [
        row["answers"]["noting"]["readings"] for row in before
    ]
    list(collect([noting], [some], tmp_path / "scores"))
    assert len(log.read_text().split()) == 5


def test_the_same_files_are_written_again(
    photo: Photo, renderings: list[material.Rendering], tmp_path: Path
) -> None:
    again = next(material.render_photos([photo], tmp_path))
    assert [each.sha256 for each in again] == [each.sha256 for each in renderings]
    assert len({each.sha256 for each in renderings}) == 1 + 2 * len(FAULTS)
    broken = dataclasses.replace(photo, path=tmp_path / "broken.jpg")
    broken.path.write_bytes(b"no photo")
    assert list(material.render_photos([broken], tmp_path)) == [[]]


def make_rows(
    sources: int, judges: dict[str, Callable[[int, float], float | None]], seed: int = 0
) -> list[dict[str, Any]]:
    """Rows of sources that are spoiled twice by every fault; a judge makes a score of source and severity."""
    rng, rows = np.random.default_rng(seed), []
    for source in range(sources):
        for name in ("clean", *FAULTS):
            for severity in (0.3, 0.8) if name != "clean" else (0.0,):
                answers = {}
                for peer, judge in judges.items():
                    score = judge(source, severity)
                    if score is not None:
                        answers[peer] = {"readings": {"score": score, "noise": float(rng.random())}}
                rows.append(
                    {
                        "photo": f"p{source}",
                        "group": f"g{source // 2}",
                        "kind": "photo" if source % 2 else "canvas",
                        "name": name,
                        "severity": severity,
                        "faults": int(name != "clean"),
                        "answers": answers,
                    }
                )
    return rows


def test_an_oracle_orders_all_pairs_a_constant_half_of_them_and_the_opposite_none() -> None:
    judges = {
        "oracle": lambda source, severity: -severity,
        "constant": lambda source, severity: 0.5,
        "opposite": lambda source, severity: severity,
        "silent": lambda source, severity: None,
        "half": lambda source, severity: -severity if source == 0 else None,
    }
    rows = make_rows(2, judges)
    for row in rows:  # one reading alone: else the other one is taken where it does better
        for answer in row["answers"].values():
            del answer["readings"]["noise"]
    pairs = judging.list_pairs(rows)
    assert len(pairs) == 2 * len(FAULTS) * 3
    found = {name: judging.judge_order(pairs, name) for name in judges}
    assert found.pop("silent") is None
    values = {name: order.shares[judging.OVERALL].value for name, order in found.items() if order}
    assert values == {"oracle": 1, "constant": 0.5, "opposite": 0, "half": 0.75}
    half = found["half"]
    assert half is not None and half.unanswered == len(pairs) // 2
    assert all(share.low < 1 == share.high for share in found["oracle"].shares.values())  # type: ignore[union-attr]


def test_a_judge_gets_the_reading_that_orders_most() -> None:
    pairs = judging.list_pairs(make_rows(4, {"a": lambda source, severity: -severity, "b": lambda *_: 0.0}))
    a, b = (judging.judge_order(pairs, name) for name in "ab")
    assert a is not None and b is not None
    assert a.reading == "score" and a.readings["score"] == 1 > a.readings["noise"]
    assert b.readings["score"] == 0.5
    assert b.shares[judging.OVERALL].value == max(b.readings.values())


def test_intervals_of_paired_differences_cover_the_truth() -> None:
    rng, hits, tries, true = np.random.default_rng(1), 0, 40, 0.85 - 0.7
    names = [{"group": f"g{at // 3}", "kind": "", "name": "noise"} for at in range(120)]
    for _ in range(tries):
        hard = np.repeat(rng.normal(0, 0.05, 40), 3)  # what pairs of a group share
        ours, theirs = (
            judging.Order("", {}, {}, (rng.random(120) < np.clip(mean + hard, 0, 1)).astype(float), 0)
            for mean in (0.85, 0.7)
        )
        found = judging.compare(names, ours, theirs)["noise"]
        hits += found.low <= true <= found.high
    assert 0.85 * tries <= hits < tries


def test_ahead_with_intervals_apart_is_more_than_ahead() -> None:
    def judge(misses: float) -> Callable[[int, float], float]:
        rng = np.random.default_rng(round(100 * misses))
        return lambda source, severity: -severity if rng.random() > misses else severity - 1

    rows = make_rows(12, {"ours": judge(0.01), "near": judge(0.06), "far": judge(0.4)})
    pairs = judging.list_pairs(rows)
    orders = {name: judging.judge_order(pairs, name) for name in ("ours", "near", "far")}
    figures = judging.make_figures(pairs, orders, "ours", ["near", "far"])  # type: ignore[arg-type]
    apart = {each.what: each for each in figures if "intervals apart" in each.what}
    for name in ("near", "far"):
        ours, theirs = (orders[each].shares[judging.OVERALL] for each in ("ours", name))  # type: ignore[union-attr]
        assert apart[f"ours ahead of {name}, intervals apart: overall"].held == (ours.low >= theirs.high)
    assert apart["ours ahead of far, intervals apart: overall"].held
    shown = pick_bounded([each.to_dict() for each in figures])
    of_far = [each for each in shown if each["what"].startswith("ours - far")]
    least = min(each.estimate.value for each in figures if each.what.startswith("ours - far") and each.bound)  # type: ignore[union-attr]
    assert min(each["estimate"]["value"] for each in of_far) == least


def test_times_are_in_turns_and_one_that_fails_is_left_out(stand_in: Stand, tmp_path: Path) -> None:
    busy = (
        "import time\ndef judge(path):\n    end = time.process_time() + {}\n"
        "    while time.process_time() < end: pass\n    return {{'score': 1}}"
    )
    fast, slow, dying = (
        stand_in("fast", busy.format(0.01)),
        stand_in("slow", busy.format(0.05)),
        stand_in("dying", "import os\ndef judge(path): os._exit(1)"),
    )
    photos = [tmp_path / name for name in "abcd"]
    times = cost.measure_times([fast, slow, dying], photos, 2, lambda: None)
    assert sorted(times) == ["fast", "slow"] and dying.stopped
    assert [len(answers) for answers in times.values()] == [8, 8]
    (figure,) = cost.make_figures(times, {}, "fast", "slow", "cpu", len(photos))
    assert figure.estimate is not None and 4 < figure.estimate.value < 6 and figure.held is False
    assert figure.estimate.n == 4, "photos, not rounds"
    told = cost.describe(times, {}, "fast", "cpu", len(photos))
    assert told["slow"]["times_as_slow_as_ours"]["value"] == figure.estimate.value


def test_memory_is_compared_in_new_processes(stand_in: Stand, tmp_path: Path) -> None:
    taking = "def judge(path):\n    held = bytearray({} if 'large' in path else 1); return {{'score': 1}}"
    less, more = stand_in("less", taking.format(40_000_000)), stand_in("more", taking.format(100_000_000))
    memory = cost.measure_memory([less, more], tmp_path / "small", [tmp_path / "large"], 6, lambda: None)
    (figure,) = cost.make_figures({}, memory, "less", "more", "cpu", 1)
    assert (
        figure.estimate is not None and figure.estimate.value == pytest.approx(0.4, abs=0.05) and figure.held
    )


def test_one_whose_python_is_missing_or_that_pip_refuses_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_QUIET", "3")  # whoever asks for less from pip still wants its reason
    old = Peer("old", "Old", tmp_path / "x.py", ("old==1",), "none", pythons=("2.0",))
    with pytest.raises(DataError, match=r"Old needs Python 2\.0, which is not installed here"):
        prepare(old, tmp_path)
    wheel = tmp_path / "no_such-1-py3-none-any.whl"
    here = (f"{sys.version_info.major}.{sys.version_info.minor}",)
    absent = Peer("absent", "Absent", tmp_path / "x.py", (str(wheel),), "none", pythons=here)
    assert find_python(absent) == (here[0], PYTHON)
    said: list[str] = []
    missing: dict[str, str] = {}
    assert peers.install([old, absent], tmp_path, missing) == []
    assert missing["old"].startswith("Old needs") and "Absent could not be installed" in missing["absent"]
    assert "no_such" in missing["absent"]
    assert said == [] and not list(tmp_path.rglob("installed.json")), "half an environment is none"


def test_the_size_of_an_environment_is_that_of_its_packages(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    for name, size in (
        ("pip/a.py", 1000),
        ("setuptools-60.dist-info/R", 1000),
        ("numpy/b.so", 300),
        ("c.py", 20),
    ):
        write_bytes(site / name, bytes(size))
    assert measure_size(tmp_path) == 320
    with pytest.raises(DataError, match="site-packages"):
        measure_size(tmp_path / "none")


def test_names_choose_among_the_peers() -> None:
    assert [peer.name for peer in registry.choose(["niqe", "cleanvision"])] == ["cleanvision", "niqe"]
    assert {"cleanvision", "brisque", "niqe", "laplacian"} <= {peer.name for peer in registry.choose(None)}
    with pytest.raises(DataError, match="got nothing"):
        registry.choose(["nothing"])
    for peer in (registry.OURS, *registry.PEERS):
        assert peer.scorer.is_file() and all("==" in each for each in peer.requirements)


def make_options(photo: Photo, folder: Path, **given: Any) -> argparse.Namespace:
    data = folder / "photos.csv"
    data.write_text(f"path,split,group\n{photo.path},test,one\n")
    values = {
        "data": data,
        "split": "test",
        "photos": 5,
        "canvases": 0,
        "large": 0,
        "rounds": 2,
        "memory_runs": 2,
        "clock": "cpu",
        "parts": ("order",),
        "cache": folder / "cache",
        "out": folder / "out",
    }
    return argparse.Namespace(**{**values, **given})


def test_a_run_tells_everybody_and_what_is_missing(stand_in: Stand, photo: Photo, tmp_path: Path) -> None:
    everybody = [stand_in(name, code) for name, code in (("ours", ORACLE), ("cleanvision", CONSTANT))]
    everybody.append(stand_in("broken", "import not_there"))
    missing: dict[str, str] = {"niqe": "needs Python 2.0"}
    result = peers.run(everybody, make_options(photo, tmp_path), missing)
    assert result["order"]["ours"]["shares"]["overall"]["value"] == 1
    assert result["order"]["cleanvision"]["shares"]["overall"]["value"] == 0.5
    assert "broken" not in result["order"] and "No module named 'not_there'" in missing["broken"]
    found = {each["what"]: each for each in result["figures"]}
    assert found["ours ahead of cleanvision, intervals apart: overall"]["held"]
    assert found["ours - cleanvision, same pairs: noise"]["estimate"]["value"] == 0.5
    write_json(tmp_path / "out" / "peers-host.json", result)
    assert plot_order(tmp_path / "out" / "peers-host.png", result).stat().st_size > 10_000
    text = "\n".join(tell_peers(tmp_path / "out"))
    assert "1 photos of `test` and 0 things on white" in text and "niqe: needs Python 2.0" in text
    assert "| ours ahead of cleanvision, intervals apart: overall | 0.500" in text
    assert json.loads((tmp_path / "out" / "peers-host.json").read_text())["files"]["files"] == 37


def test_we_ourselves_must_be_measured(stand_in: Stand, photo: Photo, tmp_path: Path) -> None:
    everybody = [stand_in("ours", "import not_there"), stand_in("cleanvision", CONSTANT)]
    with pytest.raises(DataError, match=r"we ourselves were not measured: [\s\S]*not_there"):
        peers.run(everybody, make_options(photo, tmp_path), {})


def test_without_a_result_nothing_is_told(tmp_path: Path) -> None:
    assert tell_peers(tmp_path) == []
    write_json(tmp_path / "peers-host.json", {"kind": "peers", "schema": 99})
    with pytest.raises(DataError, match="schema"):
        tell_peers(tmp_path)


@pytest.mark.parametrize("given", [["--parts", "order"], ["--data", "none.csv", "--peers", "nothing"]])
def test_a_command_that_cannot_run_says_so(
    given: Sequence[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert peers.main([*given, "--out", str(tmp_path), "--cache", str(tmp_path)]) == 1
    assert "expected" in (said := capsys.readouterr().err) or "needs photos" in said
