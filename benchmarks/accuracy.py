"""Is the score true? `python benchmarks/accuracy.py --data photos.csv`

Photos of the `test` split and scenes made from them, none of which training saw, are spoiled by every
fault and scored from their encoded bytes through `edge_iqa`, by the model in use. Labels, truth and
intervals are those of the design; photos for the other questions are made by code of their own
(`benchmarks.questions`). Writes `accuracy-RUNTIME.json` and a plot of calibration.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from rich.table import Table

from benchmarks import against, figures, questions
from benchmarks.figures import Figure
from benchmarks.renderings import make_renderings
from benchmarks.result_file import mark_look
from benchmarks.scoring import Device, Row, describe, score_all
from benchmarks.sheets import write_sheets
from compression.answers import Answers
from compression.command import run_command, share
from compression.data import Photo, hash_photos, read_photos, select
from compression.dataset import CACHE
from compression.distill_options import REFERENCE
from compression.evaluate import place, predict
from compression.models.weights import load_teacher
from compression.progress import console
from compression.scenes import stock
from compression.scenes.materials import Painted
from edge_iqa import machine
from edge_iqa.errors import DataError
from edge_iqa.files import write_json

RESULTS = Path(__file__).parent / "results"
_CANVAS_SEED, _PAIR_SEED, _LARGE_SEED = 81_000, 82_000, 83_000


def main(argv: list[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        description="Measure a bundle on held-out photos and scenes: order, causes, verdicts, robustness. "
        "About 40 minutes on two cores."
    )
    parser.add_argument("--data", type=Path, required=True, help="CSV with a split `test`, or a folder")
    parser.add_argument("--rated", type=Path, help="CSV of frames rated by people (path, mos_1to5, content)")
    parser.add_argument("--bundle", type=Path, help="default: the one in the package")
    parser.add_argument(
        "--against",
        nargs="+",
        type=Path,
        metavar="WHAT",
        help="bundles, of which every model file counts, or model files that take what the bundle in use takes: "
        "score the renderings by each of them too, and tell which is better; nothing else is measured then, and it "
        "goes to accuracy-against-WHAT.json",
    )
    parser.add_argument("--backend", choices=("onnx", "litert"), help="default: what the device would choose")
    parser.add_argument("--teacher", type=Path, default=REFERENCE / "teacher.safetensors")
    parser.add_argument(
        "--share", type=share, default=1.0, help="of the photos and scenes, to look quickly; default: all"
    )
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="renderings and metrics; default: %(default)s"
    )
    parser.add_argument(
        "--sheets", type=Path, help="folder for contact sheets of best, worst and misjudged photos"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="default: %(default)s")
    options = parser.parse_args(argv)
    options.look = mark_look(options, parser, "share")
    return run_command(bench, options)


@dataclass(frozen=True)
class Sizes:
    """How many scenes each question gets."""

    scenes: int = 80
    pairs: int = 120
    canvases: int = 60
    large: int = 100

    def take(self, share: float) -> Sizes:
        return Sizes(*(max(3, round(value * share)) for value in vars(self).values()))


def bench(options: argparse.Namespace) -> None:
    """Score everything, write the result, print the table."""
    sizes = Sizes().take(options.share)
    frames = None if options.rated is None else read_rated(options.rated)
    device = Device(options.bundle, options.backend)
    about = describe(device)
    others = [] if options.against is None else against.find_others(options.against, options.bundle)
    teacher, teacher_sha256 = load_teacher(options.teacher)
    teacher = place(teacher)
    photos = select(read_photos(options.data), "test")
    photos = select(photos, "test", max(1, round(len(photos) * options.share)))
    if not photos:
        raise DataError(f"{options.data}: no photo in split 'test'; give more photos, or a `split` column")
    ask = Answers(teacher, (teacher_sha256, 0.0, 1.0), options.cache, exact=True)
    told = partial(predict, teacher, judge=ask)
    renderings = make_renderings(told, photos, sizes.scenes, options.cache, tuple(about["categories"]))
    rows, scenes = renderings.score(device), renderings.scenes
    ground = {
        "data": options.data.name,
        "data_sha256": hash_photos(photos),
        "share": options.share,
        "teacher_sha256": teacher_sha256,
        "photos": len(photos),
        "groups": len({photo.group for photo in photos}),
        "scenes": scenes,
    }
    if others:
        result = against.compare_all(rows, about, [(each, renderings.score(each)) for each in others], ground)
        path = write_json(
            options.out / f"accuracy-against-{against.name_of(options.against)}{options.look}.json", result
        )
        against.show_result(result)
        console.print(f"wrote {path}")
        return
    found = [
        *figures.agreement(rows),
        *figures.order_within(rows),
        figures.order_across(rows),
        *figures.causes(rows),
        *figures.verdicts(rows),
        *figures.confidences(rows),
        *figures.top_category(rows),
        *(each for key in ("name", "truth", "size", "background") for each in figures.slices(rows, key)),
        *score_questions(device, photos, sizes, options.cache),
        *(figures.opinions(score_all(device, questions.rated, frames, "rated frames")) if frames else ()),
    ]
    result = {
        "what": "figures of the bundle in use on test photos and scenes, from encoded bytes",
        **about,
        **ground,
        "rated": None if frames is None else {"data": options.rated.name, **_describe_rated(frames)},
        "figures": [figure.to_dict() for figure in found],
        "machine": machine.describe(),
    }
    path = write_json(options.out / f"accuracy-{about['runtime']}{options.look}.json", result)
    if options.sheets is not None:
        console.print(f"wrote {', '.join(map(str, write_sheets(options.sheets, rows)))}")
    plot_calibration(options.out / f"calibration-{about['runtime']}{options.look}.png", rows)
    show(found)
    console.print(f"wrote {path} and a plot of calibration")


def score_questions(device: Device, photos: Sequence[Photo], sizes: Sizes, cache: Path) -> list[Figure]:
    """Answer the questions of `benchmarks.questions` about photos and drawn things."""
    cutouts = [each for each in stock.find_cutouts(photos, cache) if each is not None]
    found: list[Figure] = []
    rows = score_all(device, questions.mild_noise, photos, "mild noise")
    found += figures.shares("mild noise ranked below clean", rows, 0.90)
    rows = score_all(device, questions.large_blur, _seeds(_LARGE_SEED, sizes.large), "12 MP, blurred")
    found += figures.shares("12 MP photo blurred with radius 3 px ranked below itself", rows, 0.99)
    rows = score_all(
        device, questions.white_and_gray, _dress(_PAIR_SEED, sizes.pairs, cutouts), "white and gray"
    )
    found.append(figures.shifts("same product on white and on gray, mean shift", rows, 0.03))
    rows = score_all(
        device, questions.white_canvas, _dress(_CANVAS_SEED, sizes.canvases, cutouts), "white canvas"
    )
    found += figures.shares("white canvas: clean above spoiled", rows, 0.97)
    rows = score_all(device, questions.stability, photos, "stability")
    for name in dict.fromkeys(row["what"] for row in rows):
        found.append(
            figures.shifts(f"{name}, mean shift", [row for row in rows if row["what"] == name], 0.02)
        )
    return found


def read_rated(source: Path) -> list[tuple[Path, str, float]]:
    """Read frames that people rated: file, scene, mean opinion 1-5.

    Raises:
        DataError: missing, without the columns path, mos_1to5 and content, or a frame or opinion that is none.
    """
    try:
        with source.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        frames = [(source.parent / row["path"], row["content"], float(row["mos_1to5"])) for row in rows]
    except (OSError, KeyError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise DataError(f"{source}: expected a CSV with path, mos_1to5 and content ({error!r})") from error
    for line, (path, _, opinion) in enumerate(frames, 2):
        if not path.is_file() or not 1 <= opinion <= 5:
            raise DataError(
                f"{source}, line {line}: expected a frame that is there and a mean opinion from 1 to 5, got "
                f"{path.name}, {opinion:g}"
            )
    return frames


def _describe_rated(frames: Sequence[tuple[Path, str, float]]) -> Row:
    content = hashlib.sha256(b"".join(path.read_bytes() for path, _, _ in frames)).hexdigest()
    return {"frames": len(frames), "sha256": content}


def plot_calibration(path: Path, rows: Sequence[Row]) -> Path:
    """Mean label over score, by tenths of the score, with the spread of the labels."""
    from matplotlib.figure import Figure as Canvas

    rows = [row for row in rows if row["label"] is not None]
    score, label = (np.array([row[key] for row in rows]) for key in ("score", "label"))
    figure = Canvas(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    edges = np.linspace(0, 1, 11)
    places = np.clip(np.digitize(score, edges) - 1, 0, 9)
    bins = [label[places == index] for index in range(10)]
    middle = [(edges[i] + edges[i + 1]) / 2 for i in range(10) if len(bins[i])]
    spread = np.array([np.quantile(values, (0.1, 0.5, 0.9)) for values in bins if len(values)])
    left.plot((0, 1), (0, 1), color="0.8")
    left.fill_between(middle, spread[:, 0], spread[:, 2], alpha=0.2, label="80 % of labels")
    left.plot(middle, spread[:, 1], marker="o", label="median label")
    left.set(xlabel="score", ylabel="label", title=f"calibration, n {len(rows)}", xlim=(0, 1), ylim=(0, 1))
    left.legend()
    right.hist([score, label], bins=20, range=(0, 1), label=["score", "label"])
    right.set(xlabel="0 worst, 1 best", ylabel="renderings", title="how often")
    right.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def show(found: Sequence[Figure]) -> None:
    """Print a table of all figures."""
    table = Table("figure", "value", "95 % interval", "n", "bound", "")
    for figure in found:
        estimate = figure.estimate
        sign = ">=" if figure.at_least else "<="
        table.add_row(
            figure.what,
            "-" if estimate is None else f"{estimate.value:.3f}",
            "-" if estimate is None else f"{estimate.low:.3f} to {estimate.high:.3f}",
            "-" if estimate is None else str(estimate.n),
            "" if figure.bound is None else f"{sign} {figure.bound:g}{' (point)' if figure.point else ''}",
            {None: "", True: "held", False: "MISSED"}[figure.held],
        )
    console.print(table)


def _seeds(first: int, count: int) -> list[int]:
    return list(range(first, first + count))


def _dress(first: int, count: int, cutouts: Sequence[Painted]) -> list[tuple[int, list[Painted]]]:
    """Seeds, every second one with a cut-out of its own where there are any."""
    return [
        (seed, [cutouts[seed // 2 % len(cutouts)]] if cutouts and seed % 2 else [])
        for seed in _seeds(first, count)
    ]


if __name__ == "__main__":
    raise SystemExit(main())
