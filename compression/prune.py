"""Student → a narrower one that is faster where it will run: `python -m compression.prune --data photos.csv`.

Channels are taken out in steps. After each those that stay are fitted to what was there before, and the
student is distilled again, which heals most of what was lost. In the end both students are quantized and
timed: one that is no faster is not taken.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from compression import distill
from compression.answers import Answers
from compression.artifacts import export_models, make_quantizer, time_models
from compression.calibration import cut_variants
from compression.command import count, part, positive, run_command
from compression.cut import COUNTS, IMPORTANCE, SCOPES, count_macs, cut
from compression.data import hash_file, hash_photos, read_photos, select
from compression.dataset import CACHE, read_default
from compression.distill_check import check_not_over, check_passed_on
from compression.distill_options import REFERENCE, to_arguments
from compression.models.heads import TONES_PX, QualityNet
from compression.models.weights import load, load_teacher, read_output_range, save
from compression.narrowing import Seen
from compression.progress import console, track
from edge_iqa.errors import EdgeIqaError
from edge_iqa.files import write_bytes, write_json
from edge_iqa.manifest import RUNTIMES
from edge_iqa.timing import ratio
from export.console import show_table

_CALIBRATION = 16
"""Photos to quantize on for the timing; ranges do not change how long a model takes."""
_REPEATS = 60


def main(argv: list[str] | None = None) -> int:
    """Command line of the module; see `--help`."""
    return run_command(prune, make_parser().parse_args(argv))


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m compression.prune",
        description="Take the least important channels out of a student, in steps, and distill it again after "
        "each. Writes student.safetensors, pruned if that pays in the runtime, and prune.json. What stands "
        "behind -- goes to compression.distill, for example -- --limit 2400 --scenes 460 --learning-rate 6e-4.",
    )
    parser.add_argument(
        "--student", type=Path, default=REFERENCE / "student.safetensors", help="default: %(default)s"
    )
    parser.add_argument(
        "--teacher", type=Path, default=REFERENCE / "teacher.safetensors", help="default: %(default)s"
    )
    parser.add_argument("--data", type=Path, help="CSV or folder; default: example and drawn photos")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--macs", type=part, default=0.5, help="share of the multiplications to keep; default: %(default)s"
    )
    kept.add_argument(
        "--parameters", type=part, help="share of the weights to keep instead, for a smaller file"
    )
    parser.add_argument(
        "--first-block",
        type=count,
        default=0,
        metavar="N",
        help="blocks of the backbone before this one stay as they are: 11 of MobileNetV2's 19 keep what sees "
        "quality, most weights stand behind; default: %(default)s",
    )
    parser.add_argument(
        "--importance", choices=IMPORTANCE, default="taylor", help="of a channel; default: %(default)s"
    )
    parser.add_argument(
        "--scope",
        choices=SCOPES,
        default="layer",
        help="channels of all layers compete, or every layer gives the same share; default: %(default)s",
    )
    parser.add_argument("--steps", type=positive, default=2, help="cuts; default: %(default)s")
    parser.add_argument(
        "--tones-stride",
        type=positive,
        metavar="PX",
        help="how far apart the patches lie that the color histogram is made of: 8 is a quarter of its work, and "
        "moved scores by 0.0015 at most on 99 of 100 photos; default: as it is",
    )
    parser.add_argument(
        "--epochs", type=count, default=1, help="of distillation after each cut; default: %(default)s"
    )
    parser.add_argument(
        "--runtime", choices=RUNTIMES, default="tflite", help="that must gain; default: %(default)s"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/pruned"), help="default: %(default)s")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument("distill", nargs="*", metavar="-- OPTION", help="options of compression.distill")
    return parser


def prune(options: argparse.Namespace) -> None:
    """Cut, distill, time; a killed run goes on where it stopped when the command is repeated.

    Raises:
        CheckpointError, DataError: student, teacher or photos do not fit.
        ValueError: options that cannot work, or a share that cannot be reached.
        EdgeIqaError: a distillation failed; its own message stands above.
    """
    check(options)
    before = options.student
    check_not_over(before, options.out)
    whole, _ = load(before)
    macs = count_macs(whole)
    steps = []
    current = before
    of = _counted(options)
    size = COUNTS[of](whole)
    for number, share in enumerate(_shares(options), 1):
        if COUNTS[of](load(current)[0]) <= size * share:
            console.print(
                f"step {number}: the one before left {share:.2f} of the whole or less; nothing to do"
            )
            continue
        current, report = _cut_and_heal(current, share, size, number, options)
        steps.append(report)
    gains = time_both(whole, load(current)[0], options)
    gain = gains[options.runtime]
    pays = gain is not None and gain["low"] > 1
    taken = current if pays else before
    write_bytes(options.out / "student.safetensors", taken.read_bytes())
    told = {
        "before_sha256": hash_file(before),
        "after_sha256": hash_file(current),
        "macs": [macs, count_macs(load(current)[0])],
        "steps": steps,
        "runtime": options.runtime,
        "int8_speed_up": gains,
        "taken": "pruned" if pays else "unpruned: no faster in the runtime",
    }
    path = write_json(options.out / "prune.json", told)
    _show(told)
    console.print(f"took the {told['taken']}\nwrote {options.out / 'student.safetensors'} and {path}")


def check(options: argparse.Namespace) -> None:
    """Refuse options that cannot work, those behind `--` among them.

    Raises:
        ValueError, CheckpointError, DataError: as `compression.distill_check` raises them.
    """
    if options.tones_stride is not None and options.tones_stride < TONES_PX:
        raise ValueError(f"--tones-stride: expected {TONES_PX} px or more, got {options.tones_stride}")
    check_passed_on(_set_here(options.student, options.student, options.out, options), options.distill)


def check_first_block(net: QualityNet, options: argparse.Namespace) -> None:
    """Refuse a cut that would leave every block of this student as it is.

    Raises:
        ValueError: names the option.
    """
    count = len(net.backbone)
    if options.first_block >= count:
        raise ValueError(f"--first-block: expected 0 to {count - 1}, the student has {count} blocks")


def check_reachable(whole: QualityNet, options: argparse.Namespace) -> None:
    """Cut a copy by magnitude, all steps in seconds: hours may lie between the first step and the last.

    Raises:
        ValueError: the share or the tones' stride cannot be.
    """
    net, limits = copy.deepcopy(whole), _limits(options)
    size = COUNTS[_counted(options)](whole)
    if options.tones_stride is not None:
        net.spread_tones(options.tones_stride)
    with console.status("trying the cuts"):
        for number, share in enumerate(_shares(options), 1):
            try:
                cut(net, share, "magnitude", options.scope, **limits, whole=size)
            except ValueError as error:
                raise ValueError(
                    f"--{_counted(options)} {_least(options):g}: step {number} of {options.steps} cannot be, {error}"
                ) from error


def _counted(options: argparse.Namespace) -> str:
    return "macs" if options.parameters is None else "parameters"


def _least(options: argparse.Namespace) -> float:
    return float(getattr(options, _counted(options)))


def _limits(options: argparse.Namespace) -> dict[str, Any]:
    """What is counted, and what stays as it is, as `cut` takes them."""
    return {"of": _counted(options), "first_block": options.first_block}


def _shares(options: argparse.Namespace) -> list[float]:
    """Of the whole, what each step leaves."""
    return [_least(options) ** (number / options.steps) for number in range(1, options.steps + 1)]


def time_both(
    whole: QualityNet, narrow: QualityNet, options: argparse.Namespace
) -> dict[str, dict[str, float] | None]:
    """How many times faster the narrow student is, both in int8, one thread, in turns; by runtime."""
    photos = read_default(options.cache) if options.data is None else read_photos(options.data)
    chosen = select(photos, "train", _CALIBRATION)
    views = list(track(cut_variants(chosen, whole.spec, options.cache), len(chosen), "views to time with"))
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        for key, net in (("whole", whole), ("narrow", narrow)):
            folder = Path(name) / key
            folder.mkdir()
            exported = export_models(net, "", folder, key)
            for runtime in RUNTIMES:
                file = f"model.{key}.{runtime}"
                quantizer = make_quantizer(runtime, exported[file], views, folder)
                files[file] = quantizer.quantize("min_max")
    timed = time_models(files, views[0], _REPEATS)
    gains = {}
    for runtime in RUNTIMES:
        whole_ms, narrow_ms = (timed[f"model.{key}.{runtime}"].whole_ms for key in ("whole", "narrow"))
        gain = ratio(whole_ms, narrow_ms)
        gains[runtime] = None if gain is None else asdict(gain)
    return gains


def _cut_and_heal(
    start: Path, share: float, size: float, number: int, options: argparse.Namespace
) -> tuple[Path, dict[str, Any]]:
    """One step: the student after it, and what it was.

    Args:
        share, size: of what is counted of the whole student, how much may stay, and how much that has.
    """
    told = [
        hash_file(start),
        hash_file(options.teacher),
        "" if options.data is None else hash_photos(read_photos(options.data)),
        (share * size, *_limits(options).values()),
        options.importance,
        options.scope,
    ]
    told += [options.tones_stride, options.epochs, *options.distill]
    key = hashlib.sha256(repr(told).encode()).hexdigest()[:8]
    folder = options.out / f"step-{number}-{key}"
    narrowed = folder / "cut.safetensors"
    if not narrowed.is_file():
        net, _ = load(start)
        if number == 1:
            check_first_block(net, options)
            check_reachable(net, options)
        if options.tones_stride is not None:
            net.spread_tones(options.tones_stride)
        output_range = _output_range(options) or (0.0, 1.0)
        teacher, sha256 = load_teacher(options.teacher, output_range)
        seen = Seen(net, teacher.spec, Answers(teacher, (sha256, *output_range), options.cache), options)
        if options.importance == "taylor":
            seen.look(net)
        before = copy.deepcopy(net)
        cut(net, share, options.importance, options.scope, **_limits(options), whole=size)
        seen.mend(net, before)
        save(net, narrowed, {"run": {"teacher_sha256": sha256, "output_range": output_range}})
    net, _ = load(narrowed)
    report = {"macs": count_macs(net), "parameters": sum(each.numel() for each in net.parameters())}
    console.print(
        f"step {number}: {report['macs'] / 1e6:.0f} M multiplications, "
        f"{report['parameters'] / 1e6:.2f} M parameters"
    )
    if not options.epochs:
        return narrowed, report
    healed = folder / "student.safetensors"
    if not (folder / "run.json").is_file() and distill.main(
        [*_set_here(narrowed, start, folder, options), *options.distill]
    ):
        raise EdgeIqaError(f"step {number}: the distillation failed")
    return healed, {**report, "val": load(healed)[1]["run"]["val"]}


def _set_here(start: Path, whole: Path, out: Path, options: argparse.Namespace) -> list[str]:
    named = {
        "--start": start,
        "--follow": whole,
        "--teacher": options.teacher,
        "--epochs": options.epochs or None,  # 0: nothing is distilled
        "--frozen": options.first_block,  # a block that lost channels has to learn again
        "--output-range": _output_range(options),
        "--cache": options.cache,
        "--out": out,
        "--data": options.data,
    }
    return [*to_arguments(named), "--resume"]


def _output_range(options: argparse.Namespace) -> tuple[float, float] | None:
    """The teacher's scale, where the student's record tells another than 0 to 1."""
    found = read_output_range(load(options.student)[1], options.student)
    return None if found == (0.0, 1.0) else found


def _show(told: dict[str, Any]) -> None:
    rows: list[Sequence[str]] = []
    for number, step in enumerate(told["steps"], 1):
        val = step.get("val", {})
        shown = (f"{val[key]:.4f}" if key in val else "-" for key in ("srcc_teacher", "srcc_labels"))
        rows.append((str(number), f"{step['macs'] / told['macs'][0]:.2f}", *shown))
    show_table("steps", ("step", "MACs left", "SRCC with teacher", "SRCC with labels"), rows)
    for runtime, gain in told["int8_speed_up"].items():
        if gain is not None:
            console.print(
                f"int8 in {runtime}: {gain['value']:.2f} times as fast [{gain['low']:.2f}, {gain['high']:.2f}]"
            )


if __name__ == "__main__":
    raise SystemExit(main())
