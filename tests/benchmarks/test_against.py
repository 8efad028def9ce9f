"""`accuracy.py --against`: which of two is better is told where it can be, and never where both are the same."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import against, figures
from benchmarks.against_tables import tell_against
from benchmarks.scoring import Device, Row, describe
from edge_iqa import Inspector
from edge_iqa.bundle import DEFAULT
from edge_iqa.errors import BackendError, DataError

NEAR_ZERO = {"value": -0.01, "low": -0.02, "high": 0.01, "n": 160}
FEW = 60
"""Resamples: enough to tell what is clear."""
OVERALL = {
    "SRCC with labels",
    "SRCC with the teacher",
    "pairs of one source in order",
    '"not accept": F1',
    '"not accept": accuracy',
}


def make_rows(noise: float, seed: int = 0) -> list[Row]:
    """Rows of 40 photos, clean and with three faults, by something that is off by so much."""
    rng, truth = np.random.default_rng(seed), np.random.default_rng(99)
    rows = []
    for photo in range(40):
        for name, severity in (("clean", 0.0), ("jpeg", 0.4), ("noise", 0.6), ("haze", 0.9)):
            label = float(np.clip(0.95 - 0.9 * severity + truth.normal(0, 0.03), 0, 1))
            teacher = label + float(truth.normal(0, 0.02))
            score = float(np.clip(label + rng.normal(0, noise), 0, 1))
            chance = 1 / (1 + np.exp(-10 * abs(score - 0.6)))
            rows.append(
                {
                    "photo": f"{photo}.jpg",
                    "group": f"group {photo % 20}",
                    "background": "photo",
                    "size": "up to 700 px",
                    "truth": None,
                    "name": name,
                    "severity": severity,
                    "faults": int(severity > 0),
                    "label": label,
                    "teacher": teacher,
                    "score": score,
                    "verdict": "accept" if score >= 0.6 else "retake",
                    "confidence": float(chance),
                    "attributes": {},
                }
            )
    return rows


def test_what_is_compared_with_itself_is_never_told_apart() -> None:
    rows = make_rows(0.1)
    found = against.compare(rows, rows, FEW)
    assert {each.what for each in found} > OVERALL
    assert {each.told for each in found} == {against.EVEN}
    assert all(each.difference.value == 0 and each.ours == each.theirs for each in found)
    flips = against.count_flips(rows, rows)
    assert (flips["flips"], flips["flips_by_kind"]) == (0, {})
    assert flips["score_difference"]["most"] == 0
    same = figures.agree(rows, rows, "itself").estimate
    assert same is not None and same.value == 1


def test_two_that_are_as_good_are_mostly_not_told_apart() -> None:
    told = [
        each.told
        for seed in range(3)
        for each in against.compare(make_rows(0.1, seed), make_rows(0.1, seed + 50), FEW)
    ]
    assert told.count(against.EVEN) / len(told) > 0.8


def test_broken_scores_are_told_worse_and_the_others_better() -> None:
    good, broken = make_rows(0.02), make_rows(1.0, seed=1)
    for ours, theirs, expected in ((broken, good, against.WORSE), (good, broken, against.BETTER)):
        found = {each.what: each for each in against.compare(ours, theirs, FEW)}
        wanted = OVERALL | {figures.CALIBRATION, figures.SELECTIVE, "SRCC with labels, size: up to 700 px"}
        assert {name: found[name].told for name in wanted} == dict.fromkeys(wanted, expected)
    apart = against.compare(broken, good, FEW)[0]
    assert apart.difference.value == pytest.approx(apart.ours - apart.theirs)


def test_few_groups_tell_nothing_apart() -> None:
    rows = [
        [row for row in make_rows(*way) if row["group"] in ("group 1", "group 2")]
        for way in ((0.02,), (1.0, 1))
    ]
    assert {each.told for each in against.compare(*rows, FEW)} == {against.EVEN}


def test_values_are_those_of_the_figures_of_each_alone() -> None:
    ours, theirs = make_rows(0.2), make_rows(0.3, seed=1)
    found = {each.what: each for each in against.compare(ours, theirs, FEW)}
    for rows, side in ((ours, "ours"), (theirs, "theirs")):
        alone = {each.what: each for each in (*figures.verdicts(rows), *figures.confidences(rows))}
        alone |= {each.what: each for each in figures.order_within(rows)}
        alone["SRCC with labels"] = figures.agreement(rows)[1]
        shared = set(alone) & set(found)
        assert len(shared) >= 6
        for name in shared:
            assert getattr(found[name], side) == pytest.approx(alone[name].estimate.value), name


def test_flips_are_counted_by_what_was_said() -> None:
    ours, theirs = make_rows(0.0), make_rows(0.0)
    ours[0]["verdict"], theirs[1]["verdict"] = "retake", "review"
    flips = against.count_flips(ours, theirs)
    before, after = theirs[0]["verdict"], make_rows(0.0)[1]["verdict"]
    assert flips["flips_by_slice"]["size: up to 700 px"] == {"flips": 2, "n": 160}
    assert flips["flips_by_slice"]["name: jpeg"] == {"flips": 1, "n": 40}
    assert flips["flips_by_kind"] == {f"{before} -> retake": 1, f"review -> {after}": 1}


def test_the_table_has_a_row_a_file_with_what_is_told_apart(tmp_path: Path) -> None:
    ours = make_rows(0.0)
    told, beside = (
        [],
        [{"what": "SRCC with labels of the bundle in use, less the teacher's", "estimate": NEAR_ZERO}],
    )
    for name, theirs in (("b-1 same.onnx", ours), ("b-1 broken.tflite", make_rows(0.5))):
        comparisons = [asdict(each) for each in against.compare(ours, theirs, FEW)]
        told.append({"name": name, "comparisons": comparisons, **against.count_flips(ours, theirs)})
        beside.append({"what": f"SRCC with labels of {name}, less the teacher's", "estimate": NEAR_ZERO})
    result = {
        "kind": against.KIND,
        "schema": against.SCHEMA,
        "bundle": "b-1",
        "model": "m.tflite",
        "photos": 40,
    }
    result |= {"scenes": 0, "against": told, "figures": beside}
    (tmp_path / "accuracy-against-b-1.json").write_text(json.dumps(result))
    mine, same, broken = [line.split(" | ") for line in tell_against(tmp_path)[-3:]]
    assert mine[0] == "| b-1 m.tflite (in use)" and mine[1:5] == same[1:5] != broken[1:5]
    assert same[6] == against.EVEN and same[7] == "0 of 160" and same[8] == "0.000 |"
    assert broken[6].startswith("SRCC with labels +0.") and broken[7] != "0 of 160"
    assert tell_against(tmp_path / "nothing") == []


def test_rows_of_other_renderings_are_refused() -> None:
    rows = make_rows(0.1)
    with pytest.raises(ValueError, match="same renderings"):
        against.compare(rows, rows[::-1])


def test_every_model_of_a_bundle_counts_and_a_file_takes_the_place_of_the_one_in_use() -> None:
    found = against.find_others([DEFAULT, DEFAULT / "model.int8.onnx"], None)
    assert [each.model.name for each in found if each.model] == [
        *(each.path for each in Inspector.open().bundle.models),
        "model.int8.onnx",
    ]
    assert describe(found[-1])["runtime"] == "onnx"
    assert against.name_of([DEFAULT, Path("a b/model.int8.onnx")]) == "default-and-model.int8.onnx"


def test_the_file_in_use_given_by_itself_scores_as_the_bundle_does() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    encoded = cv2.imencode(".jpg", cv2.GaussianBlur(pixels, (0, 0), 3))[1].tobytes()
    with Inspector.open() as usual:
        path = DEFAULT / usual.bundle.manifest.in_use[usual.backend.name]
        with Device(None, model=path).open() as given:
            one, two = (each.inspect(encoded) for each in (usual, given))
    assert (one.score, one.attributes, one.confidence) == (two.score, two.attributes, two.confidence)


def test_what_is_neither_bundle_nor_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected the folder of a bundle, or a file"):
        against.find_others([tmp_path / "missing"], None)
    broken = tmp_path / "model.int8.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(BackendError):
        describe(against.find_others([broken], None)[0])
