"""The pipeline runs what is not done yet, in order, or stops.

The stages' own work has tests of its own; here stand-ins record how they were called and write what
the real ones leave, so that order, hashes and kills can be looked at in no time.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from compression import pipeline, stages
from compression.models import build
from compression.models.weights import save
from compression.stages import COMMANDS
from edge_iqa.bundle import DEFAULT
from edge_iqa.views import ViewSpec
from tests.compression.recipe_texts import WHOLE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the stages that ran; each stand-in writes what its command would."""
    ran: list[str] = []

    def stand_in(stage: str) -> Callable[[list[str]], int]:
        def run(argv: list[str]) -> int:
            ran.append(stage)
            told = COMMANDS[stage].make_parser().parse_args(argv)
            makes = {
                "distill": lambda: told.out / "student.safetensors",
                "aware": lambda: told.out / "student.safetensors",
                "quantize": lambda: told.out / "quantize.json",
                "gates": lambda: told.artifacts / "gates.json",
                "pack": lambda: told.out / f"{told.name}-{told.version}" / "manifest.json",
            }[stage]()
            makes.parent.mkdir(parents=True, exist_ok=True)
            makes.write_text(repr(sorted(vars(told).items(), key=str)))
            folders = {"quantize": lambda: [told.out], "pack": lambda: [makes.parent, told.trim]}
            for folder in filter(None, folders.get(stage, list)()):
                folder.mkdir(exist_ok=True)
                (folder / "model.int8.onnx").write_text("model")
            if stage == "pack" and told.trim:
                shutil.copy(DEFAULT / "manifest.json", told.trim)
            return 0

        return run

    real = dict(COMMANDS)
    for stage, command in real.items():
        monkeypatch.setitem(stages.COMMANDS, stage, replace(command, run=stand_in(stage)))
    return ran


@pytest.fixture
def run(recipe: Callable[[str], Path], photos_csv: Path, tmp_path: Path) -> Callable[..., int]:
    def call(text: str = WHOLE, *more: str) -> int:
        told = [str(recipe(text)), "--data", str(photos_csv), "--runs", str(tmp_path / "runs")]
        return pipeline.main([*told, "--out", str(tmp_path / "bundles"), *more])

    return call


def test_stages_run_in_order_and_once(run: Callable[..., int], calls: list[str], tmp_path: Path) -> None:
    assert run() == 0 and calls == ["distill", "quantize", "gates", "pack"]
    assert (tmp_path / "bundles" / "small-1.2.3" / "manifest.json").is_file()
    assert run() == 0 and len(calls) == 4, "nothing was to be done"


def test_a_changed_option_runs_its_stage_and_those_that_depend_on_it(
    run: Callable[..., int], calls: list[str]
) -> None:
    run()
    calls.clear()
    run(WHOLE.replace("int8_p99=0.03", "int8_p99=0.02"))
    assert calls == ["gates", "pack"]
    calls.clear()
    run(WHOLE.replace("epochs = 2", "epochs = 3"))
    assert calls == ["distill", "quantize", "gates", "pack"]
    calls.clear()
    run()
    # student and models of the first recipe still stand; its gate report and bundle have been replaced
    assert calls == ["gates", "pack"]


def test_a_recipe_may_start_from_a_student_of_its_own(
    run: Callable[..., int], calls: list[str], tmp_path: Path
) -> None:
    student = tmp_path / "mine.safetensors"
    save(build("mobilenet_v2", spec=ViewSpec(32, 1, 256), width=0.35), student)
    text = (
        WHOLE.partition("[distill]")[0]
        + f'student = "{student}"\n[quantize]'
        + WHOLE.partition("[quantize]")[2]
    )
    assert run(text) == 0 and calls == ["quantize", "gates", "pack"]
    (made,) = (tmp_path / "runs" / "small").glob("quantize-*/quantize.json")
    assert str(student) in made.read_text()
    calls.clear()
    save(build("mobilenet_v2", spec=ViewSpec(64, 1, 256), width=0.35), student)
    assert run(text) == 0 and calls == ["quantize", "gates", "pack"]


