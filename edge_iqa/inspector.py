"""Ties the rooms together: photo → frame → views → model → verdict → report."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from edge_iqa import backends, image, views
from edge_iqa.backends.base import Backend, Outputs, Signature, cores
from edge_iqa.bundle import Bundle
from edge_iqa.category import choose_category
from edge_iqa.errors import BackendError, PhotoError
from edge_iqa.frame import Frame
from edge_iqa.luma import measure_luma
from edge_iqa.manifest import Manifest
from edge_iqa.pool import map_in_order
from edge_iqa.report import Failure, Report
from edge_iqa.selftest import GoldenResult, check_golden
from edge_iqa.verdict import Judgement, judge

if TYPE_CHECKING:
    from edge_iqa.image import Photo

logger = logging.getLogger("edge_iqa")

_MS_PER_NS = 1e-6
_MOST_JOBS = 64


class Inspector:
    """Judges photos with one bundle and one backend. May be used from several threads at once.

    Usable with `with`; `Inspector.open()` is the usual way to get one.
    """

    def __init__(self, bundle: Bundle, backend: Backend) -> None:
        """Join a bundle and a backend that has one of its models loaded.

        Raises:
            BackendError: the model does not take and give what the manifest says.
        """
        expected = _expect_signature(bundle.manifest)
        if backend.signature != expected:
            raise BackendError(
                f"{bundle.path}: the {backend.name} model is not what the manifest says: "
                f"expected {expected}, got {backend.signature}; get the bundle again"
            )
        self._bundle = bundle
        self._backend = backend
        self._closed = False

    @classmethod
    def open(
        cls,
        bundle: str | os.PathLike[str] | None = None,
        backend: str | None = None,
        threads: int | None = None,
    ) -> Inspector:
        """Open a bundle and load its model.

        Args:
            bundle: folder of a bundle; None takes the one in the wheel.
            backend: `litert` or `onnx`; None takes what is installed, LiteRT first.
            threads: threads that the model runs on, never more than there are cores; None is one.

        Raises:
            BundleError: the bundle is missing, incomplete or altered.
            BackendError: the backend is not installed (the message names the extra), or refuses the model.
            ValueError: `threads` is not a whole number from 1 up.
        """
        opened = Bundle.open(bundle)
        runtime = backends.choose(backend, opened.manifest.in_use)
        inspector = cls(opened, backends.open(opened.model(runtime), runtime, threads))
        if opened.experimental:
            logger.warning(
                "bundle %s is experimental: it was held to looser bounds than a release", opened.label
            )
        return inspector

    @property
    def bundle(self) -> Bundle:
        """The bundle in use."""
        return self._bundle

    @property
    def backend(self) -> Backend:
        """The backend in use."""
        return self._backend

    def inspect(self, photo: Photo) -> Report:
        """Judge one photo.

        Args:
            photo: a path, the bytes of an encoded photo, a PIL image, or a uint8 array HxWx3 (RGB),
                HxWx4 (RGBA) or HxW (gray).

        Raises:
            PhotoError: it cannot be read; the subclass and the message say why.
            BackendError: this inspector is closed, or the runtime failed.
        """
        self._check_open()
        manifest = self._bundle.manifest
        clock = [time.perf_counter_ns()]
        frame = image.read(photo, long_side_px=manifest.views.long_side_px)
        clock.append(time.perf_counter_ns())
        cut = views.cut(frame, manifest.views)
        clock.append(time.perf_counter_ns())
        outputs = self._backend.run(cut)
        clock.append(time.perf_counter_ns())
        judgement = self._judge(frame, outputs)
        clock.append(time.perf_counter_ns())
        return self._report(_name(photo), frame, outputs, judgement, _to_timing_ms(clock))

    def inspect_many(self, photos: Iterable[Photo], jobs: int | None = None) -> Iterator[Report | Failure]:
        """Judge a stream of photos, several at a time.

        Photos are taken only as results are, so the stream may be endless. A photo that cannot be
        read gives a `Failure` in its place, and the rest go on.

        Args:
            photos: see `inspect`.
            jobs: photos worked on at the same time, at most 64; None is one per core.

        Returns:
            One result per photo, in the order of the photos.

        Raises:
            BackendError: this inspector is closed, or the runtime failed; that ends the stream.
            TypeError: `photos` is one path or one photo's bytes.
            ValueError: `jobs` is not a whole number from 1 up.
        """
        if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
            raise ValueError(f"jobs: expected a whole number from 1 up, or None, got {jobs!r}")
        if isinstance(photos, (str, bytes, os.PathLike)):
            raise TypeError(
                f"photos: expected several, such as a list of paths, got one {type(photos).__name__}"
            )
        self._check_open()
        return map_in_order(self._try, photos, cores() if jobs is None else min(jobs, _MOST_JOBS))

    def self_test(self) -> list[GoldenResult]:
        """Run the golden photos of the bundle, from encoded bytes to verdict, and compare.

        Returns:
            One result per golden photo; the bundle and this machine agree where all have passed.

        Raises:
            BundleError: a golden file was altered since the bundle was opened.
            BackendError: this inspector is closed, or the runtime failed.
        """
        self._check_open()
        return [
            check_golden(self._bundle, golden, self._backend, self._judge)
            for golden in self._bundle.manifest.golden
        ]

    def close(self) -> None:
        """Let go of the model. May be called twice."""
        self._closed = True
        self._backend.close()

    def __enter__(self) -> Inspector:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        backend = self._backend
        return f"Inspector({self._bundle.label}, {backend.version}, threads={backend.threads}{state})"

    def _check_open(self) -> None:
        if self._closed:
            raise BackendError("this Inspector is closed; open another with Inspector.open()")

    def _try(self, photo: Photo) -> Report | Failure:
        try:
            return self.inspect(photo)
        except PhotoError as error:
            return Failure(_name(photo), error)

    def _judge(self, frame: Frame, outputs: Outputs) -> Judgement:
        manifest = self._bundle.manifest
        overall, *attributes = outputs.scores.tolist()
        named = dict(zip(manifest.outputs.attributes, attributes, strict=True))
        return judge(overall, named, measure_luma(frame), manifest.thresholds)

    def _report(
        self, file: str, frame: Frame, outputs: Outputs, judgement: Judgement, timing_ms: dict[str, float]
    ) -> Report:
        attributes = zip(self._bundle.manifest.outputs.attributes, outputs.scores[1:].tolist(), strict=True)
        return Report(
            file=file,
            verdict=judgement.verdict,
            score=100 * judgement.overall,
            attributes={name: 100 * value for name, value in attributes},
            issues=judgement.issues,
            width_px=frame.source_width_px,
            height_px=frame.source_height_px,
            bundle=self._bundle.label,
            backend=backends.NAMES[self._backend.name],
            experimental=self._bundle.experimental,
            timing_ms=timing_ms,
            notes=frame.notes,
            embedding=outputs.embedding,
            category=choose_category(outputs.category, self._bundle.manifest.outputs.categories),
        )


def _expect_signature(manifest: Manifest) -> Signature:
    outputs = manifest.outputs
    return Signature(
        manifest.views.shape, 1 + len(outputs.attributes), outputs.embedding, len(outputs.categories)
    )


def _to_timing_ms(clock: list[int]) -> dict[str, float]:
    """Turn readings (ns) before and after each stage into milliseconds."""
    stages = zip(("decode", "views", "model", "verdict"), clock, clock[1:], strict=False)
    timing_ms = {stage: (end - start) * _MS_PER_NS for stage, start, end in stages}
    return {**timing_ms, "total": (clock[-1] - clock[0]) * _MS_PER_NS}


def _name(photo: Photo) -> str:
    """The path of a photo as it was given; "" for what has none."""
    if isinstance(photo, (str, os.PathLike)):
        return os.fsdecode(photo)
    return ""
