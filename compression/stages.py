"""Recipe → stages: a TOML file, checked against the options of the commands that it runs.

A section is a stage, a key is an option of its command (`small_epochs` is `--small-epochs`), so that a
recipe knows exactly what the commands know. What the pipeline itself decides, such as where results go,
no recipe may set.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compression import aware, distill, gates, prune, quantize, teacher
from compression.command import read_arguments
from compression.data import hash_file
from compression.distill_options import REFERENCE
from compression.models.heads import QualityNet
from compression.models.weights import load, load_teacher, read_output_range
from edge_iqa import toml
from edge_iqa.errors import EdgeIqaError, RecipeError
from edge_iqa.toml import Source
from export import pack

_NAME = r"[a-z0-9][a-z0-9-]{0,31}"


@dataclass(frozen=True)
class Command:
    """A command that can be a stage.

    Attributes:
        run: takes arguments, returns the exit code.
        make_parser: its options.
        ours: options that the pipeline sets itself.
        check: refuses options that the command would refuse when it runs.
        check_student: the same with the student that the command will take, where that is known by then.
    """

    run: Callable[[list[str]], int]
    make_parser: Callable[[], argparse.ArgumentParser]
    ours: frozenset[str]
    check: Callable[[argparse.Namespace], object] = lambda _: None
    check_student: Callable[[QualityNet, argparse.Namespace], object] = lambda *_: None


COMMANDS: Mapping[str, Command] = {
    "teacher": Command(
        teacher.main, teacher.make_parser, frozenset({"data", "out", "cache", "resume"}), teacher.check
    ),
    "distill": Command(
        distill.main,
        distill.make_parser,
        frozenset({"data", "out", "cache", "resume", "teacher", "quick"}),
        distill.check,
    ),
    "prune": Command(
        prune.main,
        prune.make_parser,
        frozenset({"data", "out", "cache", "teacher", "student"}),
        prune.check,
        prune.check_first_block,
    ),
    "aware": Command(
        aware.main,
        aware.make_parser,
        frozenset({"data", "out", "cache", "resume", "teacher", "student"}),
        aware.check,
    ),
    "quantize": Command(
        quantize.main, quantize.make_parser, frozenset({"data", "out", "cache", "student", "file_mb"})
    ),
    "gates": Command(
        gates.main,
        gates.make_parser,
        frozenset({"data", "cache", "student", "teacher", "artifacts"}),
    ),
    "pack": Command(
        pack.main, pack.make_parser, frozenset({"artifacts", "gates", "name", "out"}), pack.check
    ),
}
"""In the order in which they run."""
_ALWAYS = ("quantize", "gates", "pack")
WRITTEN = frozenset({"trim"})
"""Keys that name a folder which the stage writes, not one that it reads."""


@dataclass(frozen=True)
class Recipe:
    """How a bundle is made.

    Attributes:
        name: of the bundle.
        stages: name of the stage → arguments for its command, in the order in which they run.
        student: where the recipe has no distillation, what the first stage that needs a student takes.
        teacher: where the recipe trains none, what the stages that need one take.
    """

    name: str
    stages: Mapping[str, tuple[str, ...]]
    student: Path = REFERENCE / "student.safetensors"
    teacher: Path = REFERENCE / "teacher.safetensors"


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises:
        RecipeError: not TOML, a section or key that no command knows, or a value that it does not take;
            the message names file and line.
    """
    entry = toml.read(path, RecipeError, "a recipe")
    source, root = entry.source, {key: member.value for key, member in entry.members()}
    name = root.pop("name", None)
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise source.refuse(("name",), "a short name of a-z, 0-9 and '-'", name)
    teacher, student = _take_teacher(root, source), _take_student(root, source)
    for section, values in root.items():
        if section not in COMMANDS or not isinstance(values, dict):
            came = values if section in COMMANDS else section
            expected = f"one of the sections {', '.join(COMMANDS)}, or the keys name, student, teacher"
            raise source.refuse((section,), "a section, or a file" if section in COMMANDS else expected, came)
    for section in _ALWAYS:
        if section not in root:
            raise RecipeError(f"{path}: the section [{section}] is missing")
    if "teacher" in root and "distill" not in root:
        raise source.say(("teacher",), "a student must be distilled from it; add a section [distill]")
    stages = {section: _read_stage(section, root[section], source) for section in COMMANDS if section in root}
    recipe = Recipe(name, stages, student, teacher)
    net, meta = (None, None) if "distill" in root else _load_student(recipe, source)
    for section in stages:
        _check_stage(section, root[section], recipe, net, source)
    if "teacher" not in root:
        _check_teacher(recipe, meta, root.get("distill", {}), source)
    elif "output_range" in root["distill"]:
        raise source.say(
            ("distill", "output_range"), "of a server's teacher; that of [teacher] scores from 0 to 1"
        )
    return recipe


def _take_teacher(root: dict[str, Any], source: Source) -> Path:
    """Take the key `teacher` out of a recipe, a checkpoint; a table of that name is the stage that trains one."""
    if not isinstance(root.get("teacher"), str):
        return Recipe.teacher
    value = Path(root.pop("teacher"))
    if not os.path.isfile(value):
        raise source.refuse(("teacher",), "a teacher's .safetensors or .pt file, or a section", str(value))
    return value


