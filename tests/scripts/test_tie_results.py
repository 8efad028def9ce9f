"""Results are told by which judging they were measured, and nothing else of them changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge_iqa.bundle import DEFAULT, Bundle
from scripts.tie_results import main


@pytest.fixture
def results(tmp_path: Path) -> Path:
    manifest = Bundle.open(DEFAULT).manifest_sha256
    told = {
        "top": {"what": "é", "bundle": "default-1", "manifest_sha256": manifest, "figures": [0.1]},
        "inner": {"bundle": {"label": "default-1", "manifest_sha256": manifest}, "models": {}},
        "other": {"bundle": {"label": "other-1", "manifest_sha256": "0" * 64}},
        "none": {"key": 1, "bundle": "default-1"},
    }
    folder = tmp_path / "results" / "deeper"
    folder.mkdir(parents=True)
    for name, result in told.items():
        (folder / f"{name}.json").write_text(json.dumps(result))
    return folder


def test_results_of_the_bundle_get_its_hash_once_and_others_stay(results: Path) -> None:
    before = {path.name: path.read_bytes() for path in results.iterdir()}
    assert main([str(DEFAULT), "--results", str(results.parent)]) == 0
    judging = Bundle.open(DEFAULT).judging_sha256
    for name, at in (("top.json", lambda result: result), ("inner.json", lambda result: result["bundle"])):
        told, old = json.loads((results / name).read_text()), json.loads(before[name])
        assert at(told).pop("judging_sha256") == judging
        assert told == old
    assert all((results / name).read_bytes() == before[name] for name in ("other.json", "none.json"))
    after = {path.name: path.read_bytes() for path in results.iterdir()}
    assert main([str(DEFAULT), "--results", str(results.parent)]) == 0
    assert {path.name: path.read_bytes() for path in results.iterdir()} == after


def test_a_folder_that_is_no_bundle_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    assert "this is no bundle" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (
            {
                "version": "9.9.9",
                "calibration": {"overall": {"midpoint": 0.5, "temperature": 0.1}, "attributes": {}},
            },
            True,
        ),
        ({"gates": []}, True),
        ({"thresholds": {"accept": 0.99}}, False),
        ({"outputs": {"categories": []}}, False),
        ({"in_use": {"onnx": None}}, False),
    ],
)
def test_only_what_scores_photos_changes_the_hash(change: dict, same: bool, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DEFAULT, tmp_path / "bundle"))
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, value in change.items():
        if name == "in_use":
            del manifest["in_use"]["onnx"]
        elif isinstance(value, dict) and name in manifest:
            manifest[name] |= value
        else:
            manifest[name] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    bundle, other = Bundle.open(DEFAULT), Bundle.open(folder)
    assert bundle.manifest_sha256 != other.manifest_sha256
    assert (bundle.judging_sha256 == other.judging_sha256) is same