def test_a_recipe_may_name_the_teacher_that_its_student_is_distilled_from_and_held_to(
    run: Callable[..., int], calls: list[str], tmp_path: Path
) -> None:
    teacher = save(build("resnet18", spec=ViewSpec(32, 1, 256)), tmp_path / "ours.safetensors")
    text = f'teacher = "{teacher}"\n{WHOLE.lstrip()}'
    assert run(text) == 0 and calls == ["distill", "quantize", "gates", "pack"]
    for made in ("distill-*/student.safetensors", "quantize-*/gates.json"):
        (path,) = (tmp_path / "runs" / "small").glob(made)
        assert str(teacher) in path.read_text()
    calls.clear()
    save(build("resnet18", spec=ViewSpec(64, 1, 256)), teacher)
    assert run(text) == 0 and calls[0] == "distill"


def test_int8_is_learned_from_the_distilled_student_and_its_result_is_what_is_quantized(
    run: Callable[..., int], calls: list[str], tmp_path: Path
) -> None:
    assert run(WHOLE.replace("[quantize]", "[aware]\nepochs = 1\n\n[quantize]")) == 0
    assert calls == ["distill", "aware", "quantize", "gates", "pack"]
    made = {path.name.rpartition("-")[0]: path for path in (tmp_path / "runs" / "small").iterdir()}
    for stage, after, file in (
        ("distill", "aware", "student.safetensors"),
        ("aware", "quantize", "quantize.json"),
    ):
        told = (made[after] / file).read_text()
        assert str(made[stage] / "student.safetensors") in told


def test_a_stage_is_run_again_when_its_result_was_altered_or_somebody_asks(
    run: Callable[..., int], calls: list[str], tmp_path: Path
) -> None:
    run()
    calls.clear()
    next((tmp_path / "runs" / "small").glob("quantize-*/gates.json")).write_text("altered")
    run()
    assert calls == ["gates"], "and it says the same as before, so it is packed already"
    calls.clear()
    assert run(WHOLE, "--again", "quantize") == 0
    assert calls == ["quantize", "gates", "pack"]


@pytest.mark.parametrize(
    ("altered", "reruns"),
    [
        ("runs/small/quantize-*/model.int8.onnx", "quantize"),
        ("bundles/small-1.2.3/model.int8.onnx", "pack"),
        ("trimmed/model.int8.onnx", "pack"),
    ],
)
@pytest.mark.parametrize("gone", [True, False])
def test_every_file_of_models_and_bundles_counts(
    run: Callable[..., int], calls: list[str], tmp_path: Path, altered: str, reruns: str, gone: bool
) -> None:
    text = WHOLE.replace("replace = true", f'replace = true\ntrim = "{tmp_path / "trimmed"}"')
    run(text)
    calls.clear()
    assert run(text) == 0 and calls == []
    (path,) = tmp_path.glob(altered)
    path.unlink() if gone else path.write_text("altered")
    assert run(text) == 0 and calls == [reruns]


@pytest.mark.parametrize("content", ["", '{"seconds": 1', "[]", "null", '{"seconds": "1"}', "\udcff"])
def test_a_damaged_note_of_a_finished_stage_means_that_it_is_not_done(
    run: Callable[..., int], calls: list[str], tmp_path: Path, content: str
) -> None:
    run()
    calls.clear()
    (note,) = (tmp_path / "runs" / "small").glob("distill-*/done.json")
    note.write_bytes(content.encode(errors="surrogateescape"))
    assert run(WHOLE, "--dry-run") == 0
    assert run() == 0 and calls == ["distill"]


