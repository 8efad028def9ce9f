"""Who may import whom, read from the source of every file.

A break of a layer costs little on the day it is made and a rewrite a year later, so it fails here,
with the name of the place that the import belongs to. The checker itself is checked on planted breaks.
"""

from __future__ import annotations

import ast
import fnmatch
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("edge_iqa", "export", "compression", "benchmarks", "scripts", "examples", "tests")

# which of our packages a file may import, besides its own; the first pattern that fits decides
LAYERS = {
    "edge_iqa/*": (),
    "export/*": ("edge_iqa",),
    "compression/*": ("edge_iqa", "export"),
    "benchmarks/latency*.py": ("edge_iqa",),
    "benchmarks/device*.py": ("edge_iqa",),
    "benchmarks/validity.py": ("edge_iqa",),
    "benchmarks/footprint/*.py": ("edge_iqa",),
    "benchmarks/scale*.py": ("edge_iqa",),
    "benchmarks/scenarios/*": ("edge_iqa",),
    "benchmarks/profiles.py": ("edge_iqa",),
    "benchmarks/photos.py": ("edge_iqa",),
    "benchmarks/remote/*": ("edge_iqa",),
    "benchmarks/phone/*": ("edge_iqa",),
    "benchmarks/*": ("edge_iqa", "export", "compression"),
    "examples/*": ("edge_iqa",),
    "scripts/*": ("edge_iqa", "export", "compression", "benchmarks"),
    "tests/*": OURS,
}

# they run in environments of their own, where nothing of ours is
PEERS = "benchmarks/peer_tools/scorers/*"

# heavy or delicate packages: the only files that may import them, and where everybody else goes instead
IMPORTERS = {
    "cv2": (("edge_iqa/opencv.py", PEERS), "edge_iqa.opencv.load()"),
    "PIL": (("edge_iqa/pillow.py", PEERS), "edge_iqa.pillow"),
    "pillow_heif": (("edge_iqa/pillow.py",), "edge_iqa.pillow"),
    "onnxruntime": (
        ("edge_iqa/backends/onnx.py", "compression/quantize*", "export/*", "benchmarks/runtimes.py"),
        "edge_iqa.backends",
    ),
    "ai_edge_litert": (
        ("edge_iqa/backends/tflite.py", "compression/quantize*", "export/*", "benchmarks/runtimes.py"),
        "edge_iqa.backends",
    ),
    "tflite_runtime": (("edge_iqa/backends/tflite.py",), "edge_iqa.backends"),
    "tomllib": (("edge_iqa/toml.py",), "edge_iqa.toml"),
    "tomli": (("edge_iqa/toml.py",), "edge_iqa.toml"),
    "usearch": (("edge_iqa/gallery/graph.py",), "edge_iqa.gallery.graph"),
    "pyarrow": (("edge_iqa/batch/parquet.py",), "edge_iqa.batch.parquet"),
    "mlperf_loadgen": (("benchmarks/scenarios/loadgen.py",), "benchmarks.scenarios.loadgen"),
    "torchvision": (("compression/torchvision_compat.py",), "compression.torchvision_compat"),
    "piq": (("compression/fidelity.py",), "compression.fidelity"),
    "torch": (("compression/*", "export/*", "benchmarks/*"), "compression or export: no torch on the device"),
    "onnx": (("export/*", "compression/quantize*"), "export"),
    "onnxscript": (("export/*",), "export"),
    "litert_torch": (("export/*",), "export.tflite"),
    "ai_edge_quantizer": (("export/*", "compression/quantize*"), "compression.quantize"),
    "tensorflow": ((), "nothing: LiteRT does what we need"),
}

# what the wheel's code may need besides the standard library: each optional one behind its one importer
RUNTIME_NEEDS = {
    "numpy", "cv2", "PIL", "pillow_heif", "onnxruntime", "ai_edge_litert", "tflite_runtime", "tomli", "usearch",
    "pyarrow",
}  # fmt: skip


