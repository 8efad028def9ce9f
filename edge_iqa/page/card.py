"""One photo of the page: a line that tells the verdict, and all the rest when it is opened."""

from __future__ import annotations

from dataclasses import dataclass

from edge_iqa.page import details
from edge_iqa.page.entry import Entry
from edge_iqa.page.figures import draw_figures
from edge_iqa.page.markup import escape
from edge_iqa.page.picture import make_thumb
from edge_iqa.page.units import show_score, show_share
from edge_iqa.report import Failure, Report, Verdict
from edge_iqa.words import Words, join

FAILED = "failed"
"""Stands where a verdict would."""


@dataclass(frozen=True)
class Card:
    """A photo on the page.

    Attributes:
        outcome: the verdict, or `failed`.
        score: 0 to 100; None for what failed.
        codes: of its causes.
        html: UTF-8.
    """

    outcome: str
    score: float | None
    codes: tuple[str, ...]
    html: bytes


def make_card(entry: Entry, number: int, name: str, words: Words, is_open: bool) -> Card:
    """Draw one photo that was judged.

    Args:
        number: of the photo on the page, from 1.
        name: what to call it.
        is_open: whether all of it shows at once.
    """
    report, key = entry.report, f"photo-{number}"
    codes = tuple(dict.fromkeys(issue.code for issue in report.issues))
    thumb = make_thumb(entry.pixels)
    image = f'<img class="thumb" src="{thumb.uri}" alt="" decoding="async">'
    summary = _draw_summary(
        image, name, report.verdict.value, show_score(report.score), _tell_why(report, words), words
    )
    body = "".join(
        [
            _show_sureness(report, words),
            draw_figures(entry, key, name, words),
            '<div class="columns">',
            details.show_causes(report, words),
            details.show_attributes(report, words),
            "</div>",
            details.show_repair(entry, key, words),
            details.show_rules(report, words),
            details.show_measurements(report, words),
            details.show_notes(report, words),
        ]
    )
    facts = _data(key, report.verdict.value, report.score, codes, name, number)
    return Card(report.verdict.value, report.score, codes, _wrap(facts, is_open, summary, body))


def make_failed_card(failure: Failure, number: int, name: str, words: Words, is_open: bool) -> Card:
    """Tell of a photo that could not be judged."""
    message = str(failure.error).removeprefix(f"{failure.file}: ")
    image = '<span class="thumb none" aria-hidden="true">!</span>'
    summary = _draw_summary(image, name, FAILED, "–", message, words)
    body = f'<p class="failure"><b>{escape(words.page["failure"])}</b> {escape(message)}</p>'
    facts = _data(f"photo-{number}", FAILED, None, (), name, number)
    return Card(FAILED, None, (), _wrap(facts, is_open, summary, body))


def _data(key: str, outcome: str, score: float | None, codes: tuple[str, ...], name: str, number: int) -> str:
    """What the page's script sorts and filters by."""
    return (
        f'id="{key}" data-number="{number}" data-outcome="{outcome}" data-codes="{escape(" ".join(codes))}" '
        f'data-score="{-1 if score is None else round(score, 3)}" data-name="{escape(name)}"'
    )


def _draw_summary(image: str, name: str, outcome: str, score: str, why: str, words: Words) -> str:
    return (
        f'{image}<span class="title"><bdi class="name">{escape(name)}</bdi>'
        f'<span class="why">{escape(why)}</span></span>'
        f'<span class="pill {outcome}">{escape(words.verdicts[outcome])}</span>'
        f'<span class="score"><span class="hidden">{escape(words.page["overall"])} </span>{score}</span>'
    )


def _tell_why(report: Report, words: Words) -> str:
    first = report.issues[0].message if report.issues else ""
    told = {
        Verdict.ACCEPT: [words.sentences["accept"]],
        Verdict.FIX: [first, words.sentences["fix"]],
        Verdict.RETAKE: [first],
        Verdict.REVIEW: [words.sentences["review"], first],
    }
    return join([each for each in told[report.verdict] if each])


def _show_sureness(report: Report, words: Words) -> str:
    if report.confidence is None:
        return ""
    return f'<p class="sure">{escape(words.page["sure"].format(share=show_share(report.confidence)))}</p>'


def _wrap(facts: str, is_open: bool, summary: str, body: str) -> bytes:
    shown = " open" if is_open else ""
    html = (
        f'<details class="photo" {facts}{shown}><summary>{summary}</summary>'
        f'<div class="body">{body}</div></details>\n'
    )
    return html.encode("utf-8", "replace")
