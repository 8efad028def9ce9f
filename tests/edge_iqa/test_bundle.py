"""A bundle opens only where every byte of it is what its manifest says."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_iqa import Inspector
from edge_iqa.bundle import DEFAULT, Bundle
from edge_iqa.errors import BackendError, BundleError
from edge_iqa.manifest import MAX_BYTES, Manifest, read_manifest

MANIFEST = json.loads((DEFAULT / "manifest.json").read_text())
FILES = [entry["path"] for entry in MANIFEST["files"]]
MODEL = next(iter(MANIFEST["in_use"].values()))

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need rights there")


def test_manifest_is_read_as_it_stands() -> None:
    bundle = Bundle.open()
    manifest = bundle.manifest
    assert (bundle.name, bundle.version, bundle.experimental) == (
        MANIFEST["name"],
        MANIFEST["version"],
        MANIFEST["experimental"],
    )
    assert bundle.label == f"{MANIFEST['name']}-{MANIFEST['version']}"
    assert manifest.views.shape == (1 + MANIFEST["views"]["detail"], *[MANIFEST["views"]["size_px"]] * 2, 3)
    assert list(manifest.outputs.attributes) == MANIFEST["outputs"]["attributes"]
    assert manifest.thresholds.attributes == MANIFEST["thresholds"]["attributes"]
    assert manifest.in_use == MANIFEST["in_use"]
    assert [gate.name for gate in manifest.gates] == [gate["name"] for gate in MANIFEST["gates"]]
    assert manifest.lineage.recipe == (MANIFEST["lineage"].get("recipe") or {})
    manifest_bytes = (DEFAULT / "manifest.json").read_bytes()
    assert bundle.manifest_sha256 == hashlib.sha256(manifest_bytes).hexdigest()


def test_bytes_that_are_read_hash_to_what_the_manifest_says(bundle: Bundle) -> None:
    for entry in MANIFEST["files"]:
        assert hashlib.sha256(bundle.read(entry["path"])).hexdigest() == entry["sha256"]


def test_model_is_found_by_use_and_by_precision(bundle: Bundle) -> None:
    assert bundle.models
    for entry in bundle.models:
        assert entry.runtime is not None
        assert bundle.model(entry.runtime, entry.precision) == (DEFAULT / entry.path).read_bytes()
    for runtime, path in MANIFEST["in_use"].items():
        assert bundle.model(runtime) == (DEFAULT / path).read_bytes()
    with pytest.raises(BundleError, match="fp64"):
        bundle.model(next(iter(MANIFEST["in_use"])), "fp64")


def test_folder_of_the_bundle_may_be_reached_by_a_link(bundle_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(bundle_copy)
    assert Bundle.open(tmp_path / "current").name == MANIFEST["name"]


@pytest.mark.parametrize("path", FILES)
def test_one_flipped_bit_in_any_file_is_found(path: str, bundle_copy: Path) -> None:
    data = bytearray((bundle_copy / path).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle_copy / path).write_bytes(data)
    with pytest.raises(BundleError, match="altered") as caught:
        Bundle.open(bundle_copy)
    assert Path(path).name in str(caught.value)


@pytest.mark.parametrize("cut", [0, 1, -1], ids=["empty", "one byte", "one byte less"])
def test_truncated_file_is_found(cut: int, bundle_copy: Path) -> None:
    (bundle_copy / MODEL).write_bytes((bundle_copy / MODEL).read_bytes()[:cut])
    with pytest.raises(BundleError, match="fewer"):
        Bundle.open(bundle_copy)


def test_longer_file_is_found(bundle_copy: Path) -> None:
    with (bundle_copy / MODEL).open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(BundleError, match="more"):
        Bundle.open(bundle_copy)


@pytest.mark.parametrize("path", FILES)
def test_missing_file_is_found(path: str, bundle_copy: Path) -> None:
    (bundle_copy / path).unlink()
    with pytest.raises(BundleError, match="missing"):
        Bundle.open(bundle_copy)


@pytest.mark.parametrize("path", ["extra.txt", "golden/extra.jpg", "new/deep/extra", ".hidden"])
def test_file_that_is_not_listed_is_found(path: str, bundle_copy: Path) -> None:
    (bundle_copy / path).parent.mkdir(parents=True, exist_ok=True)
    (bundle_copy / path).write_bytes(b"")
    with pytest.raises(BundleError, match="not listed"):
        Bundle.open(bundle_copy)


@needs_links
@pytest.mark.parametrize("path", [MODEL, "manifest.json", "golden"])
def test_link_is_refused_though_what_it_points_to_is_right(
    path: str, bundle_copy: Path, tmp_path: Path
) -> None:
    shutil.move(bundle_copy / path, tmp_path / "elsewhere")
    (bundle_copy / path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="link"):
        Bundle.open(bundle_copy)


@needs_links
def test_pipe_is_refused_and_not_waited_for(bundle_copy: Path) -> None:
    (bundle_copy / MODEL).unlink()
    os.mkfifo(bundle_copy / MODEL)
    with pytest.raises(BundleError, match="plain file"):
        Bundle.open(bundle_copy)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../outside", "golden/../../outside", "a\\b", "C:x", "", "a//b", "./a", "manifest.json"],
)
def test_path_that_could_leave_the_bundle_is_refused(
    path: str, edit_manifest: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "outside").write_bytes(b"")
    entry = {"path": path, "sha256": hashlib.sha256(b"").hexdigest(), "bytes": 0}
    with pytest.raises(BundleError, match=r"files\[\d+\]\.path"):
        Bundle.open(edit_manifest(lambda manifest: manifest["files"].append(entry)))


def test_file_altered_after_opening_is_not_handed_out(bundle_copy: Path) -> None:
    bundle = Bundle.open(bundle_copy)
    data = bytearray((bundle_copy / MODEL).read_bytes())
    data[-1] ^= 1
    (bundle_copy / MODEL).write_bytes(data)
    with pytest.raises(BundleError, match="altered"):
        bundle.read(MODEL)


def test_what_is_not_listed_is_not_handed_out(bundle: Bundle) -> None:
    for path in ("manifest.json", "../__init__.py", "nothing"):
        with pytest.raises(BundleError, match="not a file of this bundle"):
            bundle.read(path)


@pytest.mark.parametrize("runtime", MANIFEST["in_use"])
def test_hashes_are_checked_before_a_model_is_parsed(
    runtime: str, edit_manifest: Callable[..., Path], bundle_copy: Path
) -> None:
    """A file that is no model at all is an altered file first, and a bad model only with the right hash."""
    name = "litert" if runtime == "tflite" else runtime
    path, garbage = MANIFEST["in_use"][runtime], b"no model"
    (bundle_copy / path).write_bytes(garbage)
    with pytest.raises(BundleError):
        Inspector.open(bundle_copy, backend=name)

    def admit(manifest: dict[str, Any]) -> None:
        entry = next(entry for entry in manifest["files"] if entry["path"] == path)
        entry.update(bytes=len(garbage), sha256=hashlib.sha256(garbage).hexdigest())

    with pytest.raises(BackendError):
        Inspector.open(edit_manifest(admit), backend=name)


@pytest.mark.parametrize("path", ["nowhere", "manifest.json"])
def test_folder_that_is_none_is_refused(path: str, bundle_copy: Path) -> None:
    with pytest.raises(BundleError, match="expected the folder of a bundle"):
        Bundle.open(bundle_copy / path)


def test_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle"):
        Bundle.open(tmp_path)


def test_oversize_manifest_is_refused_unread(bundle_copy: Path) -> None:
    with (bundle_copy / "manifest.json").open("ab") as stream:
        stream.write(b" " * MAX_BYTES)  # blanks at the end: valid JSON, were it read
    with pytest.raises(BundleError, match="at most"):
        Bundle.open(bundle_copy)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"schema": 1, "schema": 1}',
        b'{"schema": ' + b"9" * 5000 + b"}",
        b'{"schema": NaN}',
    ],
    ids=[
        "empty", "cut", "UTF-16", "null", "list", "deep", "name twice", "huge number", "not a number",
    ],
)  # fmt: skip
def test_manifest_that_is_no_proper_json_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        read_manifest(data)


@pytest.mark.parametrize(("schema", "hint"), [(2, "update edge-iqa"), (0, "pack the bundle again")])
def test_other_schema_is_refused_with_a_hint(schema: int, hint: str) -> None:
    with pytest.raises(BundleError, match=hint):
        read_manifest(json.dumps({**MANIFEST, "schema": schema}).encode())


def test_fields_that_are_new_are_left_alone() -> None:
    manifest = {**MANIFEST, "new": {"x": 1}, "views": {**MANIFEST["views"], "new": 1}}
    assert read_manifest(json.dumps(manifest).encode()) == read_manifest(json.dumps(MANIFEST).encode())


BAD_VALUES = [
    (("schema",), True),
    (("schema",), "1"),
    (("name",), ""),
    (("name",), "../x"),
    (("version",), "1.0"),
    (("version",), "1.2.3\n"),
    (("experimental",), 1),
    (("views", "size_px"), True),
    (("views", "size_px"), 224.0),
    (("views", "size_px"), 100_000),
    (("views", "detail"), -1),
    (("outputs", "attributes"), []),
    (("outputs", "attributes"), ["beauty"]),
    (("outputs", "attributes", 0), 3),
    (("outputs", "embedding"), 0),
    (("outputs", "categories"), ["a", "a"]),
    (("thresholds", "accept"), float("nan")),
    (("thresholds", "accept"), float("inf")),
    (("thresholds", "accept"), True),
    (("thresholds", "accept"), "0.5"),
    (("thresholds", "accept"), 1.01),
    (("thresholds", "reject"), -0.01),
    (("thresholds", "reject"), 1),  # above accept
    (("thresholds", "dark_below"), None),
    (("thresholds", "attributes"), {}),
    (("thresholds", "attributes", "beauty"), 0.5),
    (("lineage", "student_sha256"), "abc"),
    (("lineage", "recipe"), []),
    (("lineage", "recipe"), {"rate": float("nan")}),  # free in form, but JSON all the same
    (("in_use",), {}),
    (("in_use", "tensorrt"), "model.plan"),
    (("in_use", "onnx"), "nowhere.onnx"),
    (("in_use", "onnx"), "MODEL_CARD.md"),
    (("files", 0, "sha256"), "A" * 64),
    (("files", 0, "bytes"), -1),
    (("files", 0, "bytes"), 1.5),
    (("files", 0, "path"), 5),
    (("golden",), []),
    (("golden", 0, "photo"), "nowhere.jpg"),
    (("golden", 0, "views"), None),
    (("golden", 0, "verdict"), "great"),
    (("golden", 0, "scores"), {}),
    (("golden", 0, "scores", MODEL), [0.5]),
    (("golden", 0, "scores", MODEL, 0), float("nan")),
    (("golden", 0, "scores", MODEL, 0), False),
    (("golden", 0, "scores", "other.onnx"), [0.5] * 5),
    (("tolerance", "scores"), -1),
    (("tolerance", "views_levels"), float("nan")),
    (("gates",), [{"name": "x"}]),
    (("gates",), {}),
    (("full_bundle_sha256",), "x"),
    (("calibration",), []),
    (("calibration", "overall"), None),
    (("calibration", "overall", "temperature"), 0),
    (("calibration", "overall", "midpoint"), float("nan")),
    (("calibration", "attributes"), {"charm": {"midpoint": 0.5, "temperature": 0.1}}),
]


@pytest.mark.parametrize(("where", "value"), BAD_VALUES, ids=lambda value: str(value)[:40])
def test_value_that_is_wrong_is_named_with_its_place(where: tuple[Any, ...], value: object) -> None:
    manifest = copy.deepcopy(MANIFEST)
    _put(manifest, where, value)
    with pytest.raises(BundleError) as caught:
        read_manifest(json.dumps(manifest).encode(), "some/manifest.json")
    message = str(caught.value)
    # JSON that Python writes for NaN and infinity is refused as such; all else is named by its field
    assert "some/manifest.json" in message
    assert where[0] in message or "is not JSON" in message


OPTIONAL = {"full_bundle_sha256", "calibration"}


@pytest.mark.parametrize("field", sorted(set(MANIFEST) - OPTIONAL))
def test_missing_field_is_named(field: str) -> None:
    manifest = {key: value for key, value in MANIFEST.items() if key != field}
    with pytest.raises(BundleError, match=f"'{field}' is missing"):
        read_manifest(json.dumps(manifest).encode())


def test_a_bundle_of_before_calibration_has_none() -> None:
    """Schema 1 is the same: bundles up to 0.3.0 stay readable."""
    assert read_manifest(json.dumps(MANIFEST).encode()).calibration is not None
    before = {key: value for key, value in MANIFEST.items() if key != "calibration"}
    assert read_manifest(json.dumps(before).encode()).calibration is None


def test_file_listed_twice_is_refused() -> None:
    with pytest.raises(BundleError, match="twice"):
        read_manifest(json.dumps({**MANIFEST, "files": MANIFEST["files"] * 2}).encode())


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside a JSON value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path for key in keys for path in [(*at, key), *_paths(value[key], (*at, key))]]


def _put(value: Any, where: tuple[Any, ...], new: object) -> None:
    for key in where[:-1]:
        value = value[key]
    value[where[-1]] = new


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(where=st.sampled_from(_paths(MANIFEST)), value=JSON)
def test_no_value_anywhere_raises_anything_but_bundle_error(where: tuple[Any, ...], value: object) -> None:
    manifest = copy.deepcopy(MANIFEST)
    _put(manifest, where, value)
    try:
        assert isinstance(read_manifest(json.dumps(manifest).encode()), Manifest)
    except BundleError as error:
        assert str(error).startswith("manifest.json")
