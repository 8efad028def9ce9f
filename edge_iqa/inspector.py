"""Ties the rooms together: photo → frame → views → model → scores, frame → measurements, both and a policy → report."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from edge_iqa import backends, heap, image, views
from edge_iqa.backends.base import Backend, Outputs, Signature, cores
from edge_iqa.bundle import Bundle
from edge_iqa.category import choose_category
from edge_iqa.causes import Case, Scored, diagnose
from edge_iqa.errors import BackendError, PhotoError
from edge_iqa.frame import Frame
from edge_iqa.luma import measure_luma
from edge_iqa.manifest import Manifest
from edge_iqa.measure import Measurements, measure
from edge_iqa.policy import DEFAULT as DEFAULT_POLICY
from edge_iqa.policy import Policy, open_policy
from edge_iqa.pool import map_in_order
from edge_iqa.report import Failure, Report
from edge_iqa.selftest import GoldenResult, check_golden
from edge_iqa.verdict import Judgement, judge
from edge_iqa.words import DEFAULT as DEFAULT_LANG
from edge_iqa.words import Words, open_words

if TYPE_CHECKING:
    from edge_iqa.camera.watch import Watch
    from edge_iqa.fix.photo import FixedPhoto
    from edge_iqa.image import Photo
    from edge_iqa.stream.events import OnEvent
    from edge_iqa.stream.sources import FrameSource

logger = logging.getLogger("edge_iqa")

STAGES = ("decode", "views", "model", "measure", "verdict")
"""What `Report.timing_ms` tells of, beside `total`."""

_MS_PER_NS = 1e-6
_MOST_JOBS = 64


class Inspector:
    """Judges photos with one bundle and one backend. May be used from several threads at once.

    Usable with `with`; `Inspector.open()` is the usual way to get one.
    """

    def __init__(self, bundle: Bundle, backend: Backend, lang: str = DEFAULT_LANG) -> None:
        """Join a bundle and a backend that has one of its models loaded.

        Raises:
            BackendError: the model does not take and give what the manifest says.
            WordsError: there are no words in this language.
        """
        self._words = open_words(lang)
        expected = _expect_signature(bundle.manifest)
        if backend.signature != expected:
            raise BackendError(
                f"{bundle.path}: the {backend.name} model is not what the manifest says: "
                f"expected {expected}, got {backend.signature}; get the bundle again"
            )
        self._bundle = bundle
        self._backend = backend
        self._policies: dict[str, Policy] = {}
        self._closed = False
        heap.keep_freed()

    @classmethod
    def open(
        cls,
        bundle: str | os.PathLike[str] | None = None,
        backend: str | None = None,
        threads: int | None = None,
        lang: str = DEFAULT_LANG,
    ) -> Inspector:
        """Open a bundle and load its model.

        Args:
            bundle: folder of a bundle; None takes the one in the wheel.
            backend: `litert` or `onnx`; None takes what is installed, LiteRT first.
            threads: threads that the model runs on, never more than there are cores; None is one.
            lang: language of what sellers hear, `en` or `zh`.

        Raises:
            BundleError: the bundle is missing, incomplete or altered.
            BackendError: the backend is not installed (the message names the extra), or refuses the model.
            WordsError: there are no words in this language.
            TypeError: `bundle` is no path.
            ValueError: `threads` is not a whole number from 1 up.
        """
        opened = Bundle.open(bundle)
        runtime = backends.choose(backend, opened.manifest.in_use)
        open_words(lang)  # a language that is not there is told before a model is loaded
        inspector = cls(opened, backends.open(opened.model(runtime), runtime, threads), lang)
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

    @property
    def words(self) -> Words:
        """What sellers hear, in the language of this inspector."""
        return self._words

    def inspect(
        self,
        photo: Photo,
        policy: str | os.PathLike[str] | Policy | None = None,
        override: str | None = None,
    ) -> Report:
        """Judge one photo.

        Args:
            photo: a path, the bytes of an encoded photo, a PIL image, or a uint8 array HxWx3 (RGB),
                HxWx4 (RGBA) or HxW (gray).
            policy: what is asked of the photo: the name of a policy, a TOML file, or one that is open; None is
                `general`. A name or file is read once, and kept while this inspector is open.
            override: why the photo goes up whatever the verdict, for the report, which has both.

        Raises:
            PhotoError: it cannot be read; the subclass and the message say why.
            PolicyError: no such policy, or a file that cannot be used.
            BackendError: this inspector is closed, or the runtime failed.
            TypeError: `policy` or `override` is of another type.
            ValueError: `override` says nothing.
        """
        self._check_open()
        _check_override(override)
        return self._inspect(photo, self._open_policy(policy), override)

    def inspect_many(
        self,
        photos: Iterable[Photo],
        jobs: int | None = None,
        policy: str | os.PathLike[str] | Policy | None = None,
        override: str | None = None,
    ) -> Iterator[Report | Failure]:
        """Judge a stream of photos, several at a time.

        Photos are taken only as results are, so the stream may be endless. A photo that cannot be
        read gives a `Failure` in its place, and the rest go on.

        Args:
            photos, policy, override: see `inspect`.
            jobs: photos worked on at the same time, at most 64; None is one per core.

        Returns:
            One result per photo, in the order of the photos.

        Raises:
            PolicyError: no such policy, or a file that cannot be used.
            BackendError: this inspector is closed, or the runtime failed; that ends the stream.
            TypeError: `photos` is one path or one photo's bytes, or `policy` or `override` is of another type.
            ValueError: `jobs` is not a whole number from 1 up, or `override` says nothing.
        """
        if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
            raise ValueError(f"jobs: expected a whole number from 1 up, or None, got {jobs!r}")
        if isinstance(photos, (str, bytes, os.PathLike)):
            raise TypeError(
                f"photos: expected several, such as a list of paths, got one {type(photos).__name__}"
            )
        self._check_open()
        _check_override(override)
        work = partial(self._try, policy=self._open_policy(policy), override=override)
        return map_in_order(work, photos, cores() if jobs is None else min(jobs, _MOST_JOBS))

    def fix(self, photo: Photo, policy: str | os.PathLike[str] | Policy | None = None) -> FixedPhoto:
        """Repair one photo that a repair may bring to accept; every other comes back as it is, with the reason.

        Tried are the verdict `fix`, and `review` and `retake` where the scores alone give them and one cause can be
        repaired.

        A repair stands only if it makes the photo better, and no count of it clearly worse: see `edge_iqa.enhance`.
        `edge-iqa fix` does the same to a file, and keeps its metadata.

        Args:
            photo, policy: see `inspect`.

        Raises:
            PhotoError, PolicyError, BackendError, TypeError: as `inspect` does.
        """
        # it needs this module, and who only inspects need not load repairs
        from edge_iqa.fix.photo import fix_photo

        self._check_open()
        return fix_photo(self, photo, self._open_policy(policy))

    def watch(
        self,
        source: FrameSource,
        budget_ms: float = 33.0,
        policy: str | os.PathLike[str] | Policy | None = None,
        *,
        drop: bool | None = None,
        lost: str = "raise",
        stall_s: float = 2.0,
        on_event: OnEvent | None = None,
    ) -> Watch:
        """Watch a camera, and say frame by frame what to do with the phone. Details: `edge_iqa/README.md`, Live camera.

            with inspector.watch(0) as watch:
                for report in watch:
                    print(report.state, report.hint)
                    if report.capture:
                        break
            (best,) = watch.best()

        Args:
            source: the index of a camera; an address (rtsp://, http://); a video file; a folder of photos; a `Feed`,
                which callbacks push frames to; or any iterable of frames: `Buffer`, or uint8 arrays HxWx3 (RGB) or HxW.
            budget_ms: time in which a frame is to be answered. Half of it is left to the app.
            policy: as in `inspect`; how much of the picture the product must fill comes from it too.
            drop: whether frames that nobody took in time are passed over, and counted; None does so where the
                source is live (a camera, an address, a feed).
            lost: what is done about a camera that is unplugged or stalls: `raise`, `end` the stream, or `recover`
                (try again until it is closed).
            stall_s: seconds without a frame after which a live source has stalled.
            on_event: is told of each such event, in the thread that notices it; `Watch.events` has them too.

        Returns:
            An iterator of one `FrameReport` a frame, which knows the `best` frames.

        Raises:
            CameraError: the source cannot be opened.
            PolicyError, BackendError: as `inspect` does.
            ValueError: an option is out of its range.
        """
        # who only inspects photos need not load it
        from edge_iqa.camera.watch import watch

        self._check_open()
        return watch(self, source, budget_ms, self._open_policy(policy), drop, lost, stall_s, on_event)

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
            check_golden(self._bundle, golden, self._backend, self._judge_scores)
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

    def _open_policy(self, policy: str | os.PathLike[str] | Policy | None) -> Policy:
        if isinstance(policy, Policy):
            return policy
        given = DEFAULT_POLICY if policy is None else policy
        if not isinstance(given, (str, os.PathLike)):
            raise TypeError(
                f"policy: expected a name, the path of a TOML file, a Policy or None, got {type(given).__name__}"
            )
        key = repr(given)  # the name `general` and a path of that name differ
        if key not in self._policies:
            self._policies[key] = open_policy(given)
        return self._policies[key]

    def _try(self, photo: Photo, policy: Policy, override: str | None) -> Report | Failure:
        self._check_open()
        try:
            return self._inspect(photo, policy, override)
        except PhotoError as error:
            return Failure(_name(photo), error)

    def _inspect(self, photo: Photo, policy: Policy, override: str | None) -> Report:
        manifest = self._bundle.manifest
        clock = [time.perf_counter_ns()]
        frame = image.read(photo, long_side_px=manifest.views.long_side_px)
        clock.append(time.perf_counter_ns())
        cut = views.cut(frame, manifest.views)
        clock.append(time.perf_counter_ns())
        outputs = self._backend.run(cut)
        clock.append(time.perf_counter_ns())
        measured = measure(frame, frame.file_bytes, manifest.views.long_side_px)
        clock.append(time.perf_counter_ns())
        case, notes = self._make_case(frame, outputs, measured, policy)
        diagnosis = diagnose(case, self._words)
        clock.append(time.perf_counter_ns())
        return Report(
            file=_name(photo),
            verdict=diagnosis.verdict,
            score=100 * diagnosis.overall,
            confidence=diagnosis.confidence,
            attributes={name: 100 * value for name, value in case.scored.attributes.items()},
            issues=diagnosis.issues,
            policy=policy.name,
            rules=case.results,
            measurements=measured.values,
            lang=self._words.lang,
            width_px=frame.source_width_px,
            height_px=frame.source_height_px,
            bundle=self._bundle.label,
            backend=backends.NAMES[self._backend.name],
            experimental=self._bundle.experimental,
            timing_ms=_to_timing_ms(clock),
            notes=frame.notes + notes,
            embedding=outputs.embedding,
            mask=measured.mask,
            category=choose_category(outputs.category, manifest.outputs.categories),
            override=override,
        )

    def _make_case(
        self, frame: Frame, outputs: Outputs, measured: Measurements, policy: Policy
    ) -> tuple[Case, tuple[str, ...]]:
        """What is known of a photo, and notes about bounds of the policy that are left out."""
        manifest = self._bundle.manifest
        thresholds, notes = policy.tighten(manifest.thresholds)
        case = Case(
            scored=self._read_scores(outputs),
            luma=measure_luma(frame),
            measured=measured,
            thresholds=thresholds,
            calibration=manifest.calibration,
            policy=policy,
            results=policy.check(measured.values, frame.format),
        )
        return case, notes

    def _read_scores(self, outputs: Outputs) -> Scored:
        overall, *attributes = outputs.scores.tolist()
        return Scored(overall, dict(zip(self._bundle.manifest.outputs.attributes, attributes, strict=True)))

    def _judge_scores(self, frame: Frame, outputs: Outputs) -> Judgement:
        """What the scores alone say, by the bounds of the bundle, as golden photos have it."""
        scored = self._read_scores(outputs)
        return judge(scored.overall, scored.attributes, measure_luma(frame), self._bundle.manifest.thresholds)


def _expect_signature(manifest: Manifest) -> Signature:
    outputs = manifest.outputs
    return Signature(
        manifest.views.shape, 1 + len(outputs.attributes), outputs.embedding, len(outputs.categories)
    )


def _to_timing_ms(clock: list[int]) -> dict[str, float]:
    """Turn readings (ns) before and after each stage into milliseconds."""
    stages = zip(STAGES, clock, clock[1:], strict=False)
    timing_ms = {stage: (end - start) * _MS_PER_NS for stage, start, end in stages}
    return {**timing_ms, "total": (clock[-1] - clock[0]) * _MS_PER_NS}


def _check_override(override: str | None) -> None:
    if override is None:
        return
    if not isinstance(override, str):
        raise TypeError(f"override: expected the reason in words, or None, got {type(override).__name__}")
    if not override.strip():
        raise ValueError("override: expected the reason in words, or None, got an empty text")


def _name(photo: Photo) -> str:
    """The path of a photo as it was given; "" for what has none."""
    if isinstance(photo, (str, os.PathLike)):
        return os.fsdecode(photo)
    return ""
