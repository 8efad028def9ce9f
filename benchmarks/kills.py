"""Is a gallery ever lost? `python benchmarks/kills.py --kills 200`

A process changes a gallery and saves it, over and over; it is killed with SIGKILL at a random moment, and the next one
goes on with the file that is left. After each kill the gallery must open, and hold what was saved last or what was just
being saved; one that is lost is counted, and a sound one takes its place. Writes `kills-host.json`;
the exit code is 1 where one was lost.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if not __package__:
    # run as a script, Python puts benchmarks/ first, where no package of ours is found
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.figures import Figure
from compression.metrics import Estimate
from edge_iqa import Inspector, machine
from edge_iqa.errors import GalleryError
from edge_iqa.files import write_json
from edge_iqa.gallery import Fingerprint, Gallery

RESULTS = Path(__file__).parent / "results"
READY, BEGIN, DONE = "ready", "begin", "done"
_LONGEST_MS = 250.0
"""A kill comes at any moment up to so long after the first save could begin: several saves fit in."""
_TURN = "turn "
"""Name of the one photo that changes, with the number of the turn behind it."""


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        after_ms: how long after the process was ready.
        begun, done: last turn whose save had begun, and had ended, as far as the process told.
        held: the turn that the file holds; None where it does not open, or holds no turn whole.
        amid: whether a save was under way.
    """

    after_ms: float
    begun: int
    done: int
    held: int | None

    @property
    def amid(self) -> bool:
        return self.begun > self.done

    @property
    def lost(self) -> bool:
        return self.held is None or not self.done <= self.held <= self.begun


def judge(lost: int, kills: int) -> Figure:
    """How many galleries were lost; none may be."""
    return Figure("galleries lost", Estimate(lost, lost, lost, kills), 0.0, at_least=False, point=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of the bench; see `--help`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--photos", type=int, default=500, help="in the gallery; default: %(default)s")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="folder of the result; default: %(default)s"
    )
    options = parser.parse_args(argv)
    if options.child is not None:
        save_forever(options.child)
    kills, size_bytes = run(options.kills, options.photos)
    lost = sum(kill.lost for kill in kills)
    result = {
        "what": "galleries after SIGKILL at a random moment of saving over and over",
        "kills": len(kills),
        "amid_a_save": sum(kill.amid for kill in kills),
        "held_the_old": sum(kill.amid and kill.held == kill.done for kill in kills),
        "held_the_new": sum(kill.amid and kill.held == kill.begun for kill in kills),
        "photos": options.photos,
        "file_bytes": size_bytes,
        "lost": lost,
        "figures": [judge(lost, len(kills)).to_dict()],
        "machine": machine.describe(),
    }
    path = write_json(options.out / "kills-host.json", result)
    print(f"{len(kills)} kills, {result['amid_a_save']} amid a save: {lost} galleries lost")
    print(f"wrote {path}")
    return 1 if lost else 0


def run(count: int, photos: int, seed: int = 0) -> tuple[list[Kill], int]:
    """Kill `count` processes one after the other; every kill, and the size of the file."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder, Inspector.open(threads=1) as inspector:
        path = Path(folder) / "listing.gallery"
        gallery = Gallery(inspector)
        for number in range(photos):
            gallery.add(draw_fingerprint(gallery.dimension, number), f"photo {number}")
        gallery.add(draw_fingerprint(gallery.dimension, photos), f"{_TURN}0")
        gallery.save(path)
        sound, size_bytes = path.read_bytes(), path.stat().st_size
        kills: list[Kill] = []
        for _ in range(count):
            kills.append(kill_once(inspector, path, photos, float(rng.uniform(0, _LONGEST_MS))))
            if kills[-1].lost:  # recorded; the rest begins with a sound one again
                path.write_bytes(sound)
            if len(kills) % 10 == 0:
                print(f"\r{len(kills)}/{count}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return kills, size_bytes


def kill_once(inspector: Inspector, path: Path, photos: int, after_ms: float) -> Kill:
    """Start a process that saves, kill it after a while, and look at what is left."""
    before = read_turn(inspector, path, photos)
    command = [sys.executable, __file__, "--child", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        wait_until_ready(child)
        time.sleep(after_ms / 1e3)
        child.send_signal(signal.SIGKILL)
        told = child.stdout.read().split("\n") if child.stdout is not None else []
    for left in path.parent.glob(".edge-iqa.*"):  # what was being written; nobody else writes here
        left.unlink()
    turns = {BEGIN: before or 0, DONE: before or 0}
    for line in told[:-1]:  # the last may be cut short
        word, _, number = line.partition(" ")
        turns[word] = int(number)
    return Kill(after_ms, turns[BEGIN], turns[DONE], read_turn(inspector, path, photos))


def wait_until_ready(child: subprocess.Popen[str]) -> None:
    """Wait for the process to be ready.

    Raises:
        RuntimeError: it ended instead.
    """
    line = "" if child.stdout is None else child.stdout.readline()
    if line.strip() != READY:
        raise RuntimeError(f"the process that saves said {line!r} and not that it is ready")


def read_turn(inspector: Inspector, path: Path, photos: int) -> int | None:
    """The turn that a gallery holds; None where it cannot be opened or is not whole."""
    try:
        gallery = Gallery.open(path, inspector)
    except GalleryError:
        return None
    turns = [name for name in gallery if name.startswith(_TURN)]
    if len(turns) != 1 or len(gallery) != photos + 1:
        return None
    number = int(turns[0].removeprefix(_TURN))
    is_whole = gallery.get(turns[0]).width_px == draw_fingerprint(gallery.dimension, photos + number).width_px
    return number if is_whole else None


def save_forever(path: Path) -> None:
    """What is killed: each turn takes the last one's photo out, adds another, saves, and says so."""
    with Inspector.open(threads=1) as inspector:
        gallery = Gallery.open(path, inspector)
        name = next(each for each in gallery if each.startswith(_TURN))
        number, photos = int(name.removeprefix(_TURN)), len(gallery) - 1
        say(READY)
        while True:
            gallery.remove(f"{_TURN}{number}")
            number += 1
            gallery.add(draw_fingerprint(gallery.dimension, photos + number), f"{_TURN}{number}")
            say(f"{BEGIN} {number}")
            gallery.save()
            say(f"{DONE} {number}")


def say(line: str) -> None:
    """Tell at once, in one write."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def draw_fingerprint(dimension: int, seed: int) -> Fingerprint:
    """A photo that was never taken."""
    rng = np.random.default_rng(seed)
    embedding = rng.standard_normal(dimension).astype(np.float32)
    return Fingerprint(
        embedding=embedding / np.linalg.norm(embedding),
        gray=rng.integers(0, 256, (64, 64), np.uint8),
        color=rng.integers(0, 256, (16, 16, 3), np.uint8),
        phash=int(rng.integers(0, 2**63)),
        pixels_sha256=rng.bytes(32),
        file_sha256=rng.bytes(32),
        score=float(rng.uniform(0, 100)),
        width_px=1000 + seed,
        height_px=1000,
        file_bytes=100_000,
    )


if __name__ == "__main__":
    raise SystemExit(main())
