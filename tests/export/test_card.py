"""The card tells costs as the gates measured them, and shows the photos that the packed bundle judges wrongly."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from compression.stages import read_recipe
from edge_iqa import Inspector, Report, Verdict
from edge_iqa.bundle import Bundle
from edge_iqa.codes import CODES
from edge_iqa.verdict import Fault, Judgement
from export import pack
from export.failures import Example, compare, read_examples

BUNDLE_MD = Path(pack.__file__).parent / "BUNDLE.md"
RECIPES = Path(pack.__file__).parents[1] / "compression" / "recipes"
HEADER = ["path", "accepted", "issues", "shows", "licence"]


def make_costs(**machine: object) -> dict:
    """What `compression.gates` tells, with figures that stand nowhere else."""
    estimate = {"value": 4.321, "low": 4.0, "high": 5.0}
    return {
        "device": "host",
        "machine": {
            "cpu": "Abacus 9",
            "int8_products": True,
            "architecture": "x86_64",
            "cores": 6,
            **machine,
        },
        "usage": {},
        "warnings": ["other processes used 0.95 of 6 core(s) during the run"],
        "versions": {"tflite": "litert 7.7", "onnx": "onnxruntime 8.8"},
        "threads": 1,
        "photos": 9,
        "files": {
            "model.int8.tflite": {
                "n": 217,
                "p50_ms": estimate,
                "p90_ms": {**estimate, "value": 6.789},
                "p99_ms": None,
                "macs": 10_000_000,
                "int8_macs": 8_000_000,
                "weight_bytes": 1_230_000,
                "activation_bytes": 2_000_000,
            }
        },
    }


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, draw_photo: Callable) -> list[Path]:
    """Six drawn photos, larger than a picture in the card."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"photo {seed}.png" for seed in range(6)]
    for seed, path in enumerate(paths):
        pixels = draw_photo(np.random.default_rng(seed))
        Image.fromarray(pixels).resize((400, 300), Image.Resampling.BICUBIC).save(path)
    return paths


@pytest.fixture
def run(artifacts_folder: Path, photos: list[Path], tmp_path: Path) -> Callable[..., int]:
    def run(*more: object) -> int:
        told = [
            "--artifacts",
            artifacts_folder,
            "--golden",
            photos[0],
            "--out",
            tmp_path / "out",
            "--replace",
        ]
        return pack.main([str(each) for each in (*told, *more)])

    return run


@pytest.fixture
def reports(run: Callable[..., int], photos: list[Path], tmp_path: Path) -> list[Report]:
    """What a device hears of each photo from the bundle on disk."""
    assert run() == 0
    with Inspector.open(tmp_path / "out" / "default-0.1.0") as inspector:
        return [inspector.inspect(photo) for photo in photos]


@pytest.fixture
def read_card(tmp_path: Path) -> Callable[[], str]:
    return lambda: (tmp_path / "out" / "default-0.1.0" / "MODEL_CARD.md").read_text()


def write_truth(path: Path, rows: list[list[object]], header: list[str] = HEADER) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def agree(photo: Path, report: Report) -> list[object]:
    """A row that says of a photo what the bundle says."""
    accepted = "yes" if report.verdict is Verdict.ACCEPT else "no"
    return [photo, accepted, " ".join(issue.code for issue in report.issues), "boxes", "CC0-1.0, by nobody"]


def make_run(**more: object) -> dict:
    """What a run of distillation leaves on record."""
    return {"data": "shoes.csv", "teacher": "large.pt", "weights": {"label": 0.3}, "photos": [9, 3], **more}


def make_quantized(folder: Path, runtime: str, how: dict, sha256: str | None = None) -> bytes:
    """What `compression.quantize` tells of an int8 file."""
    name = f"model.int8.{runtime}"
    found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    report = {"files": {name: {"sha256": sha256 or found}}, "chosen": {runtime: how}}
    return json.dumps(report).encode()


def shrink(photo: Path) -> np.ndarray:
    """A photo as Pillow makes it small."""
    return np.asarray(Image.open(photo).resize((160, 120), Image.Resampling.BOX))


# costs