def _take_student(root: dict[str, Any], source: Source) -> Path:
    """Take the key `student` out of a recipe: a checkpoint, seen from where the command runs."""
    if "student" not in root:
        return Recipe.student
    value = root.pop("student")
    if "distill" in root:
        raise source.refuse(("student",), "none beside [distill], which makes one (its `start`)", value)
    if not isinstance(value, str) or not os.path.isfile(value):
        raise source.refuse(("student",), "a student's .safetensors file", value)
    return Path(value)


def _load_student(recipe: Recipe, source: Source) -> tuple[QualityNet, Mapping[str, Any]]:
    """The student that the first stage takes, with its record."""
    try:
        net, meta = load(recipe.student)
    except EdgeIqaError as error:
        raise source.say(("student",), str(error)) from error
    if hash_file(recipe.student) == hash_file(recipe.teacher):
        raise source.say(("student",), f"{recipe.student} is the teacher; name what learned from it")
    return net, meta


def _check_teacher(
    recipe: Recipe, student: Mapping[str, Any] | None, distill: Mapping[str, Any], source: Source
) -> None:
    """Refuse a teacher that no stage could load, one of another student, and a scale for one that has its own.

    Args:
        student: the record of the one that the recipe starts from; None where it distills one, as `distill` says.
    """
    try:
        if student is None:
            told = tuple(distill.get("output_range", (0.0, 1.0)))
        else:
            gates.check_teacher(student, hash_file(recipe.teacher), recipe.teacher)
            told = read_output_range(student, recipe.student)
        if recipe.teacher != Recipe.teacher or told != (0.0, 1.0):
            load_teacher(recipe.teacher, told)
    except (EdgeIqaError, ValueError) as error:
        where = ("distill", "output_range") if "output range" in str(error) else ("teacher",)
        raise source.say(where, str(error)) from error


def _read_stage(section: str, values: Mapping[str, Any], source: Source) -> tuple[str, ...]:
    """Arguments of one stage."""
    command = COMMANDS[section]
    actions = {
        action.dest: action
        for action in command.make_parser()._actions  # argparse shows them nowhere else
        if action.dest not in {"help", *command.ours}
    }
    arguments: list[str] = []
    rest: list[str] = []
    for key, value in values.items():
        if key in command.ours:
            raise source.say((section, key), "the pipeline sets it itself; remove the line")
        if key not in actions:
            raise source.refuse((section, key), f"one of {', '.join(sorted(actions))}", key)
        made = _to_arguments(actions[key], section, key, value, source)
        (arguments if actions[key].option_strings else rest).extend(made)
    return (*arguments, "--", *rest) if rest else tuple(arguments)


def _check_stage(
    section: str, values: Mapping[str, Any], recipe: Recipe, student: QualityNet | None, source: Source
) -> None:
    """Ask the command itself: hours may lie between the first stage and the one that cannot work.

    Args:
        student: what the recipe starts from; None where it distills one first.
    """
    command = COMMANDS[section]
    parser = command.make_parser()
    for action in parser._actions:
        if action.dest in command.ours:
            action.required = False
        elif action.option_strings and action.required and action.dest not in values:
            raise source.say((section,), f"the key {action.dest} is missing ({action.help})")
    try:
        options = read_arguments(parser, recipe.stages[section])
        if student is not None and "student" in command.ours:
            options.student = recipe.student
            command.check_student(student, options)
        command.check(options)
    except (EdgeIqaError, ValueError) as error:
        told = str(error)
        if (named := re.match(r"-*([a-z_-]+): ", told)) and (key := named[1].replace("-", "_")) in values:
            raise source.say((section, key), told[named.end() :]) from error
        where = (section, "distill") if "distill" in values else (section,)
        raise source.say(where, told) from error


def _to_arguments(
    action: argparse.Action, section: str, key: str, value: object, source: Source
) -> list[str]:
    """One key as arguments, each value read as the command would read it."""
    flag = action.option_strings[-1] if action.option_strings else None
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise source.refuse((section, key), "true or false", value)
        return [str(flag)] if value else []
    many = action.nargs in ("+", "*") or isinstance(action.nargs, int) or isinstance(action, _Append)
    given = value if isinstance(value, list) else [value]
    if isinstance(value, list) != many or not all(type(each) in (str, int, float) for each in given):
        raise source.refuse((section, key), "a list of values" if many else "one value", value)
    for each in given:
        _check_value(action, section, key, each, source)
    texts = [str(each) for each in given]
    if isinstance(action, _Append):
        return [part for text in texts for part in (str(flag), text)]
    return [*([str(flag)] if flag else []), *texts]


_Append = argparse._AppendAction


def _check_value(action: argparse.Action, section: str, key: str, value: object, source: Source) -> None:
    try:
        read = action.type(str(value)) if callable(action.type) else str(value)
    except (argparse.ArgumentTypeError, ValueError, TypeError) as error:
        wanted = str(error) if isinstance(error, argparse.ArgumentTypeError) else f"a value for --{key}"
        raise source.refuse(
            (section, key), wanted.removeprefix("expected ").partition(", got")[0], value
        ) from error
    if isinstance(read, Path) and action.dest not in WRITTEN and not os.path.exists(read):
        # hours may lie between the first stage and the one that reads it
        raise source.refuse((section, key), f"a file or folder that is there, seen from {Path.cwd()}", value)
    if action.choices is not None and read not in action.choices:
        raise source.refuse((section, key), f"one of {', '.join(map(str, action.choices))}", value)