def test_photos_that_lack_a_split_are_refused_before_anything_runs(
    run: Callable[..., int],
    calls: list[str],
    photos_csv: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [line for line in photos_csv.read_text().splitlines() if ",test," not in line]
    some = photos_csv.with_name("no-test.csv")
    some.write_text("\n".join(lines))
    assert run(WHOLE, "--data", str(some)) == 1 and calls == []
    assert "expected photos of all splits, got none of 'test'" in capsys.readouterr().err


def test_a_folder_of_runs_that_is_a_file_ends_in_one_sentence(
    run: Callable[..., int], calls: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").write_text("in the way")
    assert run() == 1 and calls == []
    told = capsys.readouterr().err
    assert "could not be made" in told and "choose another folder for --runs" in told


def test_the_size_that_the_gates_let_pass_is_what_quantize_may_fill(
    run: Callable[..., int], calls: list[str], tmp_path: Path
) -> None:
    assert run(WHOLE.replace("int8_p99=0.03", "file_mb=1.5")) == 0
    (made,) = (tmp_path / "runs" / "small").glob("quantize-*/quantize.json")
    assert "('file_mb', 1.5)" in made.read_text()
    calls.clear()
    assert run(WHOLE.replace("int8_p99=0.03", "file_mb=2.5")) == 0 and calls[0] == "quantize"


def test_a_file_that_an_option_names_is_part_of_what_goes_in(
    run: Callable[..., int], calls: list[str], tmp_path: Path
) -> None:
    start, golden = tmp_path / "start.safetensors", tmp_path / "golden"
    golden.mkdir()
    shutil.copy(ROOT / "examples" / "photos" / "coffee.jpg", golden)
    save(build("mobilenet_v2", spec=ViewSpec(32, 1, 256), width=0.35), start)
    text = WHOLE.replace("epochs = 2", f'start = "{start}"').replace("examples/photos/mug.jpg", str(golden))
    run(text)
    calls.clear()
    run(text)
    assert calls == []
    shutil.copy(ROOT / "examples" / "photos" / "mug.jpg", golden / "new.jpg")
    run(text)
    assert calls == ["pack"]
    calls.clear()
    save(build("mobilenet_v2", spec=ViewSpec(64, 1, 256), width=0.35), start)
    run(text)
    assert calls[0] == "distill"


def test_a_photo_that_the_list_of_examples_names_is_part_of_what_goes_in(
    run: Callable[..., int], calls: list[str], tmp_path: Path
) -> None:
    (tmp_path / "mug.jpg").write_bytes(b"photo")
    (tmp_path / "truth.csv").write_text("path,accepted,licence\nmug.jpg,yes,CC0-1.0\n")
    text = WHOLE.replace("replace = true", f'replace = true\nexamples = "{tmp_path / "truth.csv"}"')
    run(text)
    calls.clear()
    run(text)
    assert calls == []
    (tmp_path / "mug.jpg").write_bytes(b"another")
    run(text)
    assert calls == ["pack"]


def test_a_stage_that_the_recipe_lacks_cannot_be_run_again(
    run: Callable[..., int], calls: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(WHOLE, "--again", "prune") == 1 and calls == []
    assert "--again: expected a stage of" in capsys.readouterr().err


def test_a_stage_that_fails_ends_the_run_and_nothing_is_packed(
    run: Callable[..., int],
    calls: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(stages.COMMANDS, "gates", replace(COMMANDS["gates"], run=lambda _: 1))
        assert run() == 1
    assert "gates: the stage failed" in capsys.readouterr().err
    assert calls == ["distill", "quantize"] and not (tmp_path / "bundles").exists()
    assert run() == 0 and calls[2:] == ["gates", "pack"]


def test_a_command_that_refuses_its_options_is_a_stage_that_failed(
    run: Callable[..., int],
    calls: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    refuse = replace(COMMANDS["gates"], run=lambda _: COMMANDS["gates"].make_parser().parse_args(["--what"]))
    monkeypatch.setitem(stages.COMMANDS, "gates", refuse)
    assert run() == 1 and calls == ["distill", "quantize"]
    assert "gates: the stage failed, exit code 2" in capsys.readouterr().err


def test_a_dry_run_shows_what_would_run_and_runs_nothing(
    run: Callable[..., int], calls: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(WHOLE, "--dry-run") == 0 and calls == []
    assert capsys.readouterr().out.count("would run") == 4
    run()
    calls.clear()
    capsys.readouterr()
    assert run(WHOLE.replace('"1.2.3"', '"1.2.4"'), "--dry-run") == 0 and calls == []
    told = capsys.readouterr().out
    assert told.count("done") == 3 and told.count("would run") == 1
