"""Photos spoiled and repaired: each becomes a row, what is true of it beside what the repair made of it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.color_difference import ciede2000
from benchmarks.same_content import match_content
from benchmarks.scoring import make_rng
from compression import listings
from compression.data import Photo
from compression.degradations import degrade
from compression.evaluate import judge_pixels, use_one_thread
from compression.fidelity import Reference
from compression.models.weights import load_teacher
from edge_iqa import Inspector, Verdict, image, opencv
from edge_iqa.fix.photo import WHOLE_PX, FixedPhoto
from edge_iqa.policy import Policy, open_policy, parse_policy
from edge_iqa.repairs.context import Context

Row = dict[str, Any]
Pixels = NDArray[np.uint8]

TONES: Mapping[str, float] = {
    "under_exposure": 1.0, "over_exposure": 1.0, "low_contrast": 1.0, "cast": 1.0, "noise": 0.5,
}  # fmt: skip
"""Faults of light, color and noise, and the highest severity of each that is drawn."""
SHAPES: Mapping[str, tuple[str, str | None]] = {
    "skew": ('measure = "skew"\nat_least = -2\nat_most = 2', "skew"),
    "low fill": ('measure = "fill"\nat_least = 0.85', None),
    "background": ('measure = "background_white"\nat_least = 0.95', None),
}
"""Faults of geometry and background: the rule that is broken, and the fault of a listing that breaks it (None: any
listing may)."""
CLEAN = "none"
_LEAST_FILL = 0.85
_LEAST = 0.05
"""Severity below which nobody sees a fault."""
_BURNT = 250
_MOST_CLIPPED = 0.02
_SIZES = ((800, 600), (600, 800), (800, 800), (900, 1200))


@dataclass(frozen=True)
class Task:
    """One source and the faults that it gets, one at a time.

    Attributes:
        seed: of a drawn listing; of the severities of a photo.
        photo: a real photo; None: a listing is drawn.
    """

    seed: int
    faults: tuple[str, ...]
    photo: Photo | None = None

    @property
    def name(self) -> str:
        """Tells it from all others."""
        return f"listing {self.seed}" if self.photo is None else str(self.photo.path)


@dataclass(frozen=True, eq=False)
class Source:
    """What is true of a source.

    Attributes:
        pixels: clean.
        encoded: the clean photo as a file.
        product: uint8 HxW, 255 on the product; None where nobody drew it.
    """

    pixels: Pixels
    encoded: bytes
    product: NDArray[np.uint8] | None


def plan(photos: Sequence[Photo], scenes: int, seeds: Sequence[int]) -> list[Task]:
    """Every photo with every fault of light, color and noise, and drawn listings with one fault of each kind.

    Both in turns, so that a run that was cut short has seen as much of either as it could.
    """
    tones, shapes = tuple(TONES), tuple(SHAPES)
    real = [Task(at, (CLEAN, *TONES), photo) for at, photo in enumerate(photos)]
    drawn = [
        Task(seeds[at], (CLEAN, tones[at % len(tones)], shapes[at % len(shapes)])) for at in range(scenes)
    ]
    pairs = itertools.zip_longest(real, drawn)
    return [task for pair in pairs for task in pair if task is not None]


class Judge:
    """Repairs what a task asks for, and asks those who know better than the model that guided the repairs."""

    def __init__(self, teacher: Path, bundle: Path | None = None) -> None:
        use_one_thread()
        opencv.load().setNumThreads(1)
        self.inspector = Inspector.open(bundle)
        self._teacher = load_teacher(teacher)[0]
        self._calls = 0
        run = self.inspector.backend.run

        def count(cut: Any) -> Any:
            self._calls += 1
            return run(cut)

        self.inspector.backend.run = count  # type: ignore[method-assign]

    def look(self, task: Task) -> list[Row]:
        """Spoil, repair and compare, fault by fault."""
        source = make_source(task)
        accepted = self.inspector.inspect(source.encoded).verdict is Verdict.ACCEPT
        rows = []
        for fault in task.faults:
            row = {
                "part": "listings" if task.photo is None else "photos",
                "name": task.name,
                "group": task.name if task.photo is None else task.photo.group,
                "fault": fault,
                "clean_accepted": accepted,
            }
            rows.append({**row, **self._fix(task, source, fault)})
        return rows

    def _fix(self, task: Task, source: Source, fault: str) -> Row:
        encoded, policy, severity = spoil(task, source, fault)
        self._calls, start = 0, time.process_time()
        fixed = self.inspector.fix(encoded, policy)
        row = {"severity": severity, "calls": self._calls, "cpu_s": time.process_time() - start}
        row |= tell(fixed, fault, is_fixable(fixed, fault, source, encoded))
        if fixed.changed:
            before = image.read(encoded, long_side_px=WHOLE_PX).pixels
            row["teacher"] = [self.ask_teacher(before), self.ask_teacher(fixed.pixels)]
            row |= self._ask_same(source, before, fixed)
            row |= compare(source, before, fixed.pixels, fault)
        return row

    def _ask_same(self, source: Source, before: Pixels, fixed: FixedPhoto) -> Row:
        """The teacher's scores of the same content, where one repair moved it."""
        steps = () if fixed.fixed is None else fixed.fixed.steps
        outline = source.product if before.shape == source.pixels.shape else None
        pair = match_content(before, fixed.pixels, steps[0], outline) if len(steps) == 1 else None
        return {} if pair is None else {"teacher_same": [self.ask_teacher(each) for each in pair]}

    def ask_teacher(self, pixels: Pixels) -> float:
        """The teacher's overall score, 0-100."""
        return 100 * float(judge_pixels(self._teacher, pixels)[0])


