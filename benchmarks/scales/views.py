"""Cost against views: the bundle's model made for other numbers of views, each in a whole verdict."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import megapixels
from benchmarks.figure import Figure
from benchmarks.scales.growth import find_exponent
from benchmarks.scales.part import Found, Setting, observe, tell_ratio
from benchmarks.scales.pixels import read_stages
from edge_iqa import Inspector, backends
from edge_iqa.bundle import Bundle

COUNTS = (2, 3, 5, 9)
"""A whole view and 1, 2, 4 or 8 details."""
ROUNDS = 30
_MEGAPIXELS = 12.0
_ROOT = Path(__file__).resolve().parent.parent.parent


def measure(setting: Setting) -> Found:
    """Time the verdict of one photo by models of other numbers of views, in turns, on one thread.

    The bundle's own is always measured; the others are made by the workshop, in a process of its own, and kept.

    Raises:
        EdgeIqaError: the photo cannot be made, or not judged.
    """
    bundle = Bundle.open(setting.bundle)
    runtime = backends.choose(setting.backend, bundle.manifest.in_use)
    own = bundle.manifest.views.count
    counts = [count for count in COUNTS if count != own]
    folder = setting.cache / "scale-views" / bundle.judging_sha256[:12]
    why = make_models(setting, counts, runtime, folder)
    models = {own: bundle.model(runtime)} if why else {
        count: bundle.model(runtime) if count == own else _find(folder, count, runtime).read_bytes()
        for count in sorted({*counts, own})
    }  # fmt: skip
    size = min(_MEGAPIXELS, setting.sizes[-1])
    photo = megapixels.make(setting.photos, [size], setting.cache / "megapixels")[0].photo
    with observe(setting, 1) as observed, contextlib.ExitStack() as stack:
        tasks = {}
        for count, content in models.items():
            inspector = stack.enter_context(open_inspector(bundle, content, runtime, count))
            tasks[str(count)] = partial(inspector.inspect, photo.data)
        recorded = observed.record("views", tasks, setting.rounds(ROUNDS), read_stages)
        conditions = observed.close()
    stages = {count: recorded[str(count)].stages_ms for count in models}
    figures: list[Figure] = []
    if len(models) > 1:
        sizes = np.array([list(models)], float)
        times = np.array([[stages[count]["model"] for count in models]])
        figures.append(Figure("exponent of the model's time over the views", find_exponent(sizes, times)))
    figures += [
        tell_ratio(
            f"the model's time with {count} views over {own}", stages[count]["model"], stages[own]["model"]
        )
        for count in models
        if count != own
    ]
    rows = [
        {
            "views": count,
            "own": count == own,
            "views_ms": float(np.median(stages[count]["views"])),
            "model_ms": float(np.median(stages[count]["model"])),
            "whole_ms": float(np.median(recorded[str(count)].whole_ms)),
        }
        for count in models
    ]
    missing = [f"{', '.join(map(str, counts))} views: {why}"] if why else []
    return Found(figures, {"photo": photo.name, "views": rows}, conditions, missing)  # fmt: skip


def open_inspector(bundle: Bundle, content: bytes, runtime: str, count: int) -> Inspector:
    """An inspector with a model of so many views."""
    spec = replace(bundle.manifest.views, detail=count - 1)
    other = replace(bundle, manifest=replace(bundle.manifest, views=spec))
    return Inspector(other, backends.open(content, runtime, 1))


def make_models(setting: Setting, counts: Sequence[int], runtime: str, folder: Path) -> str:
    """Let the workshop make the models that are missing; returns why it could not, "" where all are there."""
    if all(_find(folder, count, runtime).is_file() for count in counts):
        return ""
    with tempfile.TemporaryDirectory() as name:
        for number, photo in enumerate(setting.photos):
            (Path(name) / f"{number}.jpg").write_bytes(photo.data)
        command = [sys.executable, "benchmarks/view_models.py", "--out", str(folder.resolve())]
        command += ["--photos", name, "--runtime", runtime, "--counts", *map(str, counts)]
        command += [] if setting.bundle is None else ["--bundle", str(setting.bundle.resolve())]
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if not done.returncode:
        return ""
    said = done.stderr.strip().splitlines()
    why = said[-1] if said else f"exit code {done.returncode}"
    return (
        "models of other numbers of views are made by the workshop, which needs the extras `compress` and `export`, "
        f"and the bundle's student, and it failed: {why}"
    )


def _find(folder: Path, count: int, runtime: str) -> Path:
    return folder / f"views-{count}.int8.{runtime}"
