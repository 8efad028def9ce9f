"""Fit the net of edge_iqa/camera/placement.py to rendered films, and write its weights beside it.

    python scripts/fit_placement.py --films 360 --jobs 2

Frames of development films, of all grounds alike, with a product far, near, cut off and without one; nets are fitted
with a part of the films left out first, which tells how good the one is that is fitted to all. About 2 s a film, drawn
once and kept in `--cache`.
"""

from __future__ import annotations

import argparse
import io
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from compression.footage import Film, Place, seeds
from compression.grid_net import fit_grid_net
from compression.listings.grounds import GROUNDS
from compression.progress import console, track
from edge_iqa import opencv
from edge_iqa.camera.look import SMALL_PX
from edge_iqa.camera.placement import WEIGHTS, make_grid, run_net
from edge_iqa.files import write_bytes
from edge_iqa.measures.light import to_lab

FIRST_FILM = 5000
"""Of the development films; those before are left to whoever tunes bounds."""

_SIZE = (640, 360)
_KINDS = ("background", "far", "cut off")
_MOVES = 0.005
_EACH = 2
"""Frames of a film that are taken of each combination of what is so."""

_PRESENT, _FAR, _NEAR = 0.4, 0.3, 0.45
_FOLDS = 4


@dataclass(frozen=True, eq=False)
class Examples:
    """Frames, and what is so: nan where it is neither, or not asked.

    Attributes:
        grids: float32 (n, 9, 16, 8).
        truth: float32 (n, 2), in the order of `OUTPUTS`.
        film: int (n,).
        ground: names of grounds (n,).
    """

    grids: np.ndarray
    truth: np.ndarray
    film: np.ndarray
    ground: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=360, help="default: %(default)s")
    parser.add_argument("--jobs", type=int, default=2, help="processes; default: %(default)s")
    parser.add_argument("--cache", type=Path, default=Path(".cache/placement"), help="default: %(default)s")
    options = parser.parse_args()
    examples = read_examples(options.films, options.cache, options.jobs)
    show(examples, predict_held_out(examples))
    weights = fit_grid_net(examples.grids, examples.truth)
    stream = io.BytesIO()
    # half precision changes chances by less than a hundredth
    np.savez(stream, **{name: each.astype(np.float16) for name, each in weights.items()})
    write_bytes(WEIGHTS, stream.getvalue())
    console.print(f"wrote {WEIGHTS}: {WEIGHTS.stat().st_size / 1000:.0f} kB")


def read_examples(films: int, cache: Path, jobs: int) -> Examples:
    """Draw the films, or read what was drawn before."""
    cache.mkdir(parents=True, exist_ok=True)
    tasks = [(number, cache / f"{number}.npz") for number in range(films)]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for _ in track(pool.map(draw, tasks), films, "films"):
            pass
    grids, truth, film, ground = [], [], [], []
    for number, path in tasks:
        with np.load(path, allow_pickle=False) as stored:
            smalls, said = stored["smalls"], stored["truth"]
        grids += [make_grid(to_lab(small.reshape(-1, 3)).reshape(small.shape)) for small in smalls]
        truth.append(said)
        film += [number] * len(smalls)
        ground += [name_ground(number)] * len(smalls)
    return Examples(np.stack(grids), np.concatenate(truth), np.array(film), np.array(ground))


def draw(task: tuple[int, Path]) -> None:
    """Draw some frames of a film, and keep their small copies with what is so."""
    number, path = task
    if path.exists():
        return
    opencv.load().setNumThreads(1)
    film = Film(
        seeds("development")[FIRST_FILM + number], *_SIZE, kinds=_KINDS, background=name_ground(number)
    )
    rng = np.random.default_rng(number)
    groups: dict[tuple[bool, ...], list[int]] = {}
    for truth in film.truths:
        if truth.shift_share <= _MOVES:
            key = tuple(name in truth.allowed for name in ("no_product", "too_far", "cut_off"))
            groups.setdefault(key, []).append(truth.index)
    chosen = [
        indices[at]
        for indices in groups.values()
        for at in rng.choice(len(indices), min(_EACH, len(indices)), replace=False)
    ]
    smalls = np.stack([film.shoot(index).shrink(SMALL_PX) for index in chosen])
    np.savez_compressed(
        path, smalls=smalls, truth=np.array([tell(film.truths[index].place) for index in chosen])
    )


def tell(place: Place) -> tuple[float, ...]:
    """What is so, in the order of `OUTPUTS`."""
    if place.shown < _PRESENT:
        return (0.0 if place.shown == 0 else np.nan, np.nan)
    return (1.0, place.fill)


def name_ground(number: int) -> str:
    names = list(GROUNDS)
    return names[number % len(names)]


def predict_held_out(examples: Examples) -> np.ndarray:
    """Outputs (n, 2), 0 to 1, each by a net that has not seen the film."""
    found = np.zeros_like(examples.truth)
    for fold in range(_FOLDS):
        left_out = examples.film // len(GROUNDS) % _FOLDS == fold
        weights = fit_grid_net(examples.grids[~left_out], examples.truth[~left_out])
        found[left_out] = run_net(weights, examples.grids[left_out])
    return found


def show(examples: Examples, found: np.ndarray) -> None:
    """How often films that were left out are told rightly, by ground."""
    truth, fill = examples.truth, examples.truth[:, 1]
    far = np.where(fill < _FAR, 1.0, np.where(fill >= _NEAR, 0.0, np.nan))
    asked = {
        "present": (truth[:, 0], found[:, 0] > 0.5),
        "far": (far, found[:, 1] < (_FAR + _NEAR) / 2),
    }
    for name, (true, said) in asked.items():
        known = ~np.isnan(true)
        right = (true == 1) == said
        parts = {
            ground: right[known & (examples.ground == ground)].mean()
            for ground in dict.fromkeys(examples.ground)
        }
        console.print(
            f"{name}: {right[known].mean():.3f} of {known.sum()} right; "
            + ", ".join(f"{ground} {share:.2f}" for ground, share in parts.items())
        )
    error = np.abs(found[:, 1] - fill)
    console.print(f"fill: mean error {np.nanmean(error):.3f}")


if __name__ == "__main__":
    main()
