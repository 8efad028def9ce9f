"""One recipe → one bundle: `python -m compression.pipeline recipe.toml --data photos.csv`.

Runs the stages of the recipe in order, each by its own command. A stage whose command, inputs and photos
are those of an earlier run is not run again; one that was killed goes on where it stopped. A stage that
fails ends the run, so nothing that fails its gates is packed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compression import gates
from compression.bounds import read_bounds
from compression.command import run_command
from compression.data import hash_file, hash_photos, read_photos, select
from compression.dataset import CACHE
from compression.progress import console
from compression.stages import COMMANDS, WRITTEN, Recipe, read_recipe
from edge_iqa.errors import DataError, EdgeIqaError, RecipeError
from edge_iqa.files import make_folder, write_json
from export import pack
from export.console import show_table
from export.failures import read_examples

_DONE = "done.json"
_GATES = "gates.json"
_RESUMES = frozenset({"teacher", "distill", "aware"})
"""Stages whose command knows `--resume`; prune resumes by itself."""


@dataclass(frozen=True)
class Step:
    """A stage with all that it needs.

    Attributes:
        stage: its name.
        arguments: for its command, all of them.
        folder: its own, named by a hash of what goes in.
        makes: the file that shows it is done, written last; later stages take it, or its folder.
        folders: where all files count, not `makes` alone: models that are quantized, bundles.
    """

    stage: str
    arguments: tuple[str, ...]
    folder: Path
    makes: Path
    folders: tuple[Path, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether an earlier run finished it, and what it made still stands there unaltered."""
        try:
            return bool(_read_done(self.folder / _DONE).get("makes_sha256") == self.hash_made())
        except OSError:
            return False

    def hash_made(self) -> str:
        """Hash of what it made, without reports that a later stage leaves there."""
        if not self.folders:
            return hash_file(self.makes)
        others = (self.folder / _DONE, self.folder / _GATES)
        told = [
            (str(path.relative_to(folder)), hash_file(path))
            for folder in self.folders
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path not in others
        ]
        return hashlib.sha256(repr(told).encode()).hexdigest()


