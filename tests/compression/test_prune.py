"""The command that prunes: cut, distilled again, timed, and taken only if that pays."""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from compression import prune
from compression.cut import cut
from compression.models import build
from compression.models.heads import QualityNet
from compression.models.weights import load, save
from edge_iqa.timing import Recording
from edge_iqa.views import ViewSpec

pytestmark = pytest.mark.usefixtures("one_process", "one_thread", "few_steps")


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    net = build("mobilenet_v2", spec=ViewSpec(64, 1, 256), width=0.35)
    return save(net, tmp_path_factory.mktemp("student") / "student.safetensors")


def arguments(student: Path, teacher: Path, data: Path, out: Path, *more: str) -> list[str]:
    options = {"--student": student, "--teacher": teacher, "--data": data, "--out": out}
    named = [str(each) for pair in options.items() for each in pair]
    named += ["--cache", str(data.parent / "cache"), "--macs", "0.5", "--steps", "1"]
    return [*named, *more, "--", "--scenes", "0"]


def gain(low: float) -> dict[str, float]:
    return {"value": low + 0.02, "low": low, "high": low + 0.04}


@pytest.fixture(scope="module")
def run(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """One cut, healed; the timing, which takes most of a minute, has a test of its own."""
    out = tmp_path_factory.mktemp("pruned")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prune, "time_both", lambda *_: {"tflite": gain(1.1)})
        assert prune.main(arguments(student, small_teacher, photos_csv, out)) == 0
    return out


