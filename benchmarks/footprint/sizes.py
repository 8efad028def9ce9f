"""How large is what has to be brought to the device? Bytes on disk, and bytes as a wheel holds them (deflated)."""

from __future__ import annotations

import importlib.metadata
import re
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from typing import Any

import edge_iqa
from edge_iqa import toml
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError

MODULES = {"litert": ("ai_edge_litert", "tflite_runtime"), "onnx": ("onnxruntime",)}
"""Backend → modules that it may come as."""
_LEVEL = 6
"""Of zlib, which is what wheels are made with."""
_SEPARATORS = re.compile(r"[-_.]+")
_NAME = re.compile(r"\s*([A-Za-z0-9._-]+)")


def measure(bundle: Bundle, backends: Iterable[str]) -> dict[str, Any]:
    """Sizes in bytes.

    Args:
        bundle: the one that is measured.
        backends: those whose runtime is told.

    Returns:
        `package`: the files of `edge_iqa` that its wheel holds, the bundle among them, without the wheel's metadata;
        `bundle`, and each of its `models`; `needs`: distributions as they are installed here, numpy and OpenCV and
        the runtimes, each runtime with what it needs itself.

    Raises:
        DataError: there is neither a `pyproject.toml` beside `edge_iqa` nor a record of its installation.
    """
    return {
        "package": weigh(find_package_files()),
        "bundle": weigh(path for path in bundle.path.rglob("*") if path.is_file()),
        "models": [
            {
                "path": entry.path,
                "runtime": entry.runtime,
                "precision": entry.precision,
                **weigh([bundle.path / entry.path]),
            }
            for entry in bundle.models
        ],
        "needs": _weigh_needs(backends),
    }


def find_package_files(package: Path | None = None) -> list[Path]:
    """Files of `edge_iqa` that its wheel holds: by `pyproject.toml` in a checkout, else by what pip recorded.

    Args:
        package: folder of the package; `None` is the one that was imported.

    Raises:
        DataError: there is neither.
    """
    folder = package or Path(edge_iqa.__file__).resolve().parent
    settings = folder.parent / "pyproject.toml"
    if settings.is_file():
        patterns = toml.read(settings, DataError, "the settings of the package")["tool"]["setuptools"]
        data = patterns["package-data"][folder.name].items()
        found = set(folder.rglob("*.py"))
        for entry in data:
            found.update(folder.glob(_to_glob(entry.text())))
        return sorted(path for path in found if path.is_file() and "__pycache__" not in path.parts)
    try:
        recorded = importlib.metadata.distribution("edge-iqa").files or []
    except PackageNotFoundError as error:
        raise DataError(f"{folder}: expected a pyproject.toml beside it, or an installed edge-iqa") from error
    own = [path for path in recorded if path.parts[0] == folder.name and "__pycache__" not in path.parts]
    return sorted(Path(str(path.locate())) for path in own)


def weigh(paths: Iterable[Path]) -> dict[str, int]:
    """Number of files, bytes, and bytes once each is deflated.

    Raises:
        DataError: a file cannot be read.
    """
    files = total = deflated = 0
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path.name}: its size could not be read ({error.strerror or error})") from error
        files, total, deflated = files + 1, total + len(content), deflated + deflate(content)
    return {"files": files, "bytes": total, "deflated_bytes": deflated}


def deflate(content: bytes) -> int:
    """Bytes of `content` as a zip file holds it, without the file's name and header."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return len(packer.compress(content)) + len(packer.flush())


def _to_glob(pattern: str) -> str:
    """Of setuptools, whose `**` at the end takes files; of pathlib's it takes folders alone."""
    return f"{pattern}/*" if pattern.endswith("**") else pattern


def _weigh_needs(backends: Iterable[str]) -> list[dict[str, Any]]:
    """numpy, OpenCV and each runtime; what a runtime needs besides those is told with it."""
    homes = _find_homes({"numpy", "cv2", *(module for modules in MODULES.values() for module in modules)})
    told, base = [], set[str]()
    for what, modules in {"numpy": ("numpy",), "OpenCV": ("cv2",)}.items():
        names = _find(homes, modules)
        base |= set(names)
        told.append({"what": what, **_weigh_installed(names)})
    for backend in backends:
        names = _find(homes, MODULES[backend])
        told.append(
            {
                "what": backend,
                **_weigh_installed(names),
                "besides": _weigh_installed(_close(names) - base - set(names)),
            }
        )
    return told


def _find_homes(modules: Collection[str]) -> dict[str, list[str]]:
    """Module → normal names of the distributions that brought it, by what pip recorded.

    `importlib.metadata.packages_distributions` of Python 3.10 misses those without a `top_level.txt`.
    """
    homes: dict[str, list[str]] = {}
    for each in importlib.metadata.distributions():
        for module in {path.parts[0] for path in each.files or []}.intersection(modules):
            homes.setdefault(module, []).append(_normalize(each.metadata["Name"] or ""))
    return homes


def _find(homes: Mapping[str, Sequence[str]], modules: Sequence[str]) -> list[str]:
    """Distributions that bring the first of these modules that is installed."""
    return next((sorted(set(homes[each])) for each in modules if each in homes), [])


def _close(names: Iterable[str]) -> set[str]:
    """These distributions and all installed ones that they need, extras aside."""
    reached, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        distribution = _open(name)
        if name in reached or distribution is None:
            continue
        reached.add(name)
        for text in distribution.requires or []:
            needed, _, marker = text.partition(";")
            if "extra" not in marker and (found := _NAME.match(needed)):
                waiting.append(_normalize(found[1]))
    return reached


def _weigh_installed(names: Iterable[str]) -> dict[str, Any]:
    """Names with their versions, and the bytes of all files that pip recorded and that are there.

    `bytes` is `None` where nothing was found or recorded.
    """
    opened = [each for each in map(_open, sorted(names)) if each is not None]
    files = [path for each in opened for path in each.files or []]
    sizes = [Path(str(path.locate())) for path in files]
    return {
        "distributions": [f"{each.metadata['Name']} {each.version}" for each in opened],
        "bytes": sum(path.stat().st_size for path in sizes if path.is_file()) if files else None,
    }


def _open(name: str) -> Distribution | None:
    try:
        return importlib.metadata.distribution(name)
    except PackageNotFoundError:
        return None


def _normalize(name: str) -> str:
    """As package registries do: `Ai_Edge.LiteRT` is `ai-edge-litert`."""
    return _SEPARATORS.sub("-", name).lower()
