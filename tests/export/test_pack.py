"""A bundle is what the gates vouched for, whole or not there, the same each time, and checks itself."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch

from compression.quantize_weights import VARIANTS, make_variants
from edge_iqa import Inspector, image, views
from edge_iqa.bundle import Bundle
from edge_iqa.errors import GateError, OutputError
from edge_iqa.manifest import RUNTIMES
from edge_iqa.views import ViewSpec
from export import pack
from export.assemble import Packing, make_packing, trim
from export.metadata import read_metadata, write_metadata
from export.report import read_models, read_report
from export.write import write_bundle

FLOAT = ("model.fp32.onnx", "model.fp32.tflite")
IN_USE = ("model.int8.onnx", "model.int8.tflite")


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory, draw_photo: Callable) -> list[Path]:
    """Two golden photos of drawn boxes, as JPEG."""
    folder = tmp_path_factory.mktemp("golden")
    paths = []
    for seed, name in enumerate(("b.jpg", "a.jpg")):
        pixels = draw_photo(np.random.default_rng(seed))
        paths.append(folder / name)
        cv2.imwrite(str(paths[-1]), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    return paths


@pytest.fixture
def packing(artifacts_folder: Path, photos: list[Path]) -> Packing:
    models = read_models(artifacts_folder)
    report = read_report(artifacts_folder / "gates.json", models)
    return make_packing(models, report, "tiny", "1.2.3", photos)


def run(artifacts_folder: Path, photos: list[Path], out: Path, *more: str) -> int:
    told = ["--artifacts", str(artifacts_folder), "--name", "tiny", "--version", "1.2.3", "--out", str(out)]
    return pack.main([*told, "--golden", *map(str, photos), *more])


def read_folder(folder: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def set_hash(report: dict, name: str, content: bytes) -> None:
    report["files"][name] = hashlib.sha256(content).hexdigest()


def test_the_command_writes_a_bundle_that_a_device_opens_and_finds_right(
    artifacts_folder, photos, tmp_path, capsys
):
    out, wheel = tmp_path / "bundles", tmp_path / "wheel"
    assert run(artifacts_folder, photos, out, "--trim", str(wheel)) == 0
    for folder in (out / "tiny-1.2.3", wheel):
        for backend in ("onnx", "litert"):
            with Inspector.open(folder, backend=backend) as inspector:
                assert [each.passed for each in inspector.self_test()] == [True, True]
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*FLOAT, *IN_USE, "MODEL_CARD.md", "tolerance"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "bundles", "wheel"]
    assert [path.name for path in out.iterdir()] == ["tiny-1.2.3"]


def test_a_folder_that_is_called_like_a_model_is_none(artifacts_folder, tmp_path):
    before = read_models(artifacts_folder)
    (artifacts_folder / "model.w8.onnx").mkdir()
    assert read_models(artifacts_folder) == before
    (tmp_path / "bare" / "model.int8.onnx").mkdir(parents=True)
    with pytest.raises(GateError, match=r"expected models such as model\.int8\.onnx, found none"):
        read_models(tmp_path / "bare")


def test_a_bundle_holds_all_models_and_reports_and_says_where_they_came_from(packing, artifacts):
    manifest = packing.manifest
    listed = {entry["path"]: entry for entry in manifest["files"]}
    assert set(listed) == set(packing.files)
    assert {path for path, entry in listed.items() if "runtime" in entry} == {*FLOAT, *IN_USE}
    assert "reports/gates.json" in listed
    assert {path: packing.files[path] for path in artifacts.files} == artifacts.files
    assert manifest["views"] == {"size_px": 64, "detail": 2, "long_side_px": 256}
    assert manifest["outputs"] == {
        "attributes": ["sharpness", "noise"],
        "embedding": 8,
        "categories": ["shoe", "mug", "lamp"],
    }
    assert manifest["lineage"]["student_sha256"] == hashlib.sha256(b"tiny").hexdigest()


def test_variants_that_the_gates_vouch_for_are_packed_and_listed(
    artifacts_folder, edit_gates, photos, tmp_path
):
    floats = {runtime: (artifacts_folder / f"model.fp32.{runtime}").read_bytes() for runtime in RUNTIMES}
    made = make_variants(list(VARIANTS), floats, floats)
    for name, content in made.items():
        (artifacts_folder / name).write_bytes(content)
        edit_gates(lambda report, name=name, content=content: set_hash(report, name, content))
    assert run(artifacts_folder, photos, tmp_path / "bundles") == 0
    bundle = Bundle.open(tmp_path / "bundles" / "tiny-1.2.3")
    assert {entry.path for entry in bundle.models} == {*FLOAT, *IN_USE, *made}
    precisions = {entry.path: (entry.precision, entry.runtime) for entry in bundle.models}
    assert all(precisions[name] == tuple(name.split(".")[1:]) for name in made)
    assert all(set(golden.scores) == set(precisions) for golden in bundle.manifest.golden)


@pytest.mark.parametrize("backend", ["onnx", "litert"])
def test_the_device_names_the_category_that_torch_would(
    artifacts_folder, edit_gates, tiny_net, photos, tmp_path, backend
):
    edit_gates(lambda report: report.update(in_use=dict(zip(("onnx", "tflite"), FLOAT, strict=True))))
    assert run(artifacts_folder, photos, tmp_path) == 0
    folder, named = tmp_path / "tiny-1.2.3", []
    with Inspector.open(folder, backend=backend) as inspector:
        for photo in photos:
            cut = views.cut(image.read(photo), tiny_net.spec)
            with torch.inference_mode():
                shares = torch.softmax(tiny_net(torch.from_numpy(cut)[None]).category[0], 0)
            best = int(shares.argmax())
            found = inspector.inspect(photo).category
            assert found.name == tiny_net.categories[best]
            assert found.confidence == pytest.approx(float(shares[best]), abs=1e-4)
            named.append(found)
    assert named[0] != named[1]


def test_models_without_categories_are_packed_as_before(plain_folder, photos, tmp_path):
    assert run(plain_folder, photos, tmp_path / "bundles") == 0
    folder = tmp_path / "bundles" / "tiny-1.2.3"
    assert json.loads((folder / "manifest.json").read_text())["outputs"]["categories"] == []
    assert "categor" not in (folder / "MODEL_CARD.md").read_text()
    for backend in ("onnx", "litert"):
        with Inspector.open(folder, backend=backend) as inspector:
            assert inspector.inspect(photos[0]).category is None


def test_the_wheels_bundle_is_complete_in_itself_and_names_the_full_one(packing):
    small = trim(packing)
    golden = {path for path in packing.files if path.startswith("golden/")}
    assert set(small.files) == {*IN_USE, *golden, "MODEL_CARD.md"}
    assert {entry["path"] for entry in small.manifest["files"]} == set(small.files)
    assert all(set(case["scores"]) == set(IN_USE) for case in small.manifest["golden"])
    assert small.manifest["full_bundle_sha256"] == hashlib.sha256(packing.manifest_bytes).hexdigest()
    assert packing.manifest["full_bundle_sha256"] is None


def test_the_same_inputs_give_the_same_bytes(artifacts_folder, photos, tmp_path):
    assert run(artifacts_folder, photos, tmp_path / "one", "--trim", str(tmp_path / "wheel-one")) == 0
    assert run(artifacts_folder, photos[::-1], tmp_path / "two", "--trim", str(tmp_path / "wheel-two")) == 0
    assert read_folder(tmp_path / "one") == read_folder(tmp_path / "two")
    assert read_folder(tmp_path / "wheel-one") == read_folder(tmp_path / "wheel-two")


def test_golden_views_are_the_views_stacked(packing, photos):
    content = photos[0].read_bytes()
    expected = views.cut(image.read(content), ViewSpec(64, 2, 256))
    stacked = cv2.imdecode(np.frombuffer(packing.files["golden/b.views.png"], np.uint8), cv2.IMREAD_COLOR)
    assert stacked.shape == (3 * 64, 64, 3)
    np.testing.assert_array_equal(stacked[..., ::-1].reshape(expected.shape), expected)
    assert packing.files["golden/b.jpg"] == content


def test_tolerances_allow_for_another_decoder_and_for_plain_kernels_and_little_more(packing):
    tolerance = packing.manifest["tolerance"]
    assert 0.5 <= tolerance["views_levels"] <= 4
    assert 0.01 <= tolerance["scores"] <= 0.1


def test_the_card_tells_gates_and_limits(packing):
    card = packing.files["MODEL_CARD.md"].decode()
    for words in (
        "tiny 1.2.3",
        "**Experimental.**",
        "student vs teacher, SRCC",
        "0.97 to 0.99",
        "`category`, float32 (1, 3), logits: what the product is, one of shoe, mug, lamp.",
    ):
        assert words in card
    assert "| sharpness | in focus, and not moved | 0.500 |" in card
    assert "Not taught, and so not told: exposure, contrast, color, detail." in card


def refuse_missing(folder: Path, edit: Callable) -> None:
    (folder / "gates.json").unlink()


def refuse_garbage(folder: Path, edit: Callable) -> None:
    (folder / "gates.json").write_text("{}")


def refuse_failed(folder: Path, edit: Callable) -> None:
    def fail(report: dict) -> None:
        report["passed"] = report["gates"][0]["passed"] = False

    edit(fail)


def refuse_hidden(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["gates"][0].update(passed=False))


def refuse_slow(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["gates"][1].update(passed=False))


def refuse_contradiction(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["gates"][0].update(low=0.1))


def refuse_bad_value(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["gates"][0].update(value=0.1))


def refuse_no_interval(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["gates"][0].pop("high"))


def refuse_equal_speed(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["gates"][1].update(bound="> 1", low=1.0))


def refuse_nothing_measured(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["gates"][0].update(n=0))


def refuse_nameless(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["gates"][0].pop("name"))


def refuse_hidden_experiment(folder: Path, edit: Callable) -> None:
    def hide(report: dict) -> None:
        report["experimental"] = False
        report["lineage"]["recipe"]["bounds"] = {"slice_srcc": 0.75}

    edit(hide)


def refuse_worded_threshold(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["thresholds"]["attributes"].update(noise="x"))


def refuse_no_thresholds(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["thresholds"].update(attributes=None))


def refuse_calibration_of_another(folder: Path, edit: Callable) -> None:
    curve = {"midpoint": 0.5, "temperature": 0.1}
    edit(lambda report: report.update(calibration={"overall": curve, "attributes": {"color": curve}}))


def refuse_cold_calibration(folder: Path, edit: Callable) -> None:
    curve = {"midpoint": 0.5, "temperature": 0}
    edit(lambda report: report.update(calibration={"overall": curve, "attributes": {}}))


def refuse_other_runtime(folder: Path, edit: Callable) -> None:
    edit(lambda report: report.update(in_use={"coreml": "model.int8.onnx"}))


def refuse_words(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["gates"][0].update(value="high"))


def refuse_no_lineage(folder: Path, edit: Callable) -> None:
    edit(lambda report: report.update(lineage=5))


def refuse_none(folder: Path, edit: Callable) -> None:
    edit(lambda report: report.update(gates=[]))


def refuse_nameless_slice(folder: Path, edit: Callable) -> None:
    edit(lambda report: report.update(slices=[{"kind": "background", "n": 3, "groups": 2, "estimate": None}]))


def refuse_altered(folder: Path, edit: Callable) -> None:
    path = folder / "model.int8.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")


def refuse_added(folder: Path, edit: Callable) -> None:
    (folder / "model.fp16.onnx").write_bytes((folder / "model.fp32.onnx").read_bytes())


def refuse_older(folder: Path, edit: Callable) -> None:
    """A report of before some gates were there."""
    edit(lambda report: report.pop("schema"))


def refuse_removed(folder: Path, edit: Callable) -> None:
    (folder / "model.fp32.tflite").unlink()


def refuse_other_student(folder: Path, edit: Callable) -> None:
    edit(lambda report: report["lineage"].update(student_sha256="0" * 64))


def refuse_tflite_of_another(folder: Path, edit: Callable) -> None:
    """One file of another student slipped in, and the gate report was made to agree."""
    path = folder / "model.int8.tflite"
    info = read_metadata(path.read_bytes(), path.name)
    path.write_bytes(write_metadata(path.read_bytes(), replace(info, student_sha256="0" * 64)))
    edit(lambda report: set_hash(report, path.name, path.read_bytes()))


def refuse_shuffled(folder: Path, edit: Callable) -> None:
    """An attribute changed places, and the gate report was made to agree."""
    path = folder / "model.int8.onnx"
    model = onnx.load(str(path))
    last = next(node for node in model.graph.node if "scores" in node.output)
    last.output[0] = "in_order"
    order = onnx.helper.make_tensor("order", onnx.TensorProto.INT64, [3], [1, 2, 0])
    model.graph.initializer.append(order)
    model.graph.node.append(onnx.helper.make_node("Gather", ["in_order", "order"], ["scores"], axis=1))
    path.write_bytes(model.SerializeToString())
    edit(lambda report: set_hash(report, path.name, path.read_bytes()))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (refuse_missing, "gates.json: expected the gate report"),
        (refuse_garbage, "the field 'in_use' is missing"),
        (refuse_failed, "gates failed: student vs teacher, SRCC"),
        (refuse_hidden, "gates failed: student vs teacher, SRCC"),
        (refuse_slow, "gates failed: int8 speed-up (onnx)"),
        (refuse_none, "nothing is proven"),
        (
            refuse_contradiction,
            "gates[0]: expected a value and an interval that hold >= 0.97, as `passed` says",
        ),
        (refuse_bad_value, "a value and an interval that hold >= 0.97, as `passed` says"),
        (refuse_no_interval, "a value and an interval that hold >= 0.97, as `passed` says"),
        (refuse_equal_speed, "a value and an interval that hold > 1, as `passed` says"),
        (refuse_nothing_measured, "a value and an interval that hold >= 0.97, as `passed` says"),
        (refuse_nameless, "gates[0]: the field 'name' is missing"),
        (
            refuse_hidden_experiment,
            "experimental: expected true, since the bounds of `lineage.recipe` are looser",
        ),
        (refuse_worded_threshold, "thresholds.attributes.noise: expected a number from 0 to 1"),
        (refuse_no_thresholds, "thresholds.attributes: expected an object"),
        (refuse_calibration_of_another, "calibration.attributes: expected curves of sharpness, noise"),
        (refuse_cold_calibration, "calibration.overall.temperature: expected a number from 1e-06 to 10"),
        (refuse_other_runtime, "in_use: expected one of the models for each runtime"),
        (refuse_words, "gates[0].value: expected a finite number, got 'high'"),
        (refuse_no_lineage, "lineage: expected an object, got 5"),
        (refuse_older, "schema: expected a report with the gates of this version"),
        (refuse_nameless_slice, "slices[0]: the field 'name' is missing"),
        (refuse_altered, "model.int8.onnx: altered since the gates were measured"),
        (refuse_added, "model.fp16.onnx: the gates were measured without it"),
        (refuse_removed, "model.fp32.tflite: the gates were measured with it, and it is missing"),
        (refuse_other_student, "lineage: "),
        (refuse_tflite_of_another, "lineage: expected files that come from one student"),
        (refuse_shuffled, "golden: a.jpg: expected the models to agree"),
    ],
)
def test_what_the_gates_do_not_vouch_for_is_refused_by_name(
    spoil, named, artifacts_folder, edit_gates, photos, tmp_path, capsys
):
    spoil(artifacts_folder, edit_gates)
    assert run(artifacts_folder, photos, tmp_path / "bundles", "--trim", str(tmp_path / "wheel")) == 1
    error = capsys.readouterr().err
    assert named in error
    assert "Traceback" not in error
    assert [path.name for path in tmp_path.iterdir()] == ["artifacts"]


def test_a_place_for_the_trimmed_bundle_that_holds_something_else_is_refused_before_anything_is_written(
    artifacts_folder, photos, tmp_path, capsys
):
    out = tmp_path / "bundles"
    assert run(artifacts_folder, photos, out) == 0
    before, own = read_folder(out), out / "tiny-1.2.3"
    other = tmp_path / "other"
    assert run(artifacts_folder, photos, tmp_path / "more", "--trim", str(other), "--name", "other") == 0
    kept = read_folder(other)
    assert run(artifacts_folder, photos, tmp_path / "old", "--version", "0.1.0") == 0
    whole = tmp_path / "old" / "tiny-0.1.0"
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    for place, says in (
        (own, "the whole bundle goes to"),
        (own / "sub", "the whole bundle goes to"),
        (out, "the whole bundle goes to"),
        (other, "else is there"),
        (whole, "a whole bundle is there, with its float models"),
        (tmp_path / "file" / "deep", "is no folder"),
        (tmp_path / "mine", "else is there"),
    ):
        capsys.readouterr()
        assert run(artifacts_folder, photos, out, "--trim", str(place), "--replace") == 1
        assert says in capsys.readouterr().err
    assert run(artifacts_folder, photos, tmp_path / "new", "--trim", str(other)) == 1
    assert not (tmp_path / "new").exists() and read_folder(out) == before
    assert read_folder(other) == kept and (tmp_path / "mine" / "thesis.txt").read_text() == "mine"


def test_int8_that_is_not_faster_is_packed_but_not_in_use(artifacts_folder, edit_gates, photos):
    def slow(report: dict) -> None:
        report["gates"][1]["passed"] = False
        report["in_use"]["onnx"] = "model.fp32.onnx"

    edit_gates(slow)
    models = read_models(artifacts_folder)
    packing = make_packing(
        models, read_report(artifacts_folder / "gates.json", models), "tiny", "1.2.3", photos
    )
    assert packing.manifest["in_use"] == {"onnx": "model.fp32.onnx", "tflite": "model.int8.tflite"}
    assert "not held" in packing.files["MODEL_CARD.md"].decode()
    assert "model.fp32.onnx" in trim(packing).files


def test_a_failed_self_test_leaves_nothing(packing, tmp_path):
    packing.manifest["golden"][0]["scores"]["model.int8.tflite"][0] = 0.0
    with pytest.raises(GateError, match=r"golden/a\.jpg came out otherwise with tflite"):
        write_bundle(packing, tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["artifacts"]


def test_a_bundle_that_edge_iqa_does_not_open_leaves_nothing(packing, tmp_path):
    packing.files["golden/a.jpg"] += b"\0"
    with pytest.raises(GateError, match=r"self-test: the bundle does not open: .*a\.jpg: expected"):
        write_bundle(packing, tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["artifacts"]


def test_another_bundle_of_that_name_stays_unless_it_may_be_replaced(packing, tmp_path):
    folder = write_bundle(packing, tmp_path / "bundle")
    (folder / "manifest.json").write_bytes(packing.manifest_bytes.replace(b"1.2.3", b"1.2.2"))
    before = read_folder(folder)
    with pytest.raises(OutputError, match="something else is there; raise --version"):
        write_bundle(packing, folder)
    assert read_folder(folder) == before
    write_bundle(packing, folder, replace=True)
    assert Bundle.open(folder).label == "tiny-1.2.3"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "bundle"]


@pytest.mark.parametrize("manifest", ["a bundle's", '{"name": "my web app"}', "[]", None])
def test_a_folder_with_files_of_other_origin_is_never_replaced(packing, tmp_path, manifest):
    folder = tmp_path / "bundle"
    if manifest == "a bundle's":
        write_bundle(packing, folder)
        (folder / "manifest.json").write_bytes(packing.manifest_bytes.replace(b"1.2.3", b"1.2.2"))
    else:
        folder.mkdir()
        if manifest is not None:
            (folder / "manifest.json").write_text(manifest)
    (folder / "golden").mkdir(exist_ok=True)
    (folder / "golden" / "thesis.docx").write_text("years of work")
    before = read_folder(folder)
    with pytest.raises(OutputError, match="something else is there"):
        write_bundle(packing, folder, replace=True)
    assert read_folder(folder) == before


def test_a_replacement_that_fails_leaves_the_old_bundle(packing, tmp_path):
    folder = write_bundle(packing, tmp_path / "bundle")
    before = read_folder(folder)
    packing.manifest["golden"][0]["scores"]["model.int8.onnx"][0] = 0.0
    with pytest.raises(GateError):
        write_bundle(packing, folder, replace=True)
    assert read_folder(folder) == before


def test_packing_again_what_is_there_already_changes_nothing(packing, tmp_path):
    folder = write_bundle(packing, tmp_path / "bundle")
    made = folder.stat().st_ino
    assert write_bundle(packing, folder) == folder
    assert folder.stat().st_ino == made
    (folder / "MODEL_CARD.md").write_text("altered")
    with pytest.raises(OutputError, match="something else is there"):
        write_bundle(packing, folder)


@pytest.mark.skipif(os.name != "posix", reason="a file where a folder must be gives another error elsewhere")
def test_a_place_that_cannot_be_written_is_an_error_with_a_way_out(packing, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="choose another folder"):
        write_bundle(packing, tmp_path / "file" / "bundle")


def test_golden_photos_must_be_photos_of_different_names(artifacts_folder, photos, tmp_path, capsys):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    assert run(artifacts_folder, [broken], tmp_path / "bundles") == 1
    assert "golden: " in capsys.readouterr().err
    assert run(artifacts_folder, [photos[0], tmp_path / "b.png"], tmp_path / "bundles") == 1
    assert "different names" in capsys.readouterr().err


def test_a_full_manifest_reads_back_as_it_was_written(packing, tmp_path):
    folder = write_bundle(packing, tmp_path / "bundle")
    assert json.loads((folder / "manifest.json").read_text()) == packing.manifest
    bundle = Bundle.open(folder)
    assert [gate.name for gate in bundle.manifest.gates] == [
        gate["name"] for gate in packing.manifest["gates"]
    ]
    assert bundle.experimental


@pytest.mark.parametrize("told", [True, False])
def test_a_calibration_comes_into_manifest_and_card_and_a_report_of_before_is_packed_without(
    artifacts_folder, edit_gates, photos, tmp_path, told
):
    curves = {
        "overall": {"midpoint": 0.55, "temperature": 0.0625},
        "attributes": {"noise": {"midpoint": 0.875, "temperature": 0.03125}},
    }
    if told:
        edit_gates(lambda report: report.update(calibration=curves))
    assert run(artifacts_folder, photos, tmp_path / "bundles", "--trim", str(tmp_path / "wheel")) == 0
    for folder in (next((tmp_path / "bundles").iterdir()), tmp_path / "wheel"):
        bundle = Bundle.open(folder)
        card = (folder / "MODEL_CARD.md").read_text()
        if not told:
            assert bundle.manifest.calibration is None and "How sure" not in card
            continue
        assert asdict(bundle.manifest.calibration) == curves
        assert "| overall | 0.550 | 0.062 |" in card and "| noise | 0.875 | 0.031 |" in card


def test_a_folder_that_is_no_bundle_is_never_replaced(packing, tmp_path):
    """A mistyped path must not cost anybody's files."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="something else is there"):
        write_bundle(packing, precious, replace=True)
    assert [path.name for path in precious.iterdir()] == ["thesis.txt"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert (write_bundle(packing, empty, replace=True) / "manifest.json").is_file()


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "", "/tmp/x"])
def test_a_name_cannot_lead_out_of_the_folder(artifacts_folder, photos, tmp_path, capsys, name):
    assert run(artifacts_folder, photos, tmp_path / "in" / "out", "--name", name) == 1
    assert "name" in capsys.readouterr().err
    assert not list(tmp_path.rglob("manifest.json"))
