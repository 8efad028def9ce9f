"""Figures of repairs: on made-up rows whose answer is known; rows are kept, and a run that was stopped goes on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import fix_cases, fixes
from benchmarks.figures import Figure
from benchmarks.fix_cases import CLEAN, SHAPES, TONES, Row, Source, Task, compare, plan, spoil
from edge_iqa import image
from tests.benchmarks.found import one, value


def row(fault: str = "cast", **changes: Any) -> Row:
    row.count = getattr(row, "count", 0) + 1  # type: ignore[attr-defined]
    number = str(row.count)  # type: ignore[attr-defined]
    plain: Row = {
        "part": "photos", "name": number, "group": number, "fault": fault, "clean_accepted": True, "severity": 0.5,
        "fixable": True, "before": "fix", "after": "accept", "changed": True,
        "teacher": [40.0, 80.0], "impairment": [0.5, 0.2], "delta_e": [9.0, 3.0],
    }  # fmt: skip
    return {**plain, **changes}


def count(found: list[Figure], what: str) -> int:
    estimate = one(found, what).estimate
    assert estimate is not None
    return estimate.n


def test_worse_is_lower_for_the_teacher_and_higher_for_differences() -> None:
    rows = [
        row(),
        row(teacher=[80.0, 79.9]),
        row(impairment=[0.2, 0.21]),
        row(delta_e=[3.0, 3.1]),
        row(changed=False, teacher=[80.0, 10.0]),
    ]
    found = fixes.judge(rows)
    for what in ("by the teacher", "by piq against the clean source", "by CIEDE2000 to the clean source"):
        assert value(found, f"changed photos worse {what}") == pytest.approx(1 / 4)
        assert count(found, f"changed photos worse {what}") == 4, "a photo left as it was counts nowhere"
        assert one(found, f"changed photos worse {what}").held is False
    assert fixes.judge([row()])[0].held is True


def test_geometry_may_cost_the_teacher_two_points_and_is_not_compared_where_it_moved() -> None:
    moved = row("skew", teacher=[80.0, 78.1])
    del moved["impairment"], moved["delta_e"]
    found = fixes.judge([moved, row("skew", teacher=[80.0, 77.9])])
    assert value(found, "changed photos worse by the teacher") == 0.5
    assert count(found, "changed photos worse by piq against the clean source") == 1
    assert not fixes.is_worse(row("background", delta_e=[1.0, 1.09]), "delta_e")
    assert fixes.is_worse(row("background", delta_e=[1.0, 1.11]), "delta_e")
    assert fixes.is_worse(row("cast", delta_e=[1.0, 1.01]), "delta_e")


def test_of_moved_content_the_teacher_is_told_of_beside_the_plain_figure() -> None:
    turned = row("skew", teacher=[80.0, 70.0], teacher_same=[80.0, 79.0])
    spoilt = row("background", teacher=[80.0, 90.0], teacher_same=[80.0, 77.0])
    found = fixes.judge([turned, spoilt, row("cast"), row("cast", teacher=[80.0, 79.9])])
    assert value(found, "changed photos worse by the teacher") == 0.5
    assert value(found, "changed photos worse by the teacher, same content") == 0.5
    assert value(found, "worse by the teacher, same content: geometry, background") == 0.5
    assert fixes.is_worse(turned, "teacher") and not fixes.is_worse(turned, "teacher_same")
    assert fixes.is_worse(spoilt, "teacher_same") and not fixes.is_worse(spoilt, "teacher")


def test_brought_to_accept_asks_of_fixable_faults_of_good_sources_that_are_not_accepted() -> None:
    rows = [
        row(),
        row(after="fix"),
        row(before="review", after="review", changed=False),
        row(before="accept", changed=False),
        row(fixable=False, after="fix"),
        row(clean_accepted=False, after="fix"),
        row("noise", severity=0.9, after="fix"),
    ]
    found = fixes.judge(rows)
    assert value(found, "fixable faults brought to accept") == pytest.approx(1 / 4)
    assert value(found, "fixable faults brought to accept, of verdict fix") == pytest.approx(1 / 3)
    assert value(found, "the same, severity up to 0.7") == pytest.approx(1 / 2)
    assert value(found, "brought to accept, of verdict fix: cast") == pytest.approx(1 / 2)
    assert value(found, "brought to accept, of verdict fix: noise") == 0
    assert one(found, "fixable faults brought to accept").held is False


def test_one_clean_photo_touched_breaks_the_bound() -> None:
    left = [row(CLEAN, changed=False) for _ in range(9)]
    assert one(fixes.judge(left), "clean photos touched").held is True
    touched = fixes.judge([*left, row(CLEAN, clean_accepted=False)])
    assert one(touched, "clean photos touched").held is False
    assert one(touched, "clean photos touched, of those accepted").held is True


def test_every_photo_gets_every_fault_of_tones_and_listings_one_of_each_kind() -> None:
    tasks = plan([], 15, range(70, 100))
    assert [task.seed for task in tasks] == list(range(70, 85))
    assert {task.faults[1] for task in tasks} == set(TONES)
    assert {task.faults[2] for task in tasks} == set(SHAPES)
    assert len({task.name for task in tasks}) == 15


def test_spoiling_is_the_same_every_time_and_of_a_severity_that_it_tells() -> None:
    clean = np.full((80, 90, 3), 120, np.uint8)
    clean[20:60, 20:60] = (200, 60, 40)
    source = Source(clean, b"file", None)
    first, policy, severity = spoil(Task(1, ("under_exposure",)), source, "under_exposure")
    again = spoil(Task(1, ("under_exposure",)), source, "under_exposure")
    assert first == again[0] and severity == again[2] and policy.name == "general"
    assert severity is not None and 0 < severity <= 1
    assert image.read(first).pixels.mean() < clean.mean()
    assert spoil(Task(1, (CLEAN,)), source, CLEAN)[0] == b"file"
    noisy = [spoil(Task(at, ("noise",)), source, "noise")[2] for at in range(30)]
    assert 0.3 < max(each or 0 for each in noisy) <= 0.5


def test_of_a_new_background_nothing_is_asked() -> None:
    clean = np.random.default_rng(0).integers(0, 256, (100, 100, 3)).astype(np.uint8)
    product = np.zeros((100, 100), np.uint8)
    product[20:80, 20:80] = 255
    white = np.where(product[..., None] > 0, clean, np.uint8(255))
    told = compare(Source(clean, b"", product), clean, white, "background")
    assert told["delta_e"] == [0.0, 0.0] and told["impairment"][1] == pytest.approx(told["impairment"][0])
    assert compare(Source(clean, b"", product), clean, white, "cast")["delta_e"][1] > 5
    assert compare(Source(clean, b"", product), clean, white[:90], "background") == {}
    assert compare(Source(clean, b"", product), clean, white, "skew") == {}


class Looker:
    """Stands in for the judge; tells whom it was asked about."""

    def __init__(self, *_: Any) -> None:
        self.asked: list[str] = []

    def look(self, task: Task) -> list[Row]:
        self.asked.append(task.name)
        return [row(fault, name=task.name) for fault in task.faults]


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, looker = tmp_path / "rows.jsonl", Looker()
    monkeypatch.setattr(fixes, "Judge", lambda *_: looker)
    tasks = plan([], 3, range(5))
    options = argparse.Namespace(teacher=None, bundle=None, jobs=1, collect=False)
    fixes.collect(tasks[:1], options, kept)
    with kept.open("a") as stream:
        stream.write(json.dumps(row(CLEAN, name=tasks[1].name)) + "\n" + '{"name": "listing 1", "fau')
    options.collect = True
    assert len(fixes.collect(tasks, options, kept)) == 4 and len(looker.asked) == 1
    options.collect = False
    rows = fixes.collect(tasks, options, kept)
    assert looker.asked == [task.name for task in tasks], "the first was not asked again"
    assert [each["name"] for each in rows] == [task.name for task in tasks for _ in task.faults]
    options.collect = True
    again = fixes.collect(tasks, options, kept)
    assert sorted(json.dumps(each) for each in again) == sorted(json.dumps(each) for each in rows)


def test_bounds_of_the_bench_are_those_of_the_product() -> None:
    """What is drawn as fixable is what the device calls so."""
    from edge_iqa import fixable

    assert TONES["noise"] == fixable.MOST_NOISE
    assert fix_cases._MOST_CLIPPED == fixable.MOST_CLIPPED
