"""A recipe is what its commands take, and what cannot be finished is refused when it is read, with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compression.models import build
from compression.models.weights import save
from compression.stages import COMMANDS, read_recipe
from edge_iqa.errors import RecipeError
from edge_iqa.views import ViewSpec
from tests.compression.recipe_texts import REST, WHOLE

ROOT = Path(__file__).resolve().parents[2]


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
        ("[quantize]", "[quantise]", 8, "or the keys name, student"),
        ("epochs = 2", "epoch = 2", 5, "distill.epoch: expected one of "),
        ("epochs = 2", "epochs = 0", 5, "a whole number from 1 up"),
        ("epochs = 2", 'epochs = "two"', 5, "a whole number from 1 up"),
        ("epochs = 2", "epochs = [2, 3]", 5, "one value"),
        ("learning_rate = 6e-4", 'learning_rate = "fast"', 6, "a value for --learning_rate"),
        ("learning_rate = 6e-4", 'student = "alexnet"', 6, "one of mobilenet_v2"),
        (
            "learning_rate = 6e-4",
            'out = "elsewhere"',
            6,
            "distill.out: the pipeline sets it itself; remove the line",
        ),
        ("learning_rate = 6e-4", "output_range = [1, 5]", 6, "teacher.safetensors is no server model"),
        ('bound = ["int8_flips=0.01", "int8_p99=0.03"]', "bound = true", 11, "a list of values"),
        ('"int8_p99=0.03"', '"int8_p99=nan"', 11, "int8_p99 from 0 to 2"),
        ('"int8_p99=0.03"', '"int8_p98=0.03"', 11, "one of student_teacher_srcc"),
        ('version = "1.2.3"', 'version = "../../1.2.3"', 14, "a version such as 1.2.0"),
        ("photos/mug.jpg", "photos/gone.jpg", 15, f"is there, seen from {Path.cwd()}, got"),
        (
            'golden = ["examples/photos/mug.jpg"]',
            "",
            13,
            "pack: the key golden is missing (photos, or folders of photos)",
        ),
        ("examples/photos/mug.jpg", "README.md", 15, "pack.golden: README.md: expected"),
        ('"examples/photos/mug.jpg"', '"export"', 15, "pack.golden: golden: expected photos of different"),
        ('"examples/photos/mug.jpg"', f'"{"x" * 300}.jpg"', 15, "is there, seen from"),
        (
            "replace = true",
            'replace = true\nabout = "examples/photos/mug.jpg"',
            17,
            "expected a text in UTF-8",
        ),
        (
            "replace = true",
            'replace = true\ntrim = "README.md"',
            17,
            "pack.trim: README.md: README.md is no folder; choose another place",
        ),
        (
            "replace = true",
            'replace = true\nexamples = "examples/photos.csv"',
            17,
            "pack.examples: examples/photos.csv",
        ),
        ("[distill]", "[teacher]", 4, "teacher: a student must be distilled from it"),
        ("replace = true", 'replace = "yes"', 16, "true or false"),
        (
            "[quantize]",
            '[aware]\ndistill = ["--out", "x"]\n\n[quantize]',
            9,
            "aware.distill: --out: cannot be passed on, the command decides it itself; behind -- may stand --follow",
        ),
        (
            "[quantize]",
            '[prune]\ndistill = ["--teach=x"]\n\n[quantize]',
            9,
            "prune.distill: unrecognized arguments: --teach=x",
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


@pytest.mark.parametrize(
    ("keys", "line", "says"),
    [
        ("learning_rate = nan", 3, "distill.learning_rate: expected more than 0, got nan"),
        ("learning_rate = -1", 3, "distill.learning_rate: expected more than 0, got -1"),
        ("epochs = 3\nsmall_epochs = 9", 4, "distill.small_epochs: expected 0 to 2, got 9"),
        ("seed = -1", 3, "distill.seed: expected a whole number from 0 up"),
        ('start = "random"\nwidth = -2', 4, "distill.width: expected 0.1 to 2, got -2.0"),
        ('start = "random"\ndetails = -3', 2, "views.detail: expected a whole number from 0 to 16, got -3"),
        ("size = 96", 2, "--size 96: "),
        ('start = "no-such-file.safetensors"', 2, "no-such-file.safetensors: expected a safetensors file"),
        ('weight = ["rank=1", "rnk=abc"]', 3, "distill.weight: expected one of score, rank, "),
        ("sparsity = -1", 3, "distill.sparsity: expected a number from 0 up"),
        ("follow_weight = inf", 3, "distill.follow_weight: expected a number from 0 up"),
        ("label_weight = -1", 2, "expected numbers from 0 up"),
        ("aware = true\nsparsity = 1e-5", 3, "distill.aware: prune first"),
        ('student = "patchnet"\nstart = "imagenet"', 2, "patchnet has no ImageNet weights"),
        ('student = "patchnet"', 2, "holds mobilenet_v2; use --start imagenet or random"),
        ('start = "imagenet"\nweights = "tests"', 2, "mobilenet_v2_imagenet.npz: expected an npz"),
        ('start = "random"\nweights = "tests"', 4, "ImageNet weights are for --start imagenet"),
        (
            'start = "random"\nstudent = "patchnet"\nfollow = "{reference}"',
            2,
            "follow the one it was cut from",
        ),
        (
            "output_range = [1, 5]\n[teacher]\nepochs = 3",
            3,
            "distill.output_range: of a server's teacher; that of [teacher] scores from 0 to 1",
        ),
        ("[teacher]\nepochs = 3\nsmall_epochs = 9", 5, "teacher.small_epochs: expected 0 to 2, got 9"),
        ("frozen = 99", 3, "distill.frozen: expected 0 to 19 blocks, got 99"),
        ("[teacher]\nlearning_rate = -1", 4, "teacher.learning_rate: expected more than 0, got -1.0"),
        ('[teacher]\narchitecture = "patchnet"', 3, "patchnet has no ImageNet weights"),
        ('[teacher]\nstart = "{reference}"', 3, "expected attributes"),
        ("[prune]\nmacs = 1", 4, "prune.macs: expected a share below 1, got 1"),
        (
            '[prune]\ndistill = ["--limit", "abc"]',
            4,
            "prune.distill: argument --limit: expected a whole number",
        ),
        ('[prune]\ndistill = ["100"]', 4, "prune.distill: unrecognized arguments: 100"),
        ('[prune]\ndistill = ["--help"]', 4, "prune.distill: --help: ask"),
        ('[prune]\ndistill = ["--follow", "x"]', 4, "prune.distill: --follow: cannot be passed on"),
        ('[prune]\ndistill = ["--small-epochs", "1"]', 4, "small_epochs: expected 0 to 0, got 1"),
        ('[prune]\ndistill = ["--width", "0.5"]', 4, "--width: cannot be passed on"),
        ("[prune]\ntones_stride = 2", 4, "prune.tones_stride: expected 4 px or more, got 2"),
        ("[aware]\nlearning_rate = -1", 4, "aware.learning_rate: expected more than 0, got -1.0"),
        ('[aware]\ndistill = ["--sparsity", "1"]', 4, "aware.distill: --aware: prune first"),
    ],
)
def test_what_a_command_would_refuse_hours_later_is_refused_when_the_recipe_is_read(
    recipe: Callable[[str], Path], tmp_path: Path, keys: str, line: int, says: str
) -> None:
    net = build("mobilenet_v2", ("noise",), spec=ViewSpec(32, 1, 256), width=0.35)
    reference = save(net, tmp_path / "reference.safetensors")
    path = recipe('name = "small"\n[distill]\n' + keys.replace("{reference}", str(reference)) + "\n" + REST)
    with pytest.raises(RecipeError) as error:
        read_recipe(path)
    assert str(error.value).startswith(f"{path}:{line}: ") and says in str(error.value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('quantize.check = "x"\n', 2, "quantize.check: "),
        ("quantize = {repeats = 3}\n", 2, "quantize.repeats: expected one of "),
        ("prune.steps = 2\nprune.macs = 2\n", 3, "prune.macs: "),
        ("[prune]\nsteps = 1\nfirst_block = 99\n", 4, "prune.first_block: expected 0 to 18, "),
    ],
)
def test_keys_with_dots_and_sections_in_one_line_have_a_line_too(
    recipe: Callable[[str], Path], text: str, line: int, says: str
) -> None:
    rest = REST.replace("\n[quantize]\n", "") if text.startswith("quantize") else REST
    path = recipe(f'name = "a"\n{text}{rest}')
    with pytest.raises(RecipeError) as error:
        read_recipe(path)
    assert str(error.value).startswith(f"{path}:{line}: ") and says in str(error.value)


def test_what_is_no_recipe_is_refused(recipe: Callable[[str], Path], tmp_path: Path) -> None:
    for text, says in (
        ("name = ", "not TOML"),
        ('name = "a"\n[quantize]\n', r"section \[gates\] is missing"),
        ('name = "a"\n\nstudent = "none"', "recipe.toml:3: student: expected a student's .safetensors file"),
        (
            'name = "a"\n\nteacher = "none.pt"',
            "recipe.toml:3: teacher: expected a teacher's .safetensors or .pt",
        ),
        ('name = "a"\nteacher = 3', "recipe.toml:2: teacher: expected a section, or a file, got 3"),
        (
            f'name = "a"\nstudent = "README.md"\n{REST}',
            "recipe.toml:2: student: README.md: expected a safetensors file",
        ),
        (
            f'name = "a"\nstudent = "compression/reference/teacher.safetensors"\n{REST}',
            "recipe.toml:2: student: compression/reference/teacher.safetensors is the teacher",
        ),
        (f'name = "a"\nteacher = "README.md"\n{REST}', "recipe.toml:2: teacher: README.md: "),
        (f'name = "a"\nstudent = "{"x" * 300}"\n{REST}', "recipe.toml:2: student: expected a student's"),
        (f"name = {'[' * 3000}", "recipe.toml: not TOML"),
    ):
        with pytest.raises(RecipeError, match=says):
            read_recipe(recipe(text))
    with pytest.raises(RecipeError, match="could not read"):
        read_recipe(tmp_path / "none.toml")


def test_a_recipe_may_begin_with_a_byte_order_mark_as_some_editors_write(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(WHOLE, encoding="utf-8-sig")
    assert read_recipe(path).name == "small"


def test_a_student_of_another_teacher_is_refused_when_the_recipe_is_read(
    recipe: Callable[[str], Path], tmp_path: Path
) -> None:
    net = build("mobilenet_v2", spec=ViewSpec(32, 1, 256), width=0.35)
    student = save(net, tmp_path / "student.safetensors", {"run": {"teacher_sha256": "f" * 64}})
    with pytest.raises(RecipeError, match="the student was distilled from another teacher"):
        read_recipe(recipe(f'name = "a"\nstudent = "{student}"\n{REST}'))
