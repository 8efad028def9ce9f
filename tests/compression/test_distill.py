"""The command that makes a student, from photos to files."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from compression import dataset, distill, scenes
from compression.batches import Batch
from compression.data import read_photos
from compression.distill_options import REFERENCE
from compression.models import ATTRIBUTES, build, with_outputs
from compression.models.heads import Outputs, QualityNet
from compression.models.weights import load, load_teacher, read_output_range, save
from compression.objective import Weights
from compression.torchvision_compat import models
from edge_iqa.views import ViewSpec

pytestmark = pytest.mark.usefixtures("one_process")

SPEC = ViewSpec(64, 1, 256)
CATEGORIES = ("box", "mug")
SMALL = ("--student", "mobilenet_v3_small_relu6", "--width", "0.5", "--size", "96", "--details", "1")


@pytest.fixture(scope="module")
def server_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """torchvision's own ResNet-18 with one output, whose outputs for photos lie between -4 and 8."""
    torch.manual_seed(2)
    net = models.resnet18(num_classes=1)
    net.fc.bias.data.fill_(1.0)
    path = tmp_path_factory.mktemp("server") / "server.pt"
    torch.save(net.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def run(small_teacher: Path, photos_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One short distillation through the command line."""
    out = tmp_path_factory.mktemp("run")
    code = distill.main(arguments(small_teacher, photos_csv, out, "--epochs", "2"))
    assert code == 0
    return out


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Batch, Outputs, Outputs, float]]:
    """What each training step saw: its batch, what student and teacher said of it, the loss."""
    seen: list[tuple[Batch, Outputs, Outputs, float]] = []
    total = Weights.total

    def note(self: Weights, batch: Batch, out: Outputs, aim: Outputs) -> torch.Tensor:
        loss = total(self, batch, out, aim)
        seen.append((batch, out, aim, float(loss.detach())))
        return loss

    monkeypatch.setattr(Weights, "total", note)
    return seen


def arguments(teacher: Path, data: Path, out: Path, *more: str) -> list[str]:
    options = {"--teacher": teacher, "--data": data, "--out": out, "--cache": data.parent / "cache"}
    named = [str(each) for pair in options.items() for each in pair]
    return [*named, "--start", "random", "--epochs", "1", "--scenes", "0", *more]


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def add_categories(data: Path, name: str) -> Path:
    """The same photos, one after the other a mug, a box, and something nobody named."""
    with data.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    named = [{**row, "category": ("mug", "box", "")[at % 3]} for at, row in enumerate(rows)]
    return write_csv(data.with_name(name), named)


# what a run leaves


def test_a_run_leaves_student_record_and_curve_and_nothing_else(run: Path) -> None:
    assert sorted(path.name for path in run.iterdir()) == ["curve.png", "run.json", "student.safetensors"]
    with Image.open(run / "curve.png") as curve:
        assert curve.size[0] > 600 and len(np.unique(np.asarray(curve.convert("L")))) > 10


def test_the_record_says_what_was_done_and_the_best_epoch_is_kept(run: Path, small_teacher: Path) -> None:
    record = json.loads((run / "run.json").read_text())
    assert record["command"] == "compression.distill" and record["start"] == "random weights"
    assert len(record["losses"]) == 2 and len(record["evaluations"]) == 3
    assert len(record["teacher_sha256"]) == len(record["data_sha256"]) == 64
    assert (record["photos"], record["scenes"], record["unlabeled_photos"]) == ([6, 2], [0, 0], 0)
    assert record["weights"] == asdict(Weights())
    told = load(run / "student.safetensors")[1]["run"]
    for about in (record, told):
        assert (about["architecture"], about["rated_photos"]) == ("mobilenet_v2", [0, 0])
    assert told["val"] == max(record["evaluations"], key=lambda scores: scores["objective"])


def test_the_student_copies_what_its_teacher_looks_at(run: Path) -> None:
    student, meta = load(run / "student.safetensors")
    assert student.spec == SPEC and student.architecture == "mobilenet_v2"
    assert student.categories == () and student.fusion == "split" and student.width == 1.0
    assert meta["run"]["data"] == "photos.csv"


def test_a_start_keeps_its_own_views_and_goes_on_from_its_weights(
    run: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path
) -> None:
    start = run / "student.safetensors"
    assert distill.main(arguments(small_teacher, photos_csv, tmp_path, "--start", str(start))) == 0
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["start"] == "student.safetensors (mobilenet_v2)"
    best = load(start)[1]["run"]["val"]
    assert record["evaluations"][0]["mae_teacher"] == pytest.approx(best["mae_teacher"], abs=2e-3)


def test_the_student_that_a_run_starts_from_is_never_written_over(
    run: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = Path(shutil.copy(run / "student.safetensors", tmp_path))
    before = start.read_bytes()
    assert distill.main(arguments(small_teacher, photos_csv, tmp_path, "--start", str(start))) == 1
    assert "would write over" in capsys.readouterr().err and start.read_bytes() == before


def test_the_committed_reference_models_fit_each_other() -> None:
    """The defaults of the command."""
    reference, sha256 = load_teacher(REFERENCE / "teacher.safetensors")
    student, meta = load(REFERENCE / "student.safetensors")
    assert student.attributes == reference.attributes == ATTRIBUTES
    assert student.categories == reference.categories
    assert student.spec.long_side_px == reference.spec.long_side_px
    assert meta["run"]["teacher_sha256"] == sha256


# a server model as the teacher


def test_a_server_model_teaches_a_small_student_of_another_embedding_length(
    server_teacher: Path,
    photos_csv: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[Batch, Outputs, Outputs, float]],
) -> None:
    looks: list[tuple[int, ...]] = []
    look = QualityNet.look

    def note(self: QualityNet, views: torch.Tensor) -> torch.Tensor:
        looks.append(tuple(views.shape[1:]))
        return look(self, views)

    monkeypatch.setattr(QualityNet, "look", note)
    more = ("--limit", "6", "--output-range", "-4", "8", *SMALL)
    assert distill.main(arguments(server_teacher, photos_csv, tmp_path, "--epochs", "2", *more)) == 0
    student, meta = load(tmp_path / "student.safetensors")
    assert (student.architecture, student.width) == ("mobilenet_v3_small_relu6", 0.5)
    assert student.spec == ViewSpec(96, 1, 1600)
    assert meta["run"]["teacher"] == "server.pt"
    assert read_output_range(meta, tmp_path) == (-4, 8), "gates and pruning ask the teacher on its own scale"
    assert len(steps) == 2
    for _, out, aim, loss in steps:
        assert out.scores.shape == (24, 7) and aim.scores.shape == (24, 1)
        assert out.embedding.shape == (24, 128) and aim.embedding.shape == (24, 512)
        assert 0.1 < aim.scores.mean() < 0.9 and np.isfinite(loss)  # the range that was asked for
    assert set(looks) == {student.spec.shape}, "the student must learn from the views that it is used with"


# the parts of the loss


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (
            "speed=1",
            "expected one of score, rank, difference, feature, category, copy, embedding, label, got 'speed'",
        ),
        ("=1", "got ''"),
        ("score=-0.1", "'score': -0.1"),
        ("rank=nan", "'rank': nan"),
        ("label=inf", "'label': inf"),
        ("score=fast", "score"),
        ("score", "score"),
    ],
)
def test_a_weight_that_cannot_be_is_named_before_anything_is_read(
    option: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = arguments(tmp_path / "none.pt", tmp_path / "none.csv", tmp_path, "--weight", option)
    assert distill.main(argv) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: --weight: expected") and says in error


# photos that only the teacher judges


def test_unlabeled_photos_train_without_metrics(
    small_teacher: Path,
    photos_csv: Path,
    tmp_path: Path,
    steps: list[tuple[Batch, Outputs, Outputs, float]],
) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    for seed in (50, 51, 52):
        drawn = scenes.draw(seed, height_px=200, width_px=256).pixels
        Image.fromarray(drawn).save(folder / f"{seed}.png")
    (folder / "broken.jpg").write_bytes(b"no photo")
    out, cache = tmp_path / "run", tmp_path / "cache"
    more = ("--unlabeled", str(folder), "--limit", "4", "--cache", str(cache))
    assert distill.main(arguments(small_teacher, photos_csv, out, *more)) == 0
    record = json.loads((out / "run.json").read_text())
    assert (record["photos"], record["unlabeled_photos"]) == ([4, 2], 3)
    ((batch, *_, loss),) = steps
    unknown = batch.targets.isnan().all(1)
    assert (int(unknown.sum()), len(unknown)) == (3 * 4, 7 * 4)
    assert not batch.targets[~unknown].isnan().any() and np.isfinite(loss)
    assert not set(batch.photos[unknown].tolist()) & set(batch.photos[~unknown].tolist())
    with closing(sqlite3.connect(cache / "fidelity.sqlite")) as store:
        ((compared,),) = store.execute("SELECT count(*) FROM fidelity")
    assert compared == (4 + 2) * 7  # every variant of the labelled photos, and no other
    assert len(list((cache / "variants").rglob("*.jpg"))) == (4 + 2 + 3) * 7


def test_unlabeled_photos_alone_are_rendered_and_compared_with_nothing(
    photos_csv: Path, tmp_path: Path
) -> None:
    found = dataset.label_photos(read_photos(photos_csv)[:2], ATTRIBUTES, tmp_path, labelled=False)
    samples = [sample for photo in found for sample in photo]
    assert len(found) == 2 and all(len(photo) == len(found[0]) > 4 for photo in found)
    assert all(np.isnan(sample.target).all() and len(sample.target) == 7 for sample in samples)
    assert all(sample.path.is_file() for sample in samples)
    assert not (tmp_path / "fidelity.sqlite").exists()


def test_unlabeled_photos_share_no_number_with_others_where_one_could_not_be_read(
    small_teacher: Path,
    photos_csv: Path,
    tmp_path: Path,
    steps: list[tuple[Batch, Outputs, Outputs, float]],
) -> None:
    """Photos of one number are taken for variants of one photo."""
    folder = Path(
        shutil.copytree(photos_csv.parent, tmp_path / "copy", ignore=shutil.ignore_patterns("cache"))
    )
    (folder / "3.png").write_bytes(b"no photo")
    argv = arguments(small_teacher, folder / "photos.csv", tmp_path / "run", "--unlabeled", str(folder))
    argv[argv.index("--cache") + 1] = str(photos_csv.parent / "cache")
    assert distill.main(argv) == 0
    labelled = [set(batch.photos[~batch.targets[:, 0].isnan()].tolist()) for batch, *_ in steps]
    unlabeled = [set(batch.photos[batch.targets[:, 0].isnan()].tolist()) for batch, *_ in steps]
    assert len(set.union(*labelled)) == 5 and len(set.union(*unlabeled)) == 9
    assert not set.union(*labelled) & set.union(*unlabeled)


# categories


def test_categories_reach_the_student_and_come_back_from_its_checkpoint(
    photos_csv: Path, tmp_path: Path, steps: list[tuple[Batch, Outputs, Outputs, float]]
) -> None:
    """A teacher that knows categories says which, and in which order."""
    torch.manual_seed(1)
    knows = save(build("resnet18", spec=SPEC, categories=CATEGORIES), tmp_path / "teacher.safetensors")
    data = add_categories(photos_csv, "named.csv")
    assert distill.main(arguments(knows, data, tmp_path / "run")) == 0
    ((batch, out, aim, _),) = steps
    named = {photo: (1, 0, -1)[photo % 3] for photo in range(6)}  # mug, box, nobody said
    assert batch.categories.tolist() == [named[photo] for photo in batch.photos.tolist()]
    assert out.category.shape == aim.category.shape == (24, 2)
    student, meta = load(tmp_path / "run" / "student.safetensors")
    assert student.categories == CATEGORIES and meta["run"]["categories"] == list(CATEGORIES)
    assert student(batch.views).category.shape == (24, 2)


def test_categories_that_enough_photos_have_come_from_the_data(
    small_teacher: Path, photos_csv: Path, tmp_path: Path
) -> None:
    """Ten photos of each of two, and one of a third, which is too rare to be learned."""
    names = ["mug"] * 10 + ["box"] * 10 + ["vase"] + ["mug", "vase"]
    rows = []
    for at, name in enumerate(names):
        shutil.copy(photos_csv.parent / f"{at % 2 if at < 21 else at - 15}.png", tmp_path / f"{at}.png")
        split = "train" if at < 21 else "val"
        rows.append({"path": f"{at}.png", "split": split, "group": f"g{at}", "category": name})
    data = write_csv(tmp_path / "photos.csv", rows)
    made = dataset.make_dataset(data, ATTRIBUTES, photos_csv.parent / "cache")
    assert made.categories == ("box", "mug")
    assert [photo[0].category for photo in made.train] == [1] * 10 + [0] * 10 + [-1]
    assert [photo[0].category for photo in made.val] == [1, -1]


def test_a_start_of_other_categories_keeps_all_but_that_output(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = build("mobilenet_v3_small_relu6", ("color", "noise"), 8, SPEC, ("shoe",), 0.5, "concat").eval()
    views = torch.randint(0, 256, (2, *SPEC.shape), dtype=torch.uint8)
    for categories in (CATEGORIES, ("shoe",), ()):
        path = save(with_outputs(net, categories), tmp_path / "net.safetensors")
        again, meta = load(path)
        assert again.categories == categories and meta["categories"] == list(categories)
        assert (again.width, again.fusion, again.spec) == (0.5, "concat", SPEC)
        assert again(views).category.shape == (2, len(categories))
        torch.testing.assert_close(again(views).scores, net(views).scores)
        torch.testing.assert_close(again(views).embedding, net(views).embedding)


# errors


def test_errors_end_in_one_sentence_and_exit_code_1(
    tmp_path: Path, photos_csv: Path, small_teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "evil.pt").write_bytes(b"\x80\x04no tensors")
    spec = ViewSpec(96, 1, 512)
    other = str(save(build("mobilenet_v3_small_relu6", spec=spec), tmp_path / "other.safetensors"))
    few = str(save(build("mobilenet_v2", ("noise",), spec=SPEC), tmp_path / "few.safetensors"))
    started = arguments(small_teacher, photos_csv, tmp_path)
    cases = {
        "no-teacher.safetensors": arguments(tmp_path / "no-teacher.safetensors", photos_csv, tmp_path),
        "tensors alone": arguments(tmp_path / "evil.pt", photos_csv, tmp_path),
        "found nothing there": arguments(small_teacher, tmp_path / "none.csv", tmp_path),
        "no server model": [*started, "--output-range", "1", "5"],
        "one viewing scale": [*started, "--start", other],
        "--size 64": [*started, "--start", other, "--size", "64"],
        "--details 2": [*started, "--start", other, "--details", "2"],
        "--student mobilenet_v2": [*started, "--start", other, "--student", "mobilenet_v2"],
        "expected the attributes": [*started, "--start", few],
        "width: expected 0.1 to 2": [*started, "--width", "3"],
        "--width 0.75": [*started, "--start", other, "--width", "0.75"],
        "--fusion concat": [*started, "--start", other, "--fusion", "concat"],
        "--weights: ImageNet weights are for --start imagenet": [*started, "--weights", str(tmp_path)],
        "learning_rate: expected more than 0": [*started, "--learning-rate", "0"],
        "small_epochs: expected 0 to 0": [*started, "--small-epochs", "1"],
        "views.detail": [*started, "--details", "-1"],
        "none.csv": [*started, "--unlabeled", str(tmp_path / "none.csv")],
    }
    for says, argv in cases.items():
        assert distill.main(argv) == 1, says
        error = capsys.readouterr().err
        assert error.startswith("error: ") and says in error and "Traceback" not in error


def test_options_that_cannot_work_are_refused_before_photos_are_made_ready(
    tmp_path: Path,
    photos_csv: Path,
    small_teacher: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(distill, "make_dataset", lambda *_: pytest.fail("photos were made ready"))
    other = str(save(build("patchnet", spec=ViewSpec(64, 1, 512)), tmp_path / "other.safetensors"))
    for more, says in {
        ("--details", "-3"): "views.detail",
        ("--width", "nan"): "width: expected 0.1 to 2",
        ("--start", "none.safetensors"): "none.safetensors: expected a safetensors file",
        ("--start", other): "one viewing scale",
        ("--start", other, "--size", "96"): "--size 96",
        ("--start", "imagenet", "--student", "patchnet"): "has no ImageNet weights",
        ("--start", "imagenet", "--weights", str(tmp_path)): "expected an npz of weights, found none",
        ("--follow", other): "follow the one it was cut from",
        ("--unlabeled", "none.csv"): "none.csv",
        ("--sparsity", "-1"): "--sparsity: expected a number from 0 up",
    }.items():
        assert distill.main(arguments(small_teacher, photos_csv, tmp_path, *more)) == 1
        assert says in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_written_is_an_error(
    tmp_path: Path, photos_csv: Path, small_teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert distill.main(arguments(small_teacher, photos_csv, tmp_path / "file" / "run")) == 1
    assert "could not be written" in capsys.readouterr().err