def make_source(task: Task) -> Source:
    """Read or draw the clean photo of a task."""
    if task.photo is not None:
        return Source(
            image.read(task.photo.path, long_side_px=WHOLE_PX).pixels, task.photo.path.read_bytes(), None
        )
    drawn = draw(task.seed, None)
    return Source(drawn[0], drawn[1], drawn[2])


def draw(
    seed: int, fault: str | None, background: str | None = None
) -> tuple[Pixels, bytes, NDArray[np.uint8]]:
    """A listing before coding, as a file, and its product's mask."""
    height, width = _SIZES[seed % len(_SIZES)]
    pixels, truth = listings.render(seed, fault, height, width, background)
    return pixels, listings.encode(pixels, truth).jpeg, truth.mask


def spoil(task: Task, source: Source, fault: str) -> tuple[bytes, Policy, float | None]:
    """Give a source its fault; return the file, the policy that forbids it, and the severity where there is one."""
    if fault == CLEAN:
        return source.encoded, open_policy("general"), None
    if fault in TONES:
        rng = make_rng("fix", Path(task.name).name, fault)
        severity = float(rng.uniform(_LEAST, TONES[fault]))
        return degrade(source.pixels, [(fault, severity)], rng), open_policy("general"), severity
    rule, drawn = SHAPES[fault]
    policy = parse_policy(f'title = "{fault}"\n[[rules]]\n{rule}\n'.encode(), "bench.toml")
    ground = listings.PLAIN[task.seed % len(listings.PLAIN)]
    encoded = source.encoded if fault == "background" else draw(task.seed, drawn, ground)[1]
    return encoded, policy, None


def is_fixable(fixed: FixedPhoto, fault: str, source: Source, encoded: bytes) -> bool:
    """Whether the fault is one that the device shall repair: not more than 2 % burnt out, an outline that is sure."""
    if fault == "background":
        return fixed.before.mask.is_sure
    if fault == "low fill":
        measured = fixed.before.measurements.get("fill")
        side = max(fixed.before.width_px, fixed.before.height_px)
        return measured is not None and measured.value / _LEAST_FILL * side >= Context.shortest_px
    if fault != "over_exposure":
        return fault != CLEAN
    spoiled = image.read(encoded, long_side_px=WHOLE_PX).pixels
    burnt = (spoiled.min(-1) >= _BURNT) & (source.pixels.min(-1) < _BURNT)
    where = np.ones(burnt.shape, bool) if source.product is None else source.product > 127
    return float(burnt[where].mean()) <= _MOST_CLIPPED


def tell(fixed: FixedPhoto, fault: str, fixable: bool) -> Row:
    """What the device says of a photo that it was to repair."""
    return {
        "fixable": fixable,
        "before": fixed.before.verdict.value,
        "after": fixed.after.verdict.value,
        "codes": [issue.code for issue in fixed.before.issues if issue.blocking],
        "score": [fixed.before.score, fixed.after.score],
        "changed": fixed.changed,
        "steps": list(fixed.steps),
        "why": fixed.why,
    }


def compare(source: Source, before: Pixels, after: Pixels, fault: str) -> Row:
    """Impairment (0-1, `compression.fidelity`) and mean CIEDE2000 against the clean photo, before and after.

    Where the photo was turned or cropped there is nothing to compare with; of a replaced background nothing is asked,
    so that the product alone counts.
    """
    if (
        before.shape != after.shape
        or before.shape != source.pixels.shape
        or fault not in (*TONES, "background")
    ):
        return {}
    product = source.product if fault == "background" else None
    reference = Reference(source.pixels, product)
    where = np.s_[:] if product is None else product > 127
    clean = to_lab(source.pixels)[where]
    return {
        "impairment": [reference.compare(each).impairment for each in (before, after)],
        "delta_e": [float(ciede2000(to_lab(each)[where], clean).mean()) for each in (before, after)],
    }


def to_lab(pixels: Pixels) -> NDArray[np.float32]:
    """uint8 sRGB → CIELAB."""
    cv2 = opencv.load()
    lab: NDArray[np.float32] = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab
