"""What is loaded when, in a fresh interpreter: nothing heavy before it is used, and never torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_iqa import backends

HEAVY = {
    "torch",
    "torchvision",
    "cv2",
    "onnxruntime",
    "ai_edge_litert",
    "tflite_runtime",
    "PIL",
    "pillow_heif",
    "usearch",
    "pyarrow",
}


def _loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_loads_nothing_heavy_not_even_numpy() -> None:
    assert _loaded_after("import edge_iqa") & (HEAVY | {"numpy"}) == set()


def test_importing_every_public_name_loads_no_opencv_and_no_runtime() -> None:
    assert _loaded_after("from edge_iqa import *") & HEAVY == set()


def test_looking_for_backends_imports_none() -> None:
    assert _loaded_after("from edge_iqa import backends; backends.available()") & HEAVY == set()


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_command_line_answers_small_questions_without_numpy(option: str) -> None:
    code = f"""
from edge_iqa.cli import main
try: main([{option!r}])
except SystemExit: pass"""
    assert _loaded_after(code) & (HEAVY | {"numpy"}) == set()


@pytest.mark.parametrize("runtime", sorted(backends.available()))
def test_inspecting_a_photo_loads_one_runtime_and_never_torch(runtime: str, photo_paths: list[Path]) -> None:
    photo = photo_paths[0]
    code = f"""
from edge_iqa import Inspector
Inspector.open(backend={backends.NAMES[runtime]!r}).inspect({str(photo)!r})"""
    others = {"onnx": {"ai_edge_litert", "tflite_runtime"}, "tflite": {"onnxruntime"}}[runtime]
    assert _loaded_after(code) & (others | {"torch", "torchvision", "PIL"}) == set()
