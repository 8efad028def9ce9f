"""What is told of one photo in words and numbers: causes, attributes, rules, measurements."""

from __future__ import annotations

from edge_iqa.codes import FORMAT
from edge_iqa.measurement import MEASURES
from edge_iqa.page.entry import Entry, Repair
from edge_iqa.page.figures import draw_repair, name_attribute
from edge_iqa.page.markup import escape, link
from edge_iqa.page.ramp import to_color
from edge_iqa.page.units import show_bound, show_score, show_share, show_value
from edge_iqa.pixels import VIEWING_PX
from edge_iqa.repairs.base import MOST_FALL
from edge_iqa.report import Issue, Report, RuleResult
from edge_iqa.words import Words

_STATUSES = ("broken", "upcoming", "not measured", "held")
"""The order in which rules are shown."""
_LIKELY = 0.5
"""A guess of what the product is that is surer is worth showing; a mug that "looks like paper (31 %)" is not."""
_SIGNS = {"broken": "✕", "upcoming": "◷", "not measured": "?", "held": "✓"}


def show_causes(report: Report, words: Words) -> str:
    """Every cause: what is wrong and what to do, how bad, how sure, what it costs."""
    page = words.page
    if not report.issues:
        return f'<section class="causes"><h3>{escape(page["causes"])}</h3><p>{escape(page["no_causes"])}</p></section>'
    items = "".join(_show_issue(number, issue, words) for number, issue in enumerate(report.issues, 1))
    return f'<section class="causes"><h3>{escape(page["causes"])}</h3><ol>{items}</ol></section>'


def _show_issue(number: int, issue: Issue, words: Words) -> str:
    page = words.page
    facts = [
        f"{escape(page['severity'])} {draw_bar(100 * issue.severity, 'severity')} {show_share(issue.severity)}"
    ]
    if issue.confidence is not None:
        facts.append(f"{escape(page['confidence'])} {show_share(issue.confidence)}")
    if issue.gain >= 0.05:
        facts.append(escape(page["gain"].format(points=show_score(issue.gain))))
    if not issue.blocking:
        facts.append(escape(page["hint"]))
    if issue.fixable:
        facts.append(f'<span class="fixable">{escape(page["fixable"])}</span>')
    told = "".join(f"<li>{fact}</li>" for fact in facts)
    kind = "" if issue.blocking else ' class="aside"'
    return (
        f'<li{kind}><span class="number" aria-hidden="true">{number}</span><div>'
        f'<p class="what">{escape(issue.message)} <code>{escape(issue.code)}</code></p>'
        f'<p class="advice">{escape(issue.advice)}</p><ul class="facts">{told}</ul></div></li>'
    )


def show_attributes(report: Report, words: Words) -> str:
    """The overall score and every attribute as bars."""
    page = words.page
    rows = [(page["overall"], report.score)]
    rows += [(name_attribute(name, words.attributes), value) for name, value in report.attributes.items()]
    lines = "".join(
        f"<li><span>{escape(label)}</span>{draw_bar(value)}<b>{show_score(value)}</b></li>"
        for label, value in rows
    )
    return f'<section class="attributes"><h3>{escape(page["attributes"])}</h3><ul>{lines}</ul></section>'


def draw_bar(value: float, kind: str = "") -> str:
    """A bar from 0 to 100; a severity has no scale of good and bad."""
    fill = "" if kind else f' fill="{to_color(value)}"'
    wide = min(max(value, 0.0), 100.0)
    return (
        f'<svg class="bar {kind}" aria-hidden="true"><rect class="track" width="100%" height="100%"/>'
        f'<rect class="level" width="{wide:.1f}%" height="100%"{fill}/></svg>'
    )


def show_repair(entry: Entry, key: str, words: Words) -> str:
    """What the device made of the photo, or why it left it alone."""
    repair, page = entry.repair, words.page
    if repair is None:
        return ""
    head = f"<h3>{escape(page['repair'])}</h3>"
    if repair.pixels is None:
        return f'<section class="repair">{head}<p>{escape(page["repair_left"])} {escape(repair.why)}</p></section>'
    steps = "".join(f"<li>{escape(step)}</li>" for step in repair.steps)
    told = ""
    if repair.verdict is not None:
        told = f'<p class="outcome">{escape(page["repair_verdict"])} → {escape(words.verdicts[repair.verdict])}</p>'
    return (
        f'<section class="repair">{head}<div class="columns">{draw_repair(entry, repair, key, words)}'
        f'<div><ul class="steps">{steps}</ul>{_show_changes(repair, words)}{told}'
        f'<p class="hint">{escape(page["repair_about"].format(pixels=VIEWING_PX))}</p></div></div></section>'
    )