@dataclass
class Models:
    """Files that later stages take: committed ones, until a stage makes its own."""

    student: Path
    teacher: Path
    artifacts: Path | None = None


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    return run_command(run_recipe, make_parser().parse_args(argv))


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.pipeline",
        description="Make a bundle from a recipe: teacher, distill, prune, aware, quantize, gates, pack, as far as "
        "the recipe has a section for each. Finished stages are kept; repeat the command to go on.",
    )
    parser.add_argument("recipe", type=Path, help="TOML; see compression/recipes/")
    parser.add_argument("--data", type=Path, required=True, help="CSV with train, val and test, or a folder")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="gets RECIPE/STAGE-HASH/; default: %(default)s"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("bundles"), help="gets the bundle; default: %(default)s"
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument(
        "--again",
        choices=tuple(COMMANDS),
        metavar="STAGE",
        help=f"run this stage and all behind it anew, after a change of code, say: {', '.join(COMMANDS)}",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would run, and run nothing")
    return parser


def run_recipe(options: argparse.Namespace) -> None:
    """Run what is not done yet.

    Raises:
        RecipeError, DataError: the recipe or the photos do not fit.
        EdgeIqaError: a stage failed; its own message stands above.
    """
    recipe = read_recipe(options.recipe)
    listed = read_photos(options.data)
    for split in ("train", "val", "test"):  # calibration, thresholds, gates
        if not select(listed, split):
            raise DataError(f"{options.data}: expected photos of all splits, got none of {split!r}")
    photos = hash_photos(listed)
    home = options.runs / recipe.name
    if options.again is not None and options.again not in recipe.stages:
        raise RecipeError(
            f"--again: expected a stage of {options.recipe}, {', '.join(recipe.stages)}, got {options.again!r}"
        )
    if options.dry_run:
        show_plan(recipe, photos, home, options)
        return
    names = list(recipe.stages)
    anew = names[names.index(options.again) :] if options.again in names else []
    models, began = Models(recipe.student, recipe.teacher), time.monotonic()
    for number, stage in enumerate(names, 1):
        step = plan(stage, recipe, models, photos, home, options)
        if stage in anew:
            shutil.rmtree(step.folder, ignore_errors=True)
        console.rule(f"{number} of {len(names)}: {stage}{', done before' if step.is_done else ''}")
        if not step.is_done:
            _tell_expected(names[number - 1 :], home)
            _run(step)
        _take(step, models)
    console.print(f"all {len(names)} stages of {recipe.name} done in {_minutes(time.monotonic() - began)}")


def plan(
    stage: str, recipe: Recipe, models: Models, photos: str, home: Path, options: argparse.Namespace
) -> Step:
    """A stage with its inputs, and the folder that their hash names."""
    inputs = {
        "teacher": [],
        "distill": [models.teacher],
        "prune": [models.teacher, models.student],
        "aware": [models.teacher, models.student],
        "quantize": [models.student],
        "gates": [models.teacher, models.student, *_files(models.artifacts, without=_GATES)],
        "pack": _files(models.artifacts),
    }[stage]
    inputs += _named_files(recipe.stages[stage])
    told = [stage, recipe.stages[stage], photos, *(hash_file(path) for path in inputs)]
    file_mb = str(_read_file_mb(recipe))
    if stage == "pack":
        told += [recipe.name, str(options.out)]
    elif stage == "quantize":
        told += [file_mb]
    folder = home / f"{stage}-{hashlib.sha256(repr(told).encode()).hexdigest()[:8]}"
    common = ["--data", options.data, "--cache", options.cache]
    fixed: dict[str, Sequence[object]] = {
        "teacher": [*common, "--out", folder],
        "distill": [*common, "--out", folder, "--teacher", models.teacher],
        "prune": [*common, "--out", folder, *_both(models)],
        "aware": [*common, "--out", folder, *_both(models)],
        "quantize": [*common, "--out", folder, "--student", models.student, "--file-mb", file_mb],
        "gates": [*common, "--artifacts", models.artifacts, *_both(models)],
        "pack": ["--artifacts", models.artifacts, "--name", recipe.name, "--out", options.out],
    }
    resume = ["--resume"] if stage in _RESUMES else []
    packing = _read_packing(recipe)
    bundle = options.out / f"{recipe.name}-{packing.version}"
    makes = {
        "teacher": folder / "teacher.safetensors",
        "distill": folder / "student.safetensors",
        "prune": folder / "student.safetensors",
        "aware": folder / "student.safetensors",
        "quantize": folder / "quantize.json",
        "gates": (models.artifacts or folder) / _GATES,
        "pack": bundle / "manifest.json",
    }[stage]
    folders = {"quantize": (folder,), "pack": (bundle, *([packing.trim] if packing.trim else []))}
    arguments = [str(each) for each in (*fixed[stage], *resume)]
    # positional ones, which a `--` parts from the rest, come last
    return Step(stage, (*arguments, *recipe.stages[stage]), folder, makes, folders.get(stage, ()))


def show_plan(recipe: Recipe, photos: str, home: Path, options: argparse.Namespace) -> None:
    """Print which stages are done and which would run, with how long each took last time."""
    models, known = Models(recipe.student, recipe.teacher), True
    rows = []
    for stage, arguments in recipe.stages.items():
        step = plan(stage, recipe, models, photos, home, options) if known else None
        done = step is not None and step.is_done and stage != options.again
        known = known and done
        if step is not None and done:
            _take(step, models)
        last = _last_seconds(stage, home)
        state = "done" if done else "would run"
        rows.append((stage, state, "-" if last is None else _minutes(last), " ".join(arguments)))
    show_table(f"{recipe.name}: {options.recipe}", ("stage", "", "took last", "options of its own"), rows)


def _run(step: Step) -> None:
    make_folder(step.folder, "--runs")
    began = time.monotonic()
    try:
        code: object = COMMANDS[step.stage].run(list(step.arguments))
    except SystemExit as error:  # of a parser that refuses an option; its message stands above
        code = error.code or 1
    if code == 130:
        raise KeyboardInterrupt
    if code:
        raise EdgeIqaError(f"{step.stage}: the stage failed, exit code {code}; nothing behind it was run")
    seconds = time.monotonic() - began
    told = {"seconds": round(seconds, 1), "makes_sha256": step.hash_made()}
    write_json(step.folder / _DONE, {**told, "arguments": list(step.arguments)})


def _take(step: Step, models: Models) -> None:
    """Give what a stage made to those behind it."""
    if step.stage == "teacher":
        models.teacher = step.makes
    elif step.stage in ("distill", "prune", "aware"):
        models.student = step.makes
    elif step.stage == "quantize":
        models.artifacts = step.makes.parent


def _tell_expected(stages: Sequence[str], home: Path) -> None:
    """Say how long what is left took the last time, where it ever ran."""
    known = [seconds for stage in stages if (seconds := _last_seconds(stage, home)) is not None]
    if known:
        more = "" if len(known) == len(stages) else f" for {len(known)} of the {len(stages)} stages left"
        console.print(f"left, by the last run: about {_minutes(sum(known))}{more}")


def _last_seconds(stage: str, home: Path) -> float | None:
    found = sorted(home.glob(f"{stage}-*/{_DONE}"), key=lambda path: path.stat().st_mtime)
    seconds = _read_done(found[-1]).get("seconds") if found else None
    return seconds if isinstance(seconds, (int, float)) else None


def _read_done(path: Path) -> dict[str, Any]:
    """What a finished stage wrote; nothing where that is missing or damaged: the stage runs again."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _both(models: Models) -> list[object]:
    return ["--teacher", models.teacher, "--student", models.student]


def _read_packing(recipe: Recipe) -> argparse.Namespace:
    """Options of the bundle, as the command that packs it reads them."""
    return pack.make_parser().parse_args(["--artifacts", "", *recipe.stages["pack"]])


def _read_file_mb(recipe: Recipe) -> float:
    """How large the int8 file may be, by the gates: what quantize leaves in float must fit in."""
    nowhere = ["--artifacts", "", "--data", ""]
    return read_bounds(gates.make_parser().parse_args([*nowhere, *recipe.stages["gates"]]).bound)["file_mb"]


def _files(folder: Path | None, without: str = "") -> list[Path]:
    """Models and reports of an artifacts folder; none before it is made."""
    if folder is None:
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and path.name not in (_DONE, without))


def _named_files(arguments: Sequence[str]) -> list[Path]:
    """Files that a stage's own options name, those in folders too: golden photos, a text, a student to start from.

    Photos that a list of examples names count too.
    """
    found: list[Path] = []
    for option, value in zip(("", *arguments), arguments, strict=False):
        if not value.startswith("-") and option.lstrip("-") not in WRITTEN:
            path = Path(value)
            if os.path.isfile(path):
                found.append(path)
            elif os.path.isdir(path):
                found += sorted(each for each in path.rglob("*") if each.is_file())
            if option == "--examples":
                found += [each.path for each in read_examples(path)]
    return found


if __name__ == "__main__":
    raise SystemExit(main())
