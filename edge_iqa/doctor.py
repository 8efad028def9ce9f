"""Is this installation sound? Versions, backends, bundle, and the golden photos run through each backend."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import asdict, dataclass
from typing import Any

from edge_iqa import __version__, backends, opencv
from edge_iqa.backends.base import clamp_threads, cores
from edge_iqa.bundle import Bundle
from edge_iqa.errors import EdgeIqaError
from edge_iqa.inspector import Inspector
from edge_iqa.selftest import GoldenResult


@dataclass(frozen=True)
class BackendCheck:
    """One backend that could be used.

    Attributes:
        name: `litert` or `onnx`.
        version: distribution and version; "" where it is not installed.
        results: the self-test, one per golden photo.
        problem: why there is no self-test; "" where there is one.
    """

    name: str
    version: str
    results: tuple[GoldenResult, ...] = ()
    problem: str = ""

    @property
    def passed(self) -> bool:
        """The self-test ran, and every golden photo passed."""
        return bool(self.results) and all(result.passed for result in self.results)


@dataclass(frozen=True)
class Diagnosis:
    """What `edge-iqa doctor` shows.

    Attributes:
        versions: version by name; "" for what is not installed.
        cores: cores that this process may use.
        threads: threads that a model runs on by default.
        bundle: what was opened, or None.
        bundle_problem: why it could not be opened; "" where it could.
        backends: one entry for each backend known, installed or not.
    """

    versions: dict[str, str]
    cores: int
    threads: int
    bundle: Bundle | None
    bundle_problem: str
    backends: tuple[BackendCheck, ...]

    @property
    def healthy(self) -> bool:
        """The bundle is whole, a backend is installed, and each one installed passed its self-test."""
        installed = [check for check in self.backends if check.version]
        return self.bundle is not None and bool(installed) and all(check.passed for check in installed)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        bundle = self.bundle
        return {
            "healthy": self.healthy,
            "versions": self.versions,
            "cores": self.cores,
            "threads": self.threads,
            "bundle": None
            if bundle is None
            else {
                "path": str(bundle.path),
                "name": bundle.name,
                "version": bundle.version,
                "experimental": bundle.experimental,
                "manifest_sha256": bundle.manifest_sha256,
            },
            "bundle_problem": self.bundle_problem,
            "backends": [{**asdict(check), "passed": check.passed} for check in self.backends],
        }

    def to_text(self) -> str:
        """As lines that a person reads."""
        lines = [f"{name:14}{version or 'not installed'}" for name, version in self.versions.items()]
        lines.append(f"{'cores':14}{self.cores}, a model runs on {self.threads} thread unless asked for more")
        if self.bundle is None:
            lines.append(f"{'bundle':14}{self.bundle_problem}")
        else:
            mark = " (experimental)" if self.bundle.experimental else ""
            lines.append(f"{'bundle':14}{self.bundle.label}{mark}, {self.bundle.path}")
        lines.extend(_describe(check) for check in self.backends)
        lines.append("all is well" if self.healthy else "something is wrong, see above")
        return "\n".join(lines)


def diagnose(bundle: str | os.PathLike[str] | None = None) -> Diagnosis:
    """Look at everything that an inspection needs; what is wrong is told, not raised."""
    opened, problem = None, ""
    try:
        opened = Bundle.open(bundle)
    except EdgeIqaError as error:
        problem = str(error)
    installed = backends.available()
    checks = tuple(
        BackendCheck(name, "", problem=f"not installed; `pip install {backends.PACKAGES[name]}` adds it")
        if runtime not in installed
        else _check(name, installed[runtime], opened)
        for name, runtime in backends.RUNTIMES.items()
    )
    return Diagnosis(_read_versions(), cores(), clamp_threads(None), opened, problem, checks)


def _check(name: str, version: str, bundle: Bundle | None) -> BackendCheck:
    if bundle is None:
        return BackendCheck(name, version, problem="not tested, as there is no bundle")
    runtime = backends.RUNTIMES[name]
    try:
        with Inspector(bundle, backends.open(bundle.model(runtime), runtime)) as inspector:
            return BackendCheck(name, version, tuple(inspector.self_test()))
    except EdgeIqaError as error:
        return BackendCheck(name, version, problem=str(error))


def _describe(check: BackendCheck) -> str:
    line = f"{check.name:14}{check.version}{': ' if check.version else ''}"
    if not check.results:
        return line + check.problem
    passed = sum(result.passed for result in check.results)
    views = max(result.views_difference for result in check.results)
    scores = max(result.scores_difference for result in check.results)
    outcome = "passed" if check.passed else "FAILED"
    text = f"self-test {outcome}, {passed} of {len(check.results)} golden photos"
    details = [
        f"{'':16}{result.photo}: views differ by {result.views_difference:.2f} levels, "
        f"scores by {result.scores_difference:.4f}, verdict {result.verdict}, expected {result.expected}"
        for result in check.results
        if not result.passed
    ]
    head = f"{line}{text} (views differ by at most {views:.2f} levels, scores by {scores:.4f})"
    return "\n".join([head, *details])


def _read_versions() -> dict[str, str]:
    return {
        "edge-iqa": __version__,
        "python": f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        "numpy": _read_version("numpy"),
        "opencv": _read_opencv_version(),
        "pillow": _read_version("pillow"),
        "pillow-heif": _read_version("pillow-heif"),
        "usearch": _read_version("usearch"),
    }


def _read_version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _read_opencv_version() -> str:
    """Asked of the module: four distributions provide it."""
    try:
        return str(opencv.load().__version__)
    except EdgeIqaError:
        return ""
