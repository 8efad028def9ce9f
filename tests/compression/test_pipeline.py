"""A recipe is what its commands take, and the pipeline runs what is not done yet, in order, or stops.

The stages' own work has tests of its own; here stand-ins record how they were called and write what
the real ones leave, so that order, hashes and kills can be looked at in no time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from compression import pipeline, stages
from compression.stages import COMMANDS, read_recipe
from edge_iqa.errors import RecipeError

ROOT = Path(__file__).resolve().parents[2]
WHOLE = """
name = "small"

[distill]
epochs = 2
learning_rate = 6e-4

[quantize]

[gates]
bound = ["int8_flips=0.01", "int8_p99=0.03"]

[pack]
version = "1.2.3"
golden = ["examples/photos/mug.jpg"]
replace = true
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return path

    return write


# recipes


def test_a_recipe_becomes_the_arguments_of_its_commands(recipe: Callable[[str], Path]) -> None:
    read = read_recipe(recipe(WHOLE))
    assert read.name == "small"
    assert dict(read.stages) == {
        "distill": ("--epochs", "2", "--learning-rate", "0.0006"),
        "quantize": (),
        "gates": ("--bound", "int8_flips=0.01", "--bound", "int8_p99=0.03"),
        "pack": ("--version", "1.2.3", "--golden", "examples/photos/mug.jpg", "--replace"),
    }


def test_options_for_the_distillation_inside_pruning_come_last(recipe: Callable[[str], Path]) -> None:
    text = WHOLE.replace("[quantize]", '[prune]\ndistill = ["--limit", "900"]\nmacs = 0.4\n\n[quantize]')
    assert read_recipe(recipe(text)).stages["prune"] == ("--macs", "0.4", "--", "--limit", "900")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "compression" / "recipes").glob("*.toml")), ids=lambda p: p.stem
)
def test_every_recipe_that_comes_along_can_be_read(path: Path) -> None:
    read = read_recipe(path)
    assert read.name == path.stem
    for stage, arguments in read.stages.items():
        required = {"gates": ["--data", "x", "--artifacts", "x"], "pack": ["--artifacts", "x"]}
        required["teacher"] = ["--data", "x"]
        COMMANDS[stage].make_parser().parse_args([*required.get(stage, []), *arguments])


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('name = "small"', 'name = "Ä b"', 2, "name: expected a short name"),
        ('name = "small"', 'name = "small"\nstudent = "s.safetensors"', 3, "none beside [distill]"),
        ("[quantize]", "[quantise]", 8, "quantise: expected one of the sections"),
        ("epochs = 2", "epoch = 2", 5, "distill.epoch: expected one of "),
        ("epochs = 2", "epochs = 0", 5, "a whole number from 1 up"),
        ("epochs = 2", 'epochs = "two"', 5, "a whole number from 1 up"),
        ("epochs = 2", "epochs = [2, 3]", 5, "one value"),
        ("learning_rate = 6e-4", 'learning_rate = "fast"', 6, "a value for --learning_rate"),
        ("learning_rate = 6e-4", 'student = "alexnet"', 6, "one of mobilenet_v2"),
        ("learning_rate = 6e-4", 'out = "elsewhere"', 6, "does not set itself"),
        ('bound = ["int8_flips=0.01", "int8_p99=0.03"]', "bound = true", 11, "a list of values"),
        ('"int8_p99=0.03"', '"int8_p99=nan"', 11, "int8_p99 from 0 to 2"),
        ('"int8_p99=0.03"', '"int8_p98=0.03"', 11, "one of student_teacher_srcc"),
        ('version = "1.2.3"', 'version = "../../1.2.3"', 14, "a version such as 1.2.0"),
        ("photos/mug.jpg", "photos/gone.jpg", 15, "pack.golden: expected a file or folder that is there"),
        ("replace = true", 'replace = "yes"', 16, "true or false"),
        (
            "[quantize]",
            '[aware]\ndistill = ["--out", "x"]\n\n[quantize]',
            9,
            "options of distill, of --details",
        ),
        (
            "[quantize]",
            '[prune]\ndistill = ["--teach=x"]\n\n[quantize]',
            9,
            "options of distill, of --details",
        ),
    ],
)
def test_what_no_command_takes_is_refused_with_its_line(
    recipe: Callable[[str], Path], old: str, new: str, line: int, says: str
) -> None:
    assert old in WHOLE
    path = recipe(WHOLE.replace(old, new))
    with pytest.raises(RecipeError) as error:
        read_recipe(path)
    assert str(error.value).startswith(f"{path}:{line}: ") and says in str(error.value)


def test_what_is_no_recipe_is_refused(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    for text, says in (
        ("name = ", "not TOML"),
        ('name = "a"\n[quantize]\n', r"section \[gates\] is missing"),
        ('name = "a"\n\nstudent = "none"', "recipe.toml:3: student: expected a student's .safetensors file"),
    ):
        with pytest.raises(RecipeError, match=says):
            read_recipe(recipe(text))
    with pytest.raises(RecipeError, match="could not read"):
        read_recipe(tmp_path / "none.toml")


# runs


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
    student.write_text("one")
    text = (
        WHOLE.partition("[distill]")[0]
        + f'student = "{student}"\n[quantize]'
        + WHOLE.partition("[quantize]")[2]
    )
    assert run(text) == 0 and calls == ["quantize", "gates", "pack"]
    (made,) = (tmp_path / "runs" / "small").glob("quantize-*/quantize.json")
    assert str(student) in made.read_text()
    calls.clear()
    student.write_text("another")
    assert run(text) == 0 and calls == ["quantize", "gates", "pack"]


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


def test_a_file_that_an_option_names_is_part_of_what_goes_in(
    run: Callable[..., int], calls: list[str], tmp_path: Path
) -> None:
    start, golden = tmp_path / "start.safetensors", tmp_path / "golden"
    golden.mkdir()
    start.write_text("one")
    text = WHOLE.replace("epochs = 2", f'start = "{start}"').replace("examples/photos/mug.jpg", str(golden))
    run(text)
    calls.clear()
    run(text)
    assert calls == []
    (golden / "new.jpg").write_bytes(b"photo")
    run(text)
    assert calls == ["pack"]
    calls.clear()
    start.write_text("another")
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
