"""Recipe → stages: a TOML file, checked against the options of the commands that it runs.

A section is a stage, a key is an option of its command (`small_epochs` is `--small-epochs`), so that a
recipe knows exactly what the commands know. What the pipeline itself decides, such as where results go,
no recipe may set.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from compression import aware, distill, gates, prune, quantize, teacher
from compression.command import read_arguments
from compression.distill_options import REFERENCE
from edge_iqa.errors import EdgeIqaError, RecipeError
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
    """

    run: Callable[[list[str]], int]
    make_parser: Callable[[], argparse.ArgumentParser]
    ours: frozenset[str]
    check: Callable[[argparse.Namespace], object] = lambda _: None


COMMANDS: Mapping[str, Command] = {
    "teacher": Command(
        teacher.main, teacher.make_parser, frozenset({"data", "out", "cache", "resume"}), teacher.check
    ),
    "distill": Command(
        distill.main,
        distill.make_parser,
        frozenset({"data", "out", "cache", "resume", "teacher", "output_range", "quick"}),
        distill.check,
    ),
    "prune": Command(
        prune.main,
        prune.make_parser,
        frozenset({"data", "out", "cache", "teacher", "student"}),
        prune.check,
    ),
    "aware": Command(
        aware.main,
        aware.make_parser,
        frozenset({"data", "out", "cache", "resume", "teacher", "student"}),
        aware.check,
    ),
    "quantize": Command(quantize.main, quantize.make_parser, frozenset({"data", "out", "cache", "student"})),
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
    try:
        text = path.read_text(encoding="utf-8")
        root = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: expected a recipe in TOML, could not read it ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not TOML: {error}") from error
    source = _Source(path, text)
    name = root.pop("name", None)
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise source.refuse(None, "name", "a short name of a-z, 0-9 and '-'", name)
    teacher, student = _read_teacher(root, source), _read_student(root, source)
    for section, values in root.items():
        if section not in COMMANDS or not isinstance(values, dict):
            raise source.refuse(
                None,
                section,
                f"one of the sections {', '.join(COMMANDS)}, or the keys name, student, teacher",
                section,
            )
    for section in _ALWAYS:
        if section not in root:
            raise RecipeError(f"{path}: the section [{section}] is missing")
    if "teacher" in root and "distill" not in root:
        raise source.say(None, "teacher", "a student must be distilled from it; add a section [distill]")
    stages = {
        section: tuple(_read_stage(section, root[section], source)) for section in COMMANDS if section in root
    }
    return Recipe(name, stages, student, teacher)


def _read_teacher(root: dict[str, Any], source: _Source) -> Path:
    """Take the key `teacher` out of a recipe, a checkpoint too; a table of that name is the stage that trains one."""
    if not isinstance(root.get("teacher"), str):
        return Recipe.teacher
    value = Path(root.pop("teacher"))
    if not value.is_file():
        raise source.refuse(None, "teacher", "a teacher's .safetensors or .pt file, or a section", str(value))
    return value


def _read_student(root: dict[str, Any], source: _Source) -> Path:
    """Take the key `student` out of a recipe: a checkpoint, seen from where the command runs."""
    if "student" not in root:
        return Recipe.student
    value = root.pop("student")
    if "distill" in root:
        raise source.refuse(None, "student", "none beside [distill], which makes one (its `start`)", value)
    if not isinstance(value, str) or not Path(value).is_file():
        raise source.refuse(None, "student", "a student's .safetensors file", value)
    return Path(value)


@dataclass(frozen=True)
class _Source:
    """The text of a recipe, to say where in it something stands."""

    path: Path
    text: str

    def refuse(self, section: str | None, key: str, expected: str, came: object) -> RecipeError:
        return self.say(section, key, f"expected {expected}, got {came!r}")

    def say(self, section: str | None, key: str, what: str) -> RecipeError:
        where = ".".join(dict.fromkeys(each for each in (section, key) if each))
        return RecipeError(f"{self.path}:{self._line(section, key)}: {where}: {what}")

    def _line(self, section: str | None, key: str) -> int:
        """Number of the line that sets a key; of the section, or 1, where none does."""
        inside, found = section is None, 1
        for number, line in enumerate(self.text.splitlines(), 1):
            if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
                inside = header[1] == section
                if inside or (section is None and header[1] == key):
                    found = number
            elif inside and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return number
        return found


def _read_stage(section: str, values: Mapping[str, Any], source: _Source) -> list[str]:
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
            raise source.say(section, key, "the pipeline sets it itself; remove the line")
        if key not in actions:
            raise source.refuse(section, key, f"one of {', '.join(sorted(actions))}", key)
        made = _to_arguments(actions[key], section, key, value, source)
        (arguments if actions[key].option_strings else rest).extend(made)
    arguments += ["--", *rest] if rest else []
    _check_stage(section, arguments, values, source)
    return arguments


def _check_stage(section: str, arguments: Sequence[str], values: Mapping[str, Any], source: _Source) -> None:
    """Ask the command itself: hours may lie between the first stage and the one that cannot work."""
    command = COMMANDS[section]
    parser = command.make_parser()
    for action in parser._actions:
        if action.dest in command.ours:
            action.required = False
        elif action.option_strings and action.required and action.dest not in values:
            raise source.say(section, section, f"the key {action.dest} is missing ({action.help})")
    try:
        command.check(read_arguments(parser, arguments))
    except (EdgeIqaError, ValueError) as error:
        told = str(error)
        if (named := re.match(r"-*([a-z_-]+): ", told)) and (key := named[1].replace("-", "_")) in values:
            raise source.say(section, key, told[named.end() :]) from error
        raise source.say(section, "distill" if "distill" in values else section, told) from error


def _to_arguments(
    action: argparse.Action, section: str, key: str, value: object, source: _Source
) -> list[str]:
    """One key as arguments, each value read as the command would read it."""
    flag = action.option_strings[-1] if action.option_strings else None
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise source.refuse(section, key, "true or false", value)
        return [str(flag)] if value else []
    many = action.nargs in ("+", "*") or isinstance(action.nargs, int) or isinstance(action, _Append)
    given = value if isinstance(value, list) else [value]
    if isinstance(value, list) != many or not all(type(each) in (str, int, float) for each in given):
        raise source.refuse(section, key, "a list of values" if many else "one value", value)
    for each in given:
        _check_value(action, section, key, each, source)
    texts = [str(each) for each in given]
    if isinstance(action, _Append):
        return [part for text in texts for part in (str(flag), text)]
    return [*([str(flag)] if flag else []), *texts]


_Append = argparse._AppendAction


def _check_value(action: argparse.Action, section: str, key: str, value: object, source: _Source) -> None:
    try:
        read = action.type(str(value)) if callable(action.type) else str(value)
    except (argparse.ArgumentTypeError, ValueError, TypeError) as error:
        wanted = str(error) if isinstance(error, argparse.ArgumentTypeError) else f"a value for --{key}"
        raise source.refuse(
            section, key, wanted.removeprefix("expected ").partition(", got")[0], value
        ) from error
    if isinstance(read, Path) and action.dest not in WRITTEN and not read.exists():
        # hours may lie between the first stage and the one that reads it
        raise source.refuse(section, key, f"a file or folder that is there, seen from {Path.cwd()}", value)
    if action.choices is not None and read not in action.choices:
        raise source.refuse(section, key, f"one of {', '.join(map(str, action.choices))}", value)
