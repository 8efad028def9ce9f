"""Students of the ablations differ in one thing, and nobody is judged twice."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

from benchmarks import ablations
from compression.objective import Weights


def test_a_student_without_a_teacher_learns_nothing_from_it() -> None:
    options = list(ablations.ABLATIONS["labels only, no teacher"])
    names = [value for option, value in pairwise(options) if option == "--weight"]
    left = {name for name, value in vars(Weights.read(names, 1.0)).items() if value}
    assert left == {"category", "embedding", "label"}, "these alone know no teacher"


def test_a_judged_student_is_kept_as_long_as_nothing_else_changed(tmp_path: Path) -> None:
    path, now = (
        tmp_path / "ablations.json",
        {"budget": {"epochs": 3}, "test": {"photos": 9}, "machine": "this"},
    )
    assert ablations.find_judged(path, now) == {}
    path.write_text(json.dumps({**now, "machine": "other", "students": {"a": {"srcc_labels": 0.9}}}))
    assert ablations.find_judged(path, now) == {"a": {"srcc_labels": 0.9}}
    assert ablations.find_judged(path, {**now, "budget": {"epochs": 4}}) == {}
    path.write_text("[damaged")
    assert ablations.find_judged(path, now) == {}
