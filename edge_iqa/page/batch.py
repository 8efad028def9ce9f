"""What many photos come to: counts, the spread of their scores, and what to filter them by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from edge_iqa.page.card import FAILED, Card
from edge_iqa.page.markup import escape
from edge_iqa.report import Verdict
from edge_iqa.words import Words

_BINS = 20
_HIGH = 100
OUTCOMES = (*(verdict.value for verdict in Verdict), FAILED)
_SORTS = ("number", "worst", "best", "name")


def show_batch(cards: Sequence[Card], words: Words) -> str:
    """Counts by verdict (they filter, too), histogram and filters; "" for one photo."""
    if len(cards) < 2:
        return ""
    return (
        f'<section class="batch" aria-label="{escape(words.page["batch"])}">{_show_counts(cards, words)}'
        f"{_draw_histogram(cards, words)}{_show_filters(cards, words)}</section>"
    )


def _show_counts(cards: Sequence[Card], words: Words) -> str:
    counts = Counter(card.outcome for card in cards)
    chips = "".join(
        f'<button type="button" class="chip {outcome}" data-outcome="{outcome}" aria-pressed="true">'
        f"<b>{counts[outcome]}</b> {escape(words.verdicts[outcome])}</button>"
        for outcome in OUTCOMES
        if counts[outcome]
    )
    return (
        f'<div class="chips" role="group" aria-label="{escape(words.page["filter_verdict"])}">{chips}</div>'
    )


def _draw_histogram(cards: Sequence[Card], words: Words) -> str:
    """Bars of 5 points each, stacked by verdict."""
    bins = [Counter[str]() for _ in range(_BINS)]
    scores = sorted(card.score for card in cards if card.score is not None)
    if not scores:
        return ""
    for card in cards:
        if card.score is not None:
            bins[min(_BINS - 1, int(card.score / 100 * _BINS))][card.outcome] += 1
    most = max(sum(each.values()) for each in bins)
    bars = "".join(_draw_bin(index, counts, most) for index, counts in enumerate(bins))
    page = words.page
    middle = scores[len(scores) // 2]
    label = page["histogram_alt"].format(
        count=len(scores), low=f"{scores[0]:.0f}", middle=f"{middle:.0f}", high=f"{scores[-1]:.0f}"
    )
    ticks = "".join(
        f'<text x="{at * 4}" y="{_HIGH + 20}" text-anchor="{anchor}">{at}</text>'
        for at, anchor in ((0, "start"), (25, "middle"), (50, "middle"), (75, "middle"), (100, "end"))
    )
    return (
        f'<figure class="histogram"><svg viewBox="0 -4 400 {_HIGH + 28}" role="img" aria-label="{escape(label)}">'
        f'{bars}<line x1="0" x2="400" y1="{_HIGH}" y2="{_HIGH}"/>{ticks}</svg>'
        f"<figcaption>{escape(label)}</figcaption></figure>"
    )


def _draw_bin(index: int, counts: Counter[str], most: int) -> str:
    parts, top = [], float(_HIGH)
    for outcome in OUTCOMES:
        if counts[outcome]:
            high = _HIGH * counts[outcome] / most
            top -= high
            parts.append(
                f'<rect class="{outcome}" x="{index * 20 + 1}" y="{top:.1f}" width="18" height="{high:.1f}"/>'
            )
    width = 100 // _BINS
    total = sum(counts.values())
    title = f"<title>{index * width}–{(index + 1) * width}: {total}</title>" if total else ""
    return f"<g>{title}{''.join(parts)}</g>"


def _show_filters(cards: Sequence[Card], words: Words) -> str:
    page = words.page
    codes = Counter(code for card in cards for code in card.codes)
    options = "".join(
        f'<option value="{escape(code)}">{escape(_name_code(code, words))} ({count})</option>'
        for code, count in codes.most_common()
    )
    sorts = "".join(f'<option value="{name}">{escape(page[f"sort_{name}"])}</option>' for name in _SORTS)
    return (
        '<div class="filters">'
        f'<label>{escape(page["filter_code"])} <select id="code"><option value="">{escape(page["all_causes"])}'
        f"</option>{options}</select></label>"
        f'<label>{escape(page["search"])} <input id="search" type="search" autocomplete="off"></label>'
        f'<label>{escape(page["sort"])} <select id="sort">{sorts}</select></label>'
        f'<output id="shown" aria-live="polite" data-text="{escape(page["shown"])}"></output></div>'
    )


def _name_code(code: str, words: Words) -> str:
    saying = words.causes.get(code)
    return f"{code} – {saying.what}" if saying else code
