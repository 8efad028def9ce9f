"""Every way in which a bundle's models run here: each model file on the runtime that is made for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.device import Way
from edge_iqa import Inspector, backends
from edge_iqa.bundle import Bundle
from edge_iqa.errors import BackendError
from edge_iqa.manifest import FileEntry

ON_CPU = ("CPUExecutionProvider", "XNNPACK")
"""What the backends of `edge_iqa` hand the work to."""
PRECISIONS = ("fp32", "int8")
"""What a full bundle holds for every runtime: float first, as ratios are float over int8."""


@dataclass(frozen=True)
class Variant:
    """One model file, loaded and ready to inspect photos.

    Attributes:
        backend: as a user names it, `litert` or `onnx`.
        model: its entry in the manifest.
        inspector: what an app would use.
        provider: what the runtime hands the work to; "" for the processor.
    """

    backend: str
    model: FileEntry
    inspector: Inspector = field(repr=False)
    provider: str = ""

    @property
    def name(self) -> str:
        """Such as `onnx int8`, or `onnx int8 CUDA`."""
        return tell_name(self.backend, self.model.precision, self.provider)


def tell_name(backend: str, precision: str | None, provider: str = "") -> str:
    """What a variant is called wherever it is shown."""
    return f"{backend} {precision} {provider.removesuffix('ExecutionProvider')}".strip()


@dataclass(frozen=True)
class Absence:
    """Something that was not measured, and why; the sentence says how to get it."""

    what: str
    why: str


@dataclass(frozen=True)
class Opened:
    """Variants to measure; `missing` is not there to be measured, `failed` is and could not be."""

    variants: tuple[Variant, ...]
    missing: tuple[Absence, ...]
    failed: tuple[Absence, ...]


def open_variants(
    bundle: Bundle, backend: str | None = None, threads: int | None = None, ways: Sequence[Way] = ()
) -> Opened:
    """Load every model of a bundle that a runtime installed here can run, on the processor and by its other ways.

    Args:
        bundle: an opened bundle.
        backend: only this one; None takes all.
        threads: see `backends.open`.
        ways: of the device; one that cannot be gone here is not measured.

    Raises:
        BackendError: no backend is installed (or not the one asked for), or none takes any model.
    """
    held = {entry.runtime for entry in bundle.models if entry.runtime is not None}
    best = backends.choose(backend, held)  # says what to install where there is nothing to measure
    runtimes = [best] if backend else [runtime for runtime in backends.available() if runtime in held]
    variants: list[Variant] = []
    failed: list[Absence] = []
    models = [(runtime, entry) for runtime in runtimes for entry in _sort(bundle, runtime)]
    for runtime, entry in models:
        name = backends.NAMES[runtime]
        try:
            inspector = Inspector(bundle, backends.open(bundle.read(entry.path), runtime, threads))
        except BackendError as error:
            failed.append(Absence(f"{name} {entry.precision}", str(error)))
        else:
            variants.append(Variant(name, entry, inspector))
    if not variants:
        raise BackendError("; ".join(absence.why for absence in failed))
    missing = [*_uninstalled(backend), *_unheld(bundle, runtimes)]
    for way in ways:
        if way.provider not in ON_CPU and backend in (None, way.backend):
            found, why = _open_way(bundle, way, threads)
            variants += found
            missing += why
    return Opened(tuple(variants), tuple(missing), tuple(failed))


def _open_way(bundle: Bundle, way: Way, threads: int | None) -> tuple[list[Variant], list[Absence]]:
    """A bundle's models by another way than the processor, and why some cannot be taken by it here."""
    runtime = backends.RUNTIMES[way.backend]
    found: list[Variant] = []
    missing: list[Absence] = []
    needs = f"; needs {way.install}" if way.install else ""
    for entry in _sort(bundle, runtime):
        try:
            model = backends.open(bundle.read(entry.path), runtime, threads, way.provider)
        except BackendError as error:
            what = f"{way.backend} {entry.precision} with {way.provider}"
            missing.append(Absence(what, f"{error}{needs}"))
        else:
            found.append(Variant(way.backend, entry, Inspector(bundle, model), way.provider))
    return found, missing


def _sort(bundle: Bundle, runtime: str) -> list[FileEntry]:
    entries = (entry for entry in bundle.models if entry.runtime == runtime)
    return sorted(entries, key=lambda entry: entry.precision or "")


def _uninstalled(backend: str | None) -> list[Absence]:
    installed = backends.available()
    return [
        Absence(name, f"not installed; run `pip install {backends.PACKAGES[name]}` to measure it too")
        for name, runtime in backends.RUNTIMES.items()
        if backend is None and runtime not in installed
    ]


def _unheld(bundle: Bundle, runtimes: list[str]) -> list[Absence]:
    """The precisions that a full bundle would have. A wheel's bundle holds the model files in use only."""
    held = {(entry.runtime, entry.precision) for entry in bundle.models}
    return [
        Absence(
            f"{backends.NAMES[runtime]} {precision}",
            f"not in the bundle {bundle.label}; `make bundle` builds a full one, "
            f"then add --bundle bundles/{bundle.label}",
        )
        for runtime in runtimes
        for precision in PRECISIONS
        if (runtime, precision) not in held
    ]
