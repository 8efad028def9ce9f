"""`export/BUNDLE.md` is enough: a reader written from it alone agrees with `edge_iqa`."""

from __future__ import annotations

import ast
import itertools
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import edge_iqa
from edge_iqa import Inspector, Verdict, image, views
from edge_iqa.bundle import Bundle
from edge_iqa.calibration import Curve
from edge_iqa.codes import CODES, name_by_scores
from edge_iqa.frame import Frame
from edge_iqa.luma import measure_luma
from edge_iqa.manifest import ATTRIBUTES, RUNTIMES, Thresholds
from edge_iqa.verdict import Judgement, judge
from edge_iqa.views import ViewSpec
from tests.export import port

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = Path(edge_iqa.__file__).parent / "bundles" / "default"
TEXT = (ROOT / "export" / "BUNDLE.md").read_text()
VERDICTS = ("accept", "retake", "review")
PHOTOS = sorted((ROOT / "examples" / "photos").glob("*.jpg"))


def test_the_reader_knows_nothing_of_this_project() -> None:
    tree = ast.parse(Path(port.__file__).read_text())
    names = [
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    ours = {path.name for path in ROOT.iterdir() if path.is_dir()}
    assert "cv2" in names and not {name.split(".")[0] for name in names} & ours


def read_rows(section: str) -> list[list[str]]:
    """The cells of the first table of a section of the text."""
    lines = TEXT.partition(f"\n## {section}\n")[2].partition("\n## ")[0].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| ---"))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 1 :])
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def spell_out(cell: str) -> list[str]:
    """Names between backticks; one that starts with a dot goes on from the one before."""
    names: list[str] = []
    for name in re.findall(r"`([^`]+)`", cell):
        names.append(names[-1].rpartition(".")[0] + name if name.startswith(".") else name)
    return names


def test_the_table_of_the_manifest_has_a_row_for_each_field_and_no_other() -> None:
    manifest = port.read_bundle(DEFAULT)
    split = ("views", "outputs", "thresholds", "calibration", "tolerance")
    fields = {key for key in manifest if key not in split}
    fields |= {f"{key}.{name}" for key in split for name in manifest[key]}
    told = [name for row in read_rows("manifest.json") for name in spell_out(row[0])]
    assert sorted(told) == sorted(fields)


def test_the_fields_of_files_and_golden_photos_are_in_the_text() -> None:
    manifest = port.read_bundle(DEFAULT)
    (row,) = [row for row in read_rows("manifest.json") if row[0] == "`files`"]
    assert set(spell_out(row[1])) == {field for entry in manifest["files"] for field in entry}
    proof = TEXT.partition("\n## Prove it\n")[2]
    assert all(re.search(rf"`{field}\b", proof) for entry in manifest["golden"] for field in entry)


def test_the_table_of_codes_has_every_code_and_attribute_once() -> None:
    rows = [[spell_out(cell) for cell in row] for row in read_rows("From scores to a verdict")]
    codes = {name: codes for (name,), codes in rows}
    assert codes.pop("exposure") == ["TOO_DARK", "dark_below", "TOO_BRIGHT"]
    assert {name: [code] for name, code in port.CODES.items()} == codes
    assert {*port.CODES, "exposure"} == set(ATTRIBUTES) and len(rows) == len(ATTRIBUTES)
    by_scores = {*port.CODES.values(), "TOO_DARK", "TOO_BRIGHT", "EMPTY"}
    assert (
        by_scores == {name_by_scores(code) for code in (*by_scores, "BLUR_MOTION", "UPSCALED")} <= set(CODES)
    )
    assert "`EMPTY`" in TEXT


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_shipped_bundle_proves_itself_to_a_reader_of_the_text(runtime: str) -> None:
    manifest = port.read_bundle(DEFAULT)
    assert len(manifest["golden"]) == 3
    assert all(port.is_proven(DEFAULT, manifest, golden, runtime) for golden in manifest["golden"])


def test_a_wrong_model_proves_nothing(tmp_path: Path) -> None:
    """The control: red and blue changed places in the golden scores' photo, or another model's line."""
    folder = Path(shutil.copytree(DEFAULT, tmp_path / "bundle"))
    manifest = port.read_bundle(folder)
    first, second, _ = manifest["golden"]
    for runtime in RUNTIMES:
        assert not port.is_proven(folder, manifest, {**first, "scores": second["scores"]}, runtime)
        assert not port.is_proven(folder, manifest, {**first, "photo": second["photo"]}, runtime)
    (folder / manifest["in_use"]["tflite"]).write_bytes(b"altered")
    with pytest.raises(AssertionError):
        port.read_bundle(folder)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_it_cuts_the_views_and_says_what_the_device_does(path: Path, runtime: str) -> None:
    manifest = port.read_bundle(DEFAULT)
    spec = ViewSpec(**manifest["views"])
    photo = port.decode(path.read_bytes(), spec.long_side_px)
    cut = port.cut(photo, spec.size_px, spec.detail, spec.long_side_px)
    frame = image.read(path, long_side_px=spec.long_side_px)
    assert np.array_equal(cut, views.cut(frame, spec))
    scores = port.run((DEFAULT / manifest["in_use"][runtime]).read_bytes(), cut, runtime)["scores"][0]
    compare(port.judge(scores, photo, manifest), inspect(path, runtime))
    if path.stem == "coffee-dark":
        assert port.judge(scores, photo, manifest).codes == ["TOO_DARK"]


def inspect(photo: Path | np.ndarray, runtime: str) -> Judgement:
    """What the device says of a photo by its scores: its report's, and the verdict on them without measurements."""
    with Inspector.open(backend={"onnx": "onnx", "tflite": "litert"}[runtime]) as inspector:
        report = inspector.inspect(photo)
    thresholds = Bundle.open().manifest.thresholds
    frame = image.read(photo, long_side_px=1600)
    attributes = {name: value / 100 for name, value in report.attributes.items()}
    judged = judge(report.score / 100, attributes, measure_luma(frame), thresholds)
    assert (judged.verdict is Verdict.ACCEPT) is (report.verdict is Verdict.ACCEPT)
    return judged


def compare(told: port.Judgement, device: Judgement) -> None:
    assert told.verdict == device.verdict.value
    assert told.codes == [fault.code for fault in device.faults]
    assert told.severities == pytest.approx([fault.severity for fault in device.faults], abs=1e-5)
    assert told.overall == pytest.approx(device.overall, abs=1e-5)


@given(
    scores=st.lists(st.sampled_from((0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)), min_size=7, max_size=7),
    light=st.integers(10, 245),
    order=st.permutations(ATTRIBUTES),
)
@settings(max_examples=200)
def test_it_names_the_same_issues_in_the_same_order_for_any_scores(
    scores: list[float], light: int, order: list[str]
) -> None:
    manifest = port.read_bundle(DEFAULT)
    bounds = {**manifest["thresholds"], "attributes": dict.fromkeys(ATTRIBUTES, 0.5) | {"color": 0.0}}
    changed = {**manifest, "outputs": {"attributes": order}, "thresholds": bounds}
    photo = np.random.default_rng(light).integers(light - 10, light + 11, (40, 300, 3), np.uint8)
    named = dict(zip(order, scores[1:], strict=True))
    device = judge(scores[0], named, measure_luma(Frame(photo, 300, 40)), Thresholds(**bounds))
    compare(port.judge(np.array(scores), photo, changed), device)


@given(
    score=st.floats(0, 1),
    midpoint=st.floats(-1, 2),
    temperature=st.sampled_from((1e-6, 1e-3, 0.06, 0.5, 10.0)),
)
@settings(max_examples=100)
def test_it_is_as_sure_as_the_device(score: float, midpoint: float, temperature: float) -> None:
    curve = Curve(midpoint, temperature)
    calibration = {"overall": {"midpoint": midpoint, "temperature": temperature}}
    told = [port.find_confidence(each, np.array([score]), {"calibration": calibration}) for each in VERDICTS]
    chance = curve.chance(score)
    assert told == pytest.approx([chance, 1 - chance, 1 - chance], abs=1e-12)
    assert max(told) == pytest.approx(curve.confidence(score))


def test_the_shipped_bundle_is_surer_of_what_is_clearly_good_or_bad() -> None:
    manifest = port.read_bundle(DEFAULT)
    sure = {
        golden["photo"]: port.find_confidence(
            golden["verdict"], np.array(golden["scores"][manifest["in_use"]["tflite"]]), manifest
        )
        for golden in manifest["golden"]
    }
    assert min(sure.values()) > 0.9
    bounds = manifest["thresholds"]
    nearly = np.array([(bounds["accept"] + bounds["reject"]) / 2])
    assert port.find_confidence("review", nearly, manifest) < 0.7


@given(
    height=st.integers(32, 700),
    width=st.integers(32, 700),
    size=st.sampled_from((32, 48, 64)),
    detail=st.integers(0, 5),
    long_side_px=st.sampled_from((64, 100, 300, 1600)),
    seed=st.integers(0, 99),
)
@example(height=40, width=41, size=64, detail=2, long_side_px=1600, seed=0)  # smaller than a view
@example(height=33, width=700, size=32, detail=5, long_side_px=64, seed=1)  # a strip
@example(height=257, width=513, size=32, detail=3, long_side_px=128, seed=2)  # odd halves
@settings(max_examples=60, deadline=None)
def test_it_cuts_the_same_views_from_photos_of_any_shape(
    height: int, width: int, size: int, detail: int, long_side_px: int, seed: int
) -> None:
    photo = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    photo[: height // 2] //= 16  # richer below than above
    expected = views.cut(Frame(photo, width, height), ViewSpec(size, detail, long_side_px))
    assert np.array_equal(port.cut(photo, size, detail, long_side_px), expected)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_flat_photo_is_empty_whatever_the_model_says(runtime: str) -> None:
    flat = np.full((300, 400, 3), 128, np.uint8)
    told = port.judge(np.ones(7), flat, port.read_bundle(DEFAULT))
    assert (told.verdict, told.codes, told.overall) == ("retake", ["EMPTY"], 0)
    compare(told, inspect(flat, runtime))