def find_breaks(root: Path) -> list[str]:
    """Every import under `root` that breaks a rule, as `file:line: what, and where to go`."""
    return [problem for path in find_sources(root) for problem in check_file(path, root)]


def find_sources(root: Path) -> list[Path]:
    return sorted(path for package in OURS for path in (root / package).rglob("*.py"))


def check_file(path: Path, root: Path) -> Iterator[str]:
    name = path.relative_to(root).as_posix()
    for line, module, at_run_time in find_imports(path, name):
        problem = judge(name, module, at_run_time)
        if problem:
            yield f"{name}:{line}: imports {module}; {problem}"


def judge(name: str, module: str, at_run_time: bool) -> str | None:
    """What is wrong with the file `name` importing `module`, if anything."""
    package, top = name.partition("/")[0], module.partition(".")[0]
    allowed = next(packages for pattern, packages in LAYERS.items() if fnmatch.fnmatch(name, pattern))
    if top in OURS:
        listed = " and ".join(allowed) or "nothing else of ours"
        return None if top == package or top in allowed else f"{package} may import {listed}"
    if package == "tests" or not at_run_time:
        return None
    importers, instead = IMPORTERS.get(top, (("*",), ""))
    if not any(fnmatch.fnmatch(name, pattern) for pattern in importers):
        return f"go to {instead}"
    if package == "edge_iqa" and top not in sys.stdlib_module_names and top not in RUNTIME_NEEDS:
        return f"the device has only {', '.join(sorted(RUNTIME_NEEDS))}"
    return None