def _show_changes(repair: Repair, words: Words) -> str:
    rows = [(words.page["overall"], repair.before[0], repair.after[0])]
    rows += [
        (name_attribute(name, words.attributes), value, repair.after[1][name])
        for name, value in repair.before[1].items()
        if name in repair.after[1]
    ]
    cells = "".join(
        f"<tr><th scope=row>{escape(label)}</th><td>{show_score(old)}</td><td>{show_score(new)}</td>"
        f"<td{_mark_change(new - old)}>{_show_change(new - old)}</td></tr>"
        for label, old, new in rows
    )
    page = words.page
    head = "".join(
        f"<th scope=col>{escape(page[name])}</th>" for name in ("attributes", "before", "after", "change")
    )
    return f'<table class="changes"><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>'


def _show_change(change: float) -> str:
    return f"{change:+.1f}".replace("-", "−")


def _mark_change(change: float) -> str:
    """Color for changes that repairs are held to; smaller ones are no loss and no gain."""
    if abs(change) <= MOST_FALL:
        return ""
    return ' class="up"' if change > 0 else ' class="down"'


def show_rules(report: Report, words: Words) -> str:
    """Every rule of the policy, the broken ones first."""
    page = words.page
    if not report.rules:
        return ""
    ordered = sorted(report.rules, key=lambda rule: _STATUSES.index(rule.status))
    columns = ("status", "rule", "measured", "bound", "weight", "source")
    head = "".join(f"<th scope=col>{escape(page[f'column_{column}'])}</th>" for column in columns)
    rows = "".join(_show_rule(rule, words) for rule in ordered)
    counts = " · ".join(
        f"{count} {words.page[f'status_{_key(status)}']}"
        for status in _STATUSES
        if (count := sum(rule.status == status for rule in report.rules))
    )
    shown = " open" if any(rule.status == "broken" for rule in report.rules) else ""
    return (
        f'<details class="fold"{shown}><summary>{escape(page["rules"].format(policy=report.policy))}'
        f' <span class="counts">{escape(counts)}</span></summary>'
        f'<table class="rules"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _show_rule(rule: RuleResult, words: Words) -> str:
    page = words.page
    unit = MEASURES[rule.measure].unit if rule.measure in MEASURES else rule.unit
    status = escape(page[f"status_{_key(rule.status)}"])
    if rule.starts and rule.status == "upcoming":
        status += f' <span class="when">{escape(page["from_day"].format(day=rule.starts))}</span>'
    source = link(rule.source, page["source"])
    if rule.source in ("unverified", "own"):
        source = f'<span class="unverified">{escape(page[f"source_{rule.source}"])}</span>'
    if rule.read:
        source += f' <span class="when">{escape(page["read_on"].format(day=rule.read))}</span>'
    asked = page["format"] if rule.measure == FORMAT else words.measures.get(rule.measure, rule.measure)
    cells = (
        ("status", f'<span class="sign" aria-hidden="true">{_SIGNS[rule.status]}</span> {status}'),
        ("rule", f"{escape(asked)}<code>{escape(rule.rule)}</code>"),
        ("measured", escape(show_value(rule.value, unit))),
        ("bound", escape(show_bound(rule.bound))),
        ("weight", escape(page[f"weight_{rule.severity}"])),
        ("source", source),
    )
    told = "".join(
        f'<td data-label="{escape(page[f"column_{name}"])}"><div>{cell}</div></td>' for name, cell in cells
    )
    return f'<tr class="{_key(rule.status)}">{told}</tr>'


def _key(status: str) -> str:
    return status.replace(" ", "_")


def show_measurements(report: Report, words: Words) -> str:
    """All that was measured, folded."""
    page = words.page
    if not report.measurements:
        return ""
    rows = "".join(
        f"<tr><th scope=row>{escape(words.measures.get(name, name))}<code>{escape(name)}</code></th>"
        f"<td>{escape(show_value(each.value, each.unit))}</td></tr>"
        for name, each in report.measurements.items()
    )
    return (
        f'<details class="fold"><summary>{escape(page["measurements"])} '
        f'<span class="counts">{len(report.measurements)}</span></summary>'
        f'<table class="measured"><tbody>{rows}</tbody></table></details>'
    )


def show_notes(report: Report, words: Words) -> str:
    """What a careful reader should know, and by what the photo was judged."""
    page = words.page
    lines = [escape(note) for note in report.notes]
    if report.override is not None:
        lines.insert(0, f"<b>{escape(words.sentences['override'])}</b> {escape(report.override)}")
    if report.category is not None and report.category.confidence >= _LIKELY:
        told = page["category"].format(
            name=report.category.name, share=show_share(report.category.confidence)
        )
        lines.append(escape(told))
    made = page["judged_by"].format(
        bundle=report.bundle, backend=report.backend, total=f"{report.timing_ms.get('total', 0):.0f}"
    )
    lines.append(escape(made))
    return '<ul class="notes">' + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"