def test_costs_are_told_with_the_machine_that_they_were_measured_on(run, edit_gates, read_card) -> None:
    edit_gates(lambda report: report.update(costs=make_costs()))
    assert run() == 0
    card = read_card()
    assert "## What it costs" in card
    for words in (
        "1 thread of a host",
        "Abacus 9, with 8-bit dot products",
        "6 cores",
        "litert 7.7",
        "217 repeats",
    ):
        assert words in card
    assert "| `model.int8.tflite` | 4.32 | 6.79 |" in card
    assert "| `model.int8.tflite` | 10.0 | 80% | 1.23 | 2.00 | 3.23 |" in card
    assert "Doubtful: other processes used 0.95" in card


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"int8_products": False}, "Abacus 9, without 8-bit dot products"),
        (
            {"int8_products": None, "cpu": None},
            "a processor that does not tell its name, which does not tell",
        ),
    ],
)
def test_what_a_machine_does_not_have_or_tell_is_said(run, edit_gates, read_card, facts, told) -> None:
    edit_gates(lambda report: report.update(costs=make_costs(**facts)))
    assert run() == 0 and told in read_card()


def test_a_gate_report_from_before_costs_is_packed_without_them(run, read_card) -> None:
    assert run() == 0
    assert "What it costs" not in read_card() and "Known failures" not in read_card()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda costs: costs.pop("threads"), "costs: the field 'threads' is missing"),
        (lambda costs: costs["machine"].update(cpu=7), "costs.machine.cpu: expected text"),
        (
            lambda costs: costs["files"]["model.int8.tflite"].update(macs=1.5),
            "tflite.macs: expected a whole number",
        ),
        (lambda costs: costs["files"].update({"model.x.onnx": {}}), "expected what one of the models costs"),
    ],
)
def test_costs_that_the_card_could_not_tell_are_refused_by_name(run, edit_gates, capsys, spoil, says) -> None:
    costs = make_costs()
    spoil(costs)
    edit_gates(lambda report: report.update(costs=costs))
    assert run() == 1
    assert says in capsys.readouterr().err


# how it was made

UNKNOWN = (
    "MobileNet",
    "rated",
    "by code",
    "its teacher",
    "int8 while",
    "cut from",
    "NOTICE",
    "Apache",
    "Licence",
    "source photos",
)
"""Words of what only a run's record, or who packs, can tell."""


@pytest.mark.parametrize(
    "recipe", [None, {}, {"student": "by hand"}, {"student": {"weights": 7, "rated_photos": 7}}]
)
def test_nothing_is_said_of_a_training_that_is_not_on_record(run, edit_gates, read_card, recipe) -> None:
    edit_gates(lambda report: report["lineage"].update(recipe=recipe))
    assert run() == 0
    card = read_card()
    assert not [words for words in UNKNOWN if words in card]
    assert "## How it was made" in card and "exported to ONNX and TFLite" in card
    assert "quantized to int8 after training" in card


@pytest.mark.parametrize(
    ("recorded", "told", "silent"),
    [
        ({}, ["learned to answer as its teacher does", "degraded by code"], ["rated them", "int8 while"]),
        ({"teacher": None}, ["degraded by code"], ["its teacher"]),
        ({"weights": {"label": 0}}, ["its teacher"], ["by code", "source photos"]),
        ({"architecture": "patchnet"}, ["student (patchnet) learned"], ["MobileNet"]),
        ({"rated_photos": [0, 0]}, ["no person rated"], ["what people said"]),
        ({"rated_photos": "many"}, ["degraded by code"], ["rated", "what people said"]),
        ({"rated_photos": ["5", None]}, ["degraded by code"], ["rated", "what people said"]),
        ({"rated_photos": [5, 2]}, ["of 7 photos, what people said"], ["no person"]),
        ({"unlabeled_photos": 40}, ["40 more photos, which the teacher alone judged"], []),
        ({"follow": "f" * 64}, ["cut from a wider student", f"| `{'f' * 64}` |"], []),
        (
            {},
            ["| photos to train on; to choose the epoch by | 9; 3 |"],
            ["| epoch", "SRCC with its teacher on val"],
        ),
        (
            {"val": {"epoch": 5.0, "srcc_teacher": 0.96377}},
            ["| epoch taken | 5 |", "| SRCC with its teacher on val | 0.964 |"],
            [],
        ),
        ({"photos": ["9", 3], "val": {"epoch": "5"}}, ["degraded by code"], ["epoch by", "| epoch"]),
        ({"aware": True}, ["computed in steps of int8 while it learned"], []),
    ],
)
def test_of_the_training_the_card_tells_what_is_on_record(
    run, edit_gates, read_card, recorded, told, silent
) -> None:
    edit_gates(lambda report: report["lineage"].update(recipe={"student": make_run(**recorded)}))
    assert run() == 0
    card = read_card()
    assert [words for words in told if words in card] == told
    assert not [words for words in silent if words in card]
    assert "| data | shoes.csv |" in card


