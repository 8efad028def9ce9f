"""One source put before the device, changed a little or made to fool it: each answer becomes a row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.robust_sources import Rendering, Task, render
from benchmarks.scoring import make_rng
from benchmarks.small_changes import CHANGES, encode_pair
from benchmarks.square import add_signs, search
from compression import attack
from compression.evaluate import use_one_thread
from compression.models.weights import load, load_teacher
from edge_iqa import Inspector, image, opencv, views
from edge_iqa.errors import DataError, PhotoError

Row = dict[str, Any]
Views = NDArray[np.uint8]

EPSILONS = (2, 4)
"""Levels of 255 that PGD may change a value by."""
SQUARE_EPSILON = 4


@dataclass(frozen=True)
class Opening:
    """What a process needs to look at sources.

    Attributes:
        bundle: None: the one in the package.
        queries: questions of a square attack.
    """

    bundle: Path | None
    teacher: Path
    student: Path
    queries: int


class Prober:
    """An inspector, and the nets whose weights PGD knows."""

    def __init__(self, opening: Opening) -> None:
        use_one_thread()
        opencv.load().setNumThreads(1)
        self._opening = opening
        self._inspector = Inspector.open(opening.bundle)
        self._nets: dict[str, Any] = {}
        self._parts = {"small": self._change, "pgd": self._descend, "square": self._search}

    def look(self, part: str, task: Task) -> list[Row]:
        """Rows of one source; one that cannot be read gives a single row that says why (`left_out`)."""
        try:
            made = render(task)
            told = [
                {"fault": each.fault, "severity": each.severity, "label": each.label, **row}
                for each in made
                for row in self._parts[part](task, each)
            ]
        except PhotoError as error:
            return [{"left_out": str(error)}]
        return told

    def _change(self, task: Task, rendering: Rendering) -> list[Row]:
        """Score (0-1) and verdict without and with each change, from encoded bytes."""
        known: dict[bytes, tuple[float, str]] = {}
        pixels, rows = rendering.pixels, []
        for name in CHANGES:
            pair = encode_pair(name, pixels, make_rng("small", task.name, rendering.fault, name))
            for encoded in pair:
                if encoded not in known:  # most changes share what they start from
                    report = self._inspector.inspect(encoded)
                    known[encoded] = report.score / 100, report.verdict.value
            (before, said), (after, then) = (known[encoded] for encoded in pair)
            rows.append({"change": name, "score": [before, after], "verdict": [said, then]})
        return rows

    def _descend(self, task: Task, rendering: Rendering) -> list[Row]:
        cut = self._cut(rendering)
        before = self._ask(cut)
        raising = self._is_raised(before)
        rows = []
        for name in ("teacher", "student"):
            net = self._open_net(name)
            own = attack.rate(net, cut)
            for epsilon in EPSILONS:
                rng = make_rng("pgd", task.name, rendering.fault, name, str(epsilon))
                fooled = attack.fool(net, cut, epsilon, raising, rng)
                rows.append(
                    self._tell(f"PGD through the {name}", epsilon, before, self._ask(fooled))
                    | {"own": [own, attack.rate(net, fooled)]}
                )
        return rows

    def _search(self, task: Task, rendering: Rendering) -> list[Row]:
        cut, epsilon = self._cut(rendering), SQUARE_EPSILON
        rng = make_rng("square", task.name, rendering.fault)
        before = self._ask(cut)
        chance = self._ask(add_signs(cut, epsilon, rng))
        found = search(self._ask, cut, epsilon, self._is_raised(before), self._opening.queries, rng)
        return [
            self._tell("random signs", epsilon, before, chance),
            self._tell(f"square, {found.queries} questions", epsilon, found.before, found.after),
        ]

    def _tell(self, attacked: str, epsilon: int, before: float, after: float) -> Row:
        bound = self._inspector.bundle.manifest.thresholds.accept
        return {"attack": attacked, "epsilon": epsilon, "score": [before, after], "accept": bound}

    def _is_raised(self, before: float) -> bool:
        """Photos that are accepted shall fall, the others rise."""
        return before < self._inspector.bundle.manifest.thresholds.accept

    def _cut(self, rendering: Rendering) -> Views:
        spec = self._inspector.bundle.manifest.views
        return views.cut(image.read(rendering.encoded, long_side_px=spec.long_side_px), spec)

    def _ask(self, cut: Views) -> float:
        """The device model's overall score of views, 0-1."""
        return float(self._inspector.backend.run(cut).scores[0])

    def _open_net(self, name: str) -> Any:
        if name not in self._nets:
            path = getattr(self._opening, name)
            net = load_teacher(path)[0] if name == "teacher" else load(path)[0].requires_grad_(False)
            if net.spec != self._inspector.bundle.manifest.views:
                raise DataError(
                    f"{path}: expected a {name} that sees the views of the bundle, "
                    f"{self._inspector.bundle.manifest.views}, got {net.spec}; give --{name} another one"
                )
            self._nets[name] = net
        return self._nets[name]