def find_imports(path: Path, name: str) -> Iterator[tuple[int, str, bool]]:
    """Line, absolute module name, and whether it is imported at run time (not only for type checks)."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=name)
    typing_only = {id(child) for node in ast.walk(tree) if is_typing_block(node) for child in walk_body(node)}
    for node in ast.walk(tree):
        at_run_time = id(node) not in typing_only
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, at_run_time
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, resolve(node, name), at_run_time
        elif isinstance(node, ast.Call) and called_name(node) in ("import_module", "__import__"):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield node.lineno, argument.value, at_run_time


def is_typing_block(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def walk_body(node: ast.If) -> Iterator[ast.AST]:
    for statement in node.body:
        yield from ast.walk(statement)


def resolve(node: ast.ImportFrom, name: str) -> str:
    """The absolute module of `from ..x import y`."""
    if not node.level:
        return node.module or ""
    parts = name.split("/")[: -node.level]
    return ".".join([*parts, *filter(None, [node.module])])


def called_name(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_import_keeps_the_rules():
    assert find_breaks(ROOT) == []


@pytest.mark.parametrize("entry", ["benchmarks/latency.py", "benchmarks/scale.py"])
def test_a_bench_for_the_device_reaches_nothing_that_a_device_lacks(entry):
    """Not by way of another module of benchmarks/ either."""
    reached, waiting = set(), [entry]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        for line, module, _ in find_imports(ROOT / name, name):
            top = module.partition(".")[0]
            known = top in sys.stdlib_module_names or top in ("benchmarks", "edge_iqa", "numpy")
            optional = (
                "rich",
                "matplotlib",
                "mlperf_loadgen",
            )  # imported where they are used, and done without
            assert known or top in optional, (
                f"{name}:{line}: imports {module}; {entry} must run with the runtime alone"
            )
            waiting += [found for found in files_of(ROOT / name, module) if found not in reached]
    assert len(reached) > 1


def files_of(path: Path, module: str) -> list[str]:
    """Files of benchmarks/ that an import of `module` in `path` may run."""
    if not module.startswith("benchmarks"):
        return []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == module]
    names = [module, *(f"{module}.{alias.name}" for node in froms for alias in node.names)]
    files = [f"{name.replace('.', '/')}.py" for name in names]
    return [file for file in files if (ROOT / file).is_file()]


def test_the_rules_look_at_every_package_of_ours():
    packages = {path.relative_to(ROOT).parts[0] for path in find_sources(ROOT)}
    assert packages >= {"edge_iqa", "export", "compression", "benchmarks", "scripts", "tests"}


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("edge_iqa/views.py", "import compression.data", "edge_iqa may import nothing else of ours"),
        ("edge_iqa/views.py", "from export import onnx", "edge_iqa may import nothing else of ours"),
        ("edge_iqa/views.py", "def cut():\n    import cv2", "views.py:2: imports cv2; go to edge_iqa.opencv"),
        ("edge_iqa/views.py", "import torch", "no torch on the device"),
        ("edge_iqa/views.py", "import scipy.ndimage", "the device has only PIL, ai_edge_litert, cv2"),
        ("edge_iqa/views.py", "import importlib\nimportlib.import_module('PIL')", "views.py:2: imports PIL"),
        ("edge_iqa/backends/onnx.py", "from ...compression import data", "nothing else of ours"),
        ("edge_iqa/image.py", "from PIL.Image import Image", "go to edge_iqa.pillow"),
        ("export/pack.py", "from compression.gates import read", "export may import edge_iqa"),
        ("compression/data.py", "from benchmarks import table", "may import edge_iqa and export"),
        ("compression/models/resnet.py", "from torchvision import models", "compression.torchvision_compat"),
        ("compression/labels.py", "import cv2", "edge_iqa.opencv.load()"),
        ("compression/stages.py", "import tomllib", "stages.py:1: imports tomllib; go to edge_iqa.toml"),
        ("edge_iqa/policy.py", "import tomli as tomllib", "go to edge_iqa.toml"),
        ("edge_iqa/gallery/shelf.py", "from usearch.index import Index", "go to edge_iqa.gallery.graph"),
        ("compression/labels.py", "import piq", "labels.py:1: imports piq; go to compression.fidelity"),
        ("benchmarks/latency.py", "from compression import metrics", "benchmarks may import edge_iqa"),
        ("benchmarks/scenarios/log.py", "from export import pack", "benchmarks may import edge_iqa"),
        ("benchmarks/sampler.py", "import mlperf_loadgen", "go to benchmarks.scenarios.loadgen"),
        ("examples/app.py", "import export.pack", "examples may import edge_iqa"),
    ],
)
def test_a_planted_break_is_found_and_says_where_to_go(tmp_path, file, source, expected):
    planted = tmp_path / file
    planted.parent.mkdir(parents=True)
    planted.write_text(source)
    breaks = find_breaks(tmp_path)
    assert len(breaks) == 1
    assert expected in breaks[0]
    assert breaks[0].startswith(file)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("edge_iqa/opencv.py", "def load():\n    import cv2"),
        ("edge_iqa/toml.py", "try:\n    import tomllib\nexcept ImportError:\n    import tomli"),
        (
            "edge_iqa/image.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from PIL import Image",
        ),
        ("edge_iqa/backends/onnx.py", "from . import base\nfrom .. import errors\nimport numpy, json"),
        ("compression/data.py", "import torch\nfrom export import pack\nfrom edge_iqa import views"),
        ("tests/test_x.py", "import cv2, torch, compression.data"),
    ],
)
def test_what_is_allowed_is_left_alone(tmp_path, file, source):
    planted = tmp_path / file
    planted.parent.mkdir(parents=True)
    planted.write_text(source)
    assert find_breaks(tmp_path) == []


def test_a_break_fails_the_linter_too(tmp_path):
    """Ruff says it while one types: the same rule for what is banned everywhere."""
    planted = tmp_path / "planted.py"
    planted.write_text("import cv2\n\nprint(cv2.__version__)\n")
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--config",
        ROOT / "pyproject.toml",
        planted,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "TID251" in told.stdout
    assert "edge_iqa.opencv.load()" in told.stdout