def test_files_without_int8_are_not_said_to_be_quantized(plain_folder, photos, tmp_path) -> None:
    told = ["--artifacts", plain_folder, "--golden", photos[0], "--out", tmp_path / "out"]
    assert pack.main([str(each) for each in told]) == 0
    card = (tmp_path / "out" / "default-0.1.0" / "MODEL_CARD.md").read_text()
    assert "exported to ONNX and TFLite" in card and "quantized" not in card and "int8 models" not in card


def test_a_licence_is_written_only_where_one_is_given(run, read_card) -> None:
    assert run("--licence", "MIT, see LICENSE") == 0
    assert "## Licence\n\nMIT, see LICENSE\n" in read_card()


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_recipes_that_come_along_give_their_licence(path: Path) -> None:
    arguments = read_recipe(path).stages["pack"]
    assert arguments[arguments.index("--licence") + 1] == "Apache-2.0"


@pytest.mark.parametrize(
    ("how", "count"), [({"float_layers": [0, 3, 7]}, 3), ({"float_layers": []}, 0), ({"keep_float": 17}, 17)]
)
def test_convolutions_that_stayed_float_are_counted_where_the_report_tells(
    run, artifacts_folder, read_card, how, count
) -> None:
    report = make_quantized(artifacts_folder, "tflite", how)
    (artifacts_folder / "quantize.json").write_bytes(report)
    assert run() == 0
    assert f"stayed float: `model.int8.tflite` {count}." in read_card()


def test_of_float_convolutions_nothing_is_said_without_a_report_on_these_files(
    run, artifacts_folder, read_card
) -> None:
    for report in (None, b"{}", make_quantized(artifacts_folder, "onnx", {"keep_float": 3}, "0" * 64)):
        if report is not None:
            (artifacts_folder / "quantize.json").write_bytes(report)
        assert run() == 0
        assert "stayed float" not in read_card() and "int8 convolutions" not in read_card()


def test_a_report_on_quantization_that_is_none_is_refused_by_name(run, artifacts_folder, capsys) -> None:
    report = make_quantized(artifacts_folder, "onnx", {"keep_float": "few"})
    (artifacts_folder / "quantize.json").write_bytes(report)
    assert run() == 1
    assert "quantize.json: chosen.onnx.keep_float: expected a whole number" in capsys.readouterr().err


def test_slices_too_small_to_measure_are_told_with_their_size(run, edit_gates, read_card) -> None:
    small = {"kind": "category", "name": "shoe", "n": 190, "groups": 19, "estimate": None}
    edit_gates(lambda report: report.update(slices=[small]))
    assert run() == 0
    told = "Too few photos to measure by themselves:\n\n- category: shoe (190 images from 19 groups)"
    assert told in read_card()


# known failures


def test_only_photos_that_the_bundle_judges_wrongly_are_shown(
    run, reports, photos, read_card, tmp_path
) -> None:
    rows = [agree(*each) for each in zip(photos, reports, strict=True)]
    rows[2][1] = "no" if rows[2][1] == "yes" else "yes"
    rows[2][3] = "boxes | bars"
    assert run("--examples", write_truth(tmp_path / "truth.csv", rows), "--trim", tmp_path / "wheel") == 0
    card = read_card()
    assert "6 photos of known truth" in card and "1 wrongly" in card
    (line,) = [line for line in card.splitlines() if "failures/" in line]
    for words in (
        "![photo 2.png](failures/photo-2.jpg)",
        "boxes \\| bars",
        f"| {'accepted' if rows[2][1] == 'yes' else 'not accepted'}, ",
        f"{reports[2].verdict.value}, score {reports[2].score:.1f}",
        "| verdict |",
        "CC0-1.0, by nobody",
    ):
        assert words in line
    for folder in (tmp_path / "out" / "default-0.1.0", tmp_path / "wheel"):
        bundle = Bundle.open(folder)
        pictures = [entry.path for entry in bundle.manifest.files if entry.path.startswith("failures/")]
        assert pictures == ["failures/photo-2.jpg"]
        shown = cv2.imdecode(np.frombuffer(bundle.read(pictures[0]), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert shown.shape == (120, 160, 3)
        apart = [np.abs(shown.astype(int) - shrink(photo)).mean() for photo in photos]
        assert apart[2] < 12 < min(apart[:2] + apart[3:])
        assert np.abs(shown[..., ::-1].astype(int) - shrink(photos[2])).mean() > 12, "red is red"


def test_that_none_of_so_many_is_judged_wrongly_is_told(run, reports, photos, read_card, tmp_path) -> None:
    rows = [agree(*each) for each in zip(photos, reports, strict=True)]
    assert run("--examples", write_truth(tmp_path / "truth.csv", rows)) == 0
    assert "6 photos of known truth" in read_card() and "none of them wrongly" in read_card()
    assert not (tmp_path / "out" / "default-0.1.0" / "failures").exists()


def test_everything_that_lies_in_a_bundle_is_in_the_text_on_its_folder(
    run, reports, photos, tmp_path
) -> None:
    rows = [agree(*each) for each in zip(photos, reports, strict=True)]
    rows[0][1] = "no" if rows[0][1] == "yes" else "yes"
    assert run("--examples", write_truth(tmp_path / "truth.csv", rows)) == 0
    manifest = json.loads((tmp_path / "out" / "default-0.1.0" / "manifest.json").read_text())
    text = BUNDLE_MD.read_text().partition("## The folder")[2].partition("## manifest.json")[0]
    folders = {entry["path"].partition("/")[0] for entry in manifest["files"] if "runtime" not in entry}
    assert folders == {"golden", "reports", "failures", "MODEL_CARD.md"}
    assert all(f"`{folder}" in text for folder in folders)


@pytest.mark.parametrize(
    ("accepted", "issues", "verdict", "said", "wrong"),
    [
        (True, "", "accept", "", ()),
        (True, "", "accept", "COLOR_CAST", ("issue",)),
        (True, None, "accept", "COLOR_CAST", ()),
        (True, "", "review", "", ("verdict",)),
        (True, "", "retake", "BLUR", ("verdict", "issue")),
        (False, "BLUR", "retake", "BLUR", ()),
        (False, "BLUR NOISE", "review", "NOISE BLUR", ()),
        (False, "BLUR_MOTION", "retake", "BLUR", ()),
        (False, "TOO_DARK", "retake", "TOO_BRIGHT", ("issue",)),
        (False, "BLUR", "retake", "BLUR NOISE", ()),
        (False, "BLUR", "retake", "NOISE BLUR", ("issue",)),
        (False, "BLUR", "accept", "", ("verdict",)),
    ],
)
def test_a_verdict_is_wrong_if_it_accepts_what_it_should_not_and_a_hint_if_the_first_is(
    accepted, issues, verdict, said, wrong
) -> None:
    example = Example(Path("x.jpg"), accepted, None if issues is None else frozenset(issues.split()), "", "")
    named = tuple(Fault(code, CODES[code].attribute, 0.5) for code in said.split())
    assert compare(example, Judgement(Verdict(verdict), named, 0.5)) == wrong


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"path": "gone.jpg"}, "line 2: path: expected a photo beside the CSV, got 'gone.jpg'"),
        ({"accepted": "maybe"}, "line 2: accepted: expected yes or no, got 'maybe'"),
        ({"licence": " "}, "line 2: licence: expected the licence under which"),
        ({"issues": "BLUR UGLY"}, "line 2: issues: expected codes of BLUR"),
    ],
)
def test_a_row_without_truth_or_licence_is_refused_by_its_line(
    run, photos, tmp_path, capsys, change, says
) -> None:
    row = {"path": photos[0], "accepted": "yes", "issues": "", "shows": "", "licence": "CC0-1.0", **change}
    assert run("--examples", write_truth(tmp_path / "truth.csv", [[row[name] for name in HEADER]])) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_list_without_licences_is_refused_and_one_without_issues_is_not(
    run, photos, tmp_path, capsys
) -> None:
    bare = write_truth(tmp_path / "bare.csv", [[photos[0], "yes"]], HEADER[:2])
    assert run("--examples", bare) == 1 and "add licence" in capsys.readouterr().err
    few = write_truth(tmp_path / "few.csv", [[photos[0], "no", "CC0-1.0"]], ["path", "accepted", "licence"])
    (example,) = read_examples(few)
    assert (example.accepted, example.issues, example.shows) == (False, None, "")


def test_photos_whose_pictures_would_have_one_name_and_no_photos_are_refused(
    run, photos, tmp_path, capsys
) -> None:
    twice = write_truth(tmp_path / "twice.csv", [[photos[0], "yes", "", "", "CC0-1.0"]] * 2)
    assert run("--examples", twice) == 1 and "photos of different names" in capsys.readouterr().err
    assert run("--examples", write_truth(tmp_path / "none.csv", [])) == 1
    assert "photos of different names, got none" in capsys.readouterr().err
    assert run("--examples", tmp_path / "gone.csv") == 1
    assert "gone.csv: expected a CSV in UTF-8" in capsys.readouterr().err


def test_an_example_that_is_no_photo_is_named(run, tmp_path, capsys) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    truth = write_truth(tmp_path / "truth.csv", [["broken.jpg", "no", "", "", "CC0-1.0"]])
    assert run("--examples", truth) == 1
    assert "broken.jpg: expected a photo" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
