"""`export/BUNDLE.md` is enough: a reader written from it alone agrees with `edge_iqa`."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import edge_iqa
from edge_iqa import Inspector, image, views
from edge_iqa.frame import Frame
from edge_iqa.views import ViewSpec
from tests.export import port

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = Path(edge_iqa.__file__).parent / "bundles" / "default"
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


def test_every_field_of_a_manifest_is_in_the_text() -> None:
    text = (ROOT / "export" / "BUNDLE.md").read_text()
    named = set(re.findall(r"[a-z_0-9]+", text))
    manifest = port.read_bundle(DEFAULT)
    for part in (manifest, *(manifest[key] for key in ("views", "outputs", "thresholds", "tolerance"))):
        assert set(part) <= named
    for key in ("files", "golden"):
        assert {field for entry in manifest[key] for field in entry} <= named


def test_the_shipped_bundle_proves_itself_to_a_reader_of_the_text() -> None:
    manifest = port.read_bundle(DEFAULT)
    assert len(manifest["golden"]) == 3
    assert all(port.is_proven(DEFAULT, manifest, golden) for golden in manifest["golden"])


def test_a_wrong_model_proves_nothing(tmp_path: Path) -> None:
    """The control: red and blue changed places in the golden scores' photo, or another model's line."""
    folder = Path(shutil.copytree(DEFAULT, tmp_path / "bundle"))
    manifest = port.read_bundle(folder)
    first, second, _ = manifest["golden"]
    assert not port.is_proven(folder, manifest, {**first, "scores": second["scores"]})
    assert not port.is_proven(folder, manifest, {**first, "photo": second["photo"]})
    (folder / manifest["in_use"]["tflite"]).write_bytes(b"altered")
    with pytest.raises(AssertionError):
        port.read_bundle(folder)


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_it_cuts_the_views_and_gives_the_verdict_that_the_device_does(path: Path) -> None:
    manifest = port.read_bundle(DEFAULT)
    spec = ViewSpec(**manifest["views"])
    photo = port.decode(path.read_bytes(), spec.long_side_px)
    cut = port.cut(photo, spec.size_px, spec.detail, spec.long_side_px)
    frame = image.read(path, long_side_px=spec.long_side_px)
    assert np.array_equal(cut, views.cut(frame, spec))
    scores = port.run((DEFAULT / manifest["in_use"]["tflite"]).read_bytes(), cut)["scores"][0]
    with Inspector.open(backend="litert") as inspector:
        report = inspector.inspect(path)
    assert report.score == pytest.approx(100 * scores[0], abs=1e-3)
    verdict, faults = port.judge(scores, photo, manifest)
    assert (verdict, len(faults)) == (report.verdict.value, len(report.issues))


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


def test_a_flat_photo_is_refused_whatever_the_model_says() -> None:
    manifest = port.read_bundle(DEFAULT)
    flat = np.full((300, 400, 3), 128, np.uint8)
    assert port.judge(np.ones(7), flat, manifest) == ("retake", [])
