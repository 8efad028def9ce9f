"""Pages to test: made from reports by hand, so that every kind of cause, rule and letter is on them."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_iqa import Category, Failure, Issue, Report, Verdict
from edge_iqa.errors import DamagedPhotoError
from edge_iqa.mask import Mask
from edge_iqa.measurement import MEASURES, Measurement
from edge_iqa.page.assemble import assemble
from edge_iqa.page.card import make_card, make_failed_card
from edge_iqa.page.entry import Entry, Repair
from edge_iqa.page.quality_map import QualityMap
from edge_iqa.report import RuleResult
from edge_iqa.words import open_words

ATTRIBUTES = ("sharpness", "exposure", "contrast", "color", "noise", "detail")
HOSTILE = "<img src=x onerror=alert(1)>.jpg"
DAY = datetime.date(2026, 11, 26)
PRODUCT = (0.25, 0.2, 0.5, 0.6)


def make_rule(name: str, status: str, source: str = "https://example.org/rules?a=1&b=2") -> RuleResult:
    starts = "2027-01-31" if status == "upcoming" else None
    value = None if status == "not measured" else 0.5
    read = "2026-11-26" if source.startswith("https") else None
    return RuleResult(
        f"ours/{name}", "fill", status, value, "share", ">= 85 %", "must", source, read, starts, "FILL_LOW"
    )


RULES = (
    make_rule("first", "held"),
    make_rule("second", "broken", "unverified"),
    make_rule("third", "not measured", "own"),
    make_rule("fourth", "upcoming", "javascript:alert(1)"),
)


def make_report(
    file: str = "mug.jpg",
    verdict: Verdict = Verdict.RETAKE,
    score: float = 41.5,
    codes: Sequence[str] = ("NOISE", "FILL_LOW"),
) -> Report:
    issues = tuple(
        Issue(
            code, 0.5, 0.75, PRODUCT, code == "NOISE", 12.5,
            f"{code} <b>what</b>", f"{code} & advice", blocking=not at,
        )
        for at, code in enumerate(codes)
    )  # fmt: skip
    return Report(
        file=file,
        verdict=verdict,
        score=score,
        confidence=0.9,
        attributes=dict(zip(ATTRIBUTES, (90.0, 80.0, 70.0, 60.0, 50.0, 40.0), strict=True)),
        issues=issues,
        policy="ours",
        rules=RULES,
        measurements={
            name: Measurement(0.75, entry.unit, PRODUCT if name == "product" else None)
            for name, entry in MEASURES.items()
        },
        lang="en",
        width_px=1200,
        height_px=900,
        bundle="default-0.1.0",
        backend="litert",
        experimental=True,
        timing_ms={"total": 35.6},
        notes=("a note with <i>tags</i>",),
        embedding=np.ones(4, np.float32) / 2,
        mask=Mask(np.ones((192, 256), bool), "light", 0.9, 0.9),
        category=Category("mug", 0.875),
        override="the customer asked for it",
    )


def draw_photo(seed: int = 0, height: int = 900, width: int = 1200) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return coarse.repeat(-(-height // 12), 0).repeat(-(-width // 16), 1)[:height, :width]


def make_map() -> QualityMap:
    scores = np.linspace(5, 95, 2 * 3 * 7, dtype=np.float32).reshape(2, 3, 7)
    scores[0, 2] = np.nan
    return QualityMap(scores, ATTRIBUTES, 224, (1200, 900))


def make_repair(seed: int = 1) -> Repair:
    before = 41.5, dict.fromkeys(ATTRIBUTES, 50.0)
    after = 84.0, dict.fromkeys(ATTRIBUTES, 80.0)
    return Repair(draw_photo(seed), ("white balance (60%)",), before, after, verdict="accept")


def make_entry(report: Report, repair: Repair | None = None, seed: int = 0) -> Entry:
    return Entry(report, draw_photo(seed), make_map(), repair)


def make_page(lang: str = "en", copies: int = 1) -> bytes:
    """Four photos that were judged, one of them repaired, and one that could not be read."""
    words = open_words(lang)
    entries = [
        make_entry(make_report(HOSTILE), make_repair()),
        make_entry(make_report("b.jpg", Verdict.ACCEPT, 91.0, ())),
        make_entry(make_report("c.jpg", Verdict.FIX, 55.0, ("TOO_DARK",))),
        make_entry(make_report("d10.jpg", Verdict.REVIEW, 66.0, ("NOISE",))),
    ]
    drawn = [
        make_card(entry, at, entry.report.file, words, is_open=at == 1) for at, entry in enumerate(entries, 1)
    ]
    cards = [
        dataclasses.replace(card, html=card.html.replace(b"photo-%d" % at, b"photo-%d" % (at + 4 * copy)))
        for copy in range(copies)
        for at, card in enumerate(drawn, 1)
    ]
    failure = Failure("d9.jpg", DamagedPhotoError("d9.jpg: truncated <script>alert(2)</script>"))
    cards.append(make_failed_card(failure, len(cards) + 1, "d9.jpg", words, is_open=False))
    return assemble(cards, words, ATTRIBUTES, ["policy ours", "model <x>"], DAY)
