"""A reader of bundles written from `export/BUNDLE.md` alone, as a port to another language would be.

Knows numpy, OpenCV and the two runtimes; of this project it imports nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def read_bundle(folder: Path) -> dict[str, Any]:
    """The manifest, every listed file compared with its size and hash."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["schema"] == 1
    for entry in manifest["files"]:
        content = (folder / entry["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["bytes"], entry["sha256"])
    return manifest


def decode(content: bytes, long_side_px: int) -> np.ndarray:
    """A JPEG → uint8 RGB, at the smallest scale that is large enough."""
    encoded = np.frombuffer(content, np.uint8)
    height, width = cv2.imdecode(encoded, cv2.IMREAD_COLOR).shape[:2]
    flags = cv2.IMREAD_COLOR
    for shrink in (2, 4, 8):
        if max(height, width) / shrink >= long_side_px and min(height, width) / shrink >= 32:
            flags = getattr(cv2, f"IMREAD_REDUCED_COLOR_{shrink}")
    return cv2.imdecode(encoded, flags)[..., ::-1]


def cut(photo: np.ndarray, size: int, detail: int, long_side_px: int) -> np.ndarray:
    """Views uint8 (V, S, S, 3)."""
    whole = resize(photo, size, size)
    views = [whole]
    scale = min(1, long_side_px / max(photo.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in photo.shape[:2])
    for row, column in choose(whole, height, width, size, detail):
        rows = span(row, size, height, photo.shape[0])
        columns = span(column, size, width, photo.shape[1])
        window = photo[slice(*rows), slice(*columns)]
        shown = (min(size, height), min(size, width))
        if window.shape[:2] != shown:
            window = resize(window, *shown)
        fill = ((0, size - shown[0]), (0, size - shown[1]), (0, 0))
        views.append(np.pad(window, fill, mode="reflect"))
    return np.stack(views)


def resize(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    while photo.shape[0] // height >= 4 and photo.shape[1] // width >= 4:
        rows, columns = photo.shape[0] // 2, photo.shape[1] // 2
        even = np.ascontiguousarray(photo[: 2 * rows, : 2 * columns])
        photo = cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA)
    grows = photo.shape[0] < height or photo.shape[1] < width
    method = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
    return cv2.resize(np.ascontiguousarray(photo), (width, height), interpolation=method)


def choose(whole: np.ndarray, height: int, width: int, size: int, detail: int) -> list[tuple[int, int]]:
    luma = cv2.cvtColor(resize(whole, 64, 64), cv2.COLOR_RGB2GRAY).astype(int)
    structure = np.zeros((64, 64), int)
    structure[:-1] += np.abs(luma[1:] - luma[:-1])
    structure[:, :-1] += np.abs(luma[:, 1:] - luma[:, :-1])
    rooms = max(0, height - size), max(0, width - size)
    candidates = []
    for row in places(rooms[0], size):
        for column in places(rooms[1], size):
            rows, columns = cells(row, size, height), cells(column, size, width)
            richness = int(structure[slice(*rows), slice(*columns)].sum())
            off = abs(row - rooms[0] / 2) + abs(column - rooms[1] / 2)
            candidates.append((-richness, off, row, column))
    ordered = [(row, column) for _, _, row, column in sorted(candidates)]
    taken: list[tuple[int, int]] = []
    for apart in (size, size // 2, size // 4):
        for row, column in ordered:
            far = all(max(abs(row - r), abs(column - c)) >= apart for r, c in taken)
            if far and len(taken) < detail:
                taken.append((row, column))
    return taken + [ordered[0]] * (detail - len(taken))


def places(room: int, size: int) -> list[int]:
    steps = math.ceil(4 * room / size)
    return [round(room * step / steps) for step in range(steps + 1)] if steps else [0]


def cells(at: int, size: int, side: int) -> tuple[int, int]:
    first = min(63, at * 64 // side)
    return first, max(first + 1, min(64, math.ceil((at + size) * 64 / side)))


def span(at: int, size: int, side: int, decoded: int) -> tuple[int, int]:
    scale = decoded / side
    first = min(round(at * scale), decoded - 1)
    return first, max(first + 1, min(decoded, round((at + min(size, side)) * scale)))


CODES = {
    "sharpness": "BLUR",
    "contrast": "LOW_CONTRAST",
    "color": "COLOR_CAST",
    "noise": "NOISE",
    "detail": "LOW_DETAIL",
}


@dataclass(frozen=True)
class Judgement:
    """Verdict, codes with their severities, the worst first, and the overall score to show, 0-1."""

    verdict: str
    codes: list[str]
    severities: list[float]
    overall: float


def judge(scores: np.ndarray, photo: np.ndarray, manifest: dict[str, Any]) -> Judgement:
    height, width = photo.shape[:2]
    sample = photo[:: math.ceil(height / 256), :: math.ceil(width / 256)]
    luma = sample @ np.array((0.299, 0.587, 0.114)) / 255
    if luma.std() < 2 / 255:
        return Judgement("retake", ["EMPTY"], [1], 0)
    bounds = manifest["thresholds"]
    overall, *rest = scores.tolist()
    verdict = "accept" if overall >= bounds["accept"] else "review"
    verdict = "retake" if overall < bounds["reject"] else verdict
    named = zip(manifest["outputs"]["attributes"], rest, strict=True)
    short = {name: fall_short(value, bounds["attributes"][name]) for name, value in named}
    faults = sorted((name for name in short if short[name] > 0), key=lambda name: -short[name])
    if not faults and verdict != "accept":
        faults = [max(short, key=lambda name: short[name])]
        short[faults[0]] = fall_short(overall, bounds["accept"])
    exposure = "TOO_DARK" if luma.mean() < bounds["dark_below"] else "TOO_BRIGHT"
    codes = {**CODES, "exposure": exposure}
    return Judgement(verdict, [codes[name] for name in faults], [short[name] for name in faults], overall)


def find_confidence(verdict: str, scores: np.ndarray, manifest: dict[str, Any]) -> float:
    """How sure a verdict is that was not found on a flat photo."""
    chance = find_chance(float(scores[0]), manifest["calibration"]["overall"])
    return chance if verdict == "accept" else 1 - chance


def find_chance(score: float, curve: dict[str, float]) -> float:
    exponent = (curve["midpoint"] - score) / curve["temperature"]
    return 1 / (1 + math.exp(max(-50.0, min(50.0, exponent))))


def fall_short(value: float, bound: float) -> float:
    return (bound - value) / max(bound, 1e-6)


def run(model: bytes, views: np.ndarray, runtime: str) -> dict[str, np.ndarray]:
    """Outputs of a model by name."""
    if runtime == "onnx":
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.x64quantprecision", "1")
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [node.name for node in session.get_outputs()]
        return dict(zip(names, session.run(names, {"views": views}), strict=True))
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter.get_signature_runner("serving_default")(views=views)


def is_proven(folder: Path, manifest: dict[str, Any], golden: dict[str, Any], runtime: str) -> bool:
    """Whether a golden photo gives here what it must."""
    spec, tolerance = manifest["views"], manifest["tolerance"]
    photo = decode((folder / golden["photo"]).read_bytes(), spec["long_side_px"])
    views = cut(photo, spec["size_px"], spec["detail"], spec["long_side_px"])
    stacked = cv2.imread(str(folder / golden["views"]))[..., ::-1].reshape(views.shape)
    path = manifest["in_use"][runtime]
    scores = run((folder / path).read_bytes(), views, runtime)["scores"][0]
    bounds = manifest["thresholds"]
    near = min(abs(scores[0] - bounds["accept"]), abs(scores[0] - bounds["reject"])) <= tolerance["scores"]
    return bool(
        np.abs(views.astype(int) - stacked).mean() <= tolerance["views_levels"]
        and np.abs(scores - golden["scores"][path]).max() <= tolerance["scores"]
        and (near or judge(scores, photo, manifest).verdict == golden["verdict"])
    )