def test_the_student_that_is_cut_is_never_written_over(
    student: Path,
    small_teacher: Path,
    photos_csv: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "student.safetensors"
    own.write_bytes(student.read_bytes())
    assert prune.main(arguments(own, small_teacher, photos_csv, tmp_path)) == 1
    assert "would write over" in capsys.readouterr().err and own.read_bytes() == student.read_bytes()


def test_it_ends_in_a_student_half_as_heavy_and_a_record(run: Path) -> None:
    record = json.loads((run / "prune.json").read_text())
    before, after = record["macs"]
    assert after <= before / 2 and len(record["steps"]) == 1
    assert "srcc_teacher" in record["steps"][0]["val"]
    taken = hashlib.sha256((run / "student.safetensors").read_bytes()).hexdigest()
    assert taken == record["after_sha256"]
    load(run / "student.safetensors")


def test_steps_take_the_same_share_each(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "time_both", lambda *_: {"tflite": gain(1.1)})
    more = ("--steps", "2", "--epochs", "0", "--importance", "magnitude")
    assert prune.main(arguments(student, small_teacher, photos_csv, tmp_path, *more)) == 0
    record = json.loads((tmp_path / "prune.json").read_text())
    whole, halved = record["macs"]
    first, second = (step["macs"] for step in record["steps"])
    assert 0.6 * whole < first <= 0.7072 * whole and second == halved <= 0.5 * whole


def test_a_repeated_command_trains_nothing_anew(
    run: Path, student: Path, small_teacher: Path, photos_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise AssertionError("trained again")

    for where, name in ((prune.distill, "main"), (prune.Seen, "look")):
        monkeypatch.setattr(where, name, refuse)
    monkeypatch.setattr(prune, "time_both", lambda *_: {"tflite": gain(1.1)})
    before = json.loads((run / "prune.json").read_text())
    assert prune.main(arguments(student, small_teacher, photos_csv, run)) == 0
    assert json.loads((run / "prune.json").read_text())["after_sha256"] == before["after_sha256"]


@pytest.mark.parametrize(("low", "taken"), [(0.98, "unpruned"), (1.02, "pruned")])
def test_only_a_student_that_gains_for_sure_in_the_runtime_is_taken(
    run: Path,
    student: Path,
    small_teacher: Path,
    photos_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    low: float,
    taken: str,
) -> None:
    """Its own timing is what it is; here the other runtime always gains, and must not count."""
    gains = {"onnx": gain(1.5 if low < 1 else 0.9), "tflite": gain(low)}
    monkeypatch.setattr(prune, "time_both", lambda *_: gains)
    assert prune.main(arguments(student, small_teacher, photos_csv, run)) == 0
    assert json.loads((run / "prune.json").read_text())["taken"].startswith(taken)
    same = (run / "student.safetensors").read_bytes() == student.read_bytes()
    assert same == (taken == "unpruned")


def test_the_gain_is_the_whole_ones_time_over_the_narrow_ones_in_int8_in_both_runtimes(
    tiny_net: QualityNet, photos_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in takes a millisecond for each byte, so that the busy machine does not count."""
    sizes: dict[str, int] = {}

    def time(files: dict[str, bytes], views: np.ndarray, repeats: int) -> dict[str, Recording]:
        assert views.shape == tiny_net.spec.shape
        sizes.update({name: len(content) for name, content in files.items()})
        return {name: Recording(np.full(repeats, float(size)), {}) for name, size in sizes.items()}

    monkeypatch.setattr(prune, "time_models", time)
    narrow = copy.deepcopy(tiny_net)
    cut(narrow, 0.8, "magnitude", "layer")
    options = argparse.Namespace(data=photos_csv, cache=photos_csv.parent / "cache")
    gains = prune.time_both(tiny_net, narrow, options)
    assert set(gains) == {"onnx", "tflite"}
    for runtime, gain in gains.items():
        whole, small = (sizes[f"model.{key}.{runtime}"] for key in ("whole", "narrow"))
        assert whole > small and gain is not None and gain["value"] == pytest.approx(whole / small)


@pytest.mark.parametrize(("macs", "says"), [("1.5", "a share between 0 and 1"), ("1", "a share below 1")])
def test_an_impossible_cut_ends_in_one_sentence(
    student: Path,
    small_teacher: Path,
    photos_csv: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    macs: str,
    says: str,
) -> None:
    argv = arguments(student, small_teacher, photos_csv, tmp_path, "--importance", "magnitude")
    argv[argv.index("--macs") + 1] = macs
    with pytest.raises(SystemExit, match="2"):
        prune.main(argv)
    assert f"macs: expected {says}" in capsys.readouterr().err


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing long is begun."""

    def refuse(*_: object) -> None:
        raise AssertionError("photos were made ready")

    monkeypatch.setattr(prune, "Seen", refuse)


@pytest.mark.usefixtures("early")
def test_a_share_that_the_last_step_cannot_reach_is_refused_before_the_first(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = arguments(student, small_teacher, photos_csv, tmp_path, "--macs", "0.01", "--steps", "2")
    assert prune.main(argv) == 1 and not list(tmp_path.iterdir())
    told = capsys.readouterr().err
    assert told.startswith(
        "error: --macs 0.01: step 1 of 2 cannot be, asked for 0.10 of the multiplications of the whole"
    )


@pytest.mark.usefixtures("early")
@pytest.mark.parametrize(
    ("passed", "says"),
    [
        (("--start", "imagenet"), "--start: cannot be passed on"),
        (("--out", "x"), "--out: cannot be passed on"),
        (("--follow", "x"), "--follow: cannot be passed on"),
        (("--frozen", "3"), "--frozen: cannot be passed on"),
        (("--star", "imagenet"), "unrecognized arguments: --star imagenet"),
        (("--learning-rate", "nan"), "learning_rate: expected more than 0"),
        (("--limit", "abc"), "--limit: expected a whole number"),
        (("100",), "unrecognized arguments: 100"),
    ],
)
def test_options_that_cannot_be_passed_on_are_refused_before_the_first_step(
    student: Path,
    small_teacher: Path,
    photos_csv: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    passed: tuple[str, ...],
    says: str,
) -> None:
    argv = [*arguments(student, small_teacher, photos_csv, tmp_path), *passed]
    assert prune.main(argv) == 1
    assert says in capsys.readouterr().err


def test_a_step_whose_share_the_one_before_reached_is_left_out(
    student: Path, small_teacher: Path, photos_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Channels go in eights: the first cut leaves less than asked, and less than the next ones ask."""
    monkeypatch.setattr(prune, "time_both", lambda *_: {"tflite": gain(1.1)})
    more = (
        "--steps",
        "8",
        "--macs",
        "0.9",
        "--epochs",
        "0",
        "--importance",
        "magnitude",
        "--tones-stride",
        "8",
    )
    assert prune.main(arguments(student, small_teacher, photos_csv, tmp_path, *more)) == 0
    record = json.loads((tmp_path / "prune.json").read_text())
    whole, last = record["macs"]
    assert last <= 0.9 * whole and 0 < len(record["steps"]) < 8
    assert load(tmp_path / "student.safetensors")[0].tones_stride_px == 8
