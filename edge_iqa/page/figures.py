"""The pictures of one photo: with the boxes of its causes, under its quality map, before and after repair.

All are SVG of 1000 units of width, so that one size of letters suits every photo; the photo itself is in the
page once, and the others refer to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from edge_iqa.measurement import Box
from edge_iqa.page.entry import Entry, Repair
from edge_iqa.page.markup import escape
from edge_iqa.page.picture import Picture, make_picture
from edge_iqa.page.ramp import to_color
from edge_iqa.page.units import show_score
from edge_iqa.words import Words

_WIDTH = 1000
_INSET = 10
"""A cause's box lies inside the product's where both are the same."""
_WHOLE = 0.98
"""A box that covers so much of both sides is no place in particular."""


def draw_figures(entry: Entry, key: str, name: str, words: Words) -> str:
    """Photo and quality map, side by side where there is room."""
    picture = make_picture(entry.pixels)
    return (
        '<div class="figures">'
        f"{_draw_photo(entry, picture, key, name, words)}{_draw_map(entry, picture, key, name, words)}</div>"
    )


def draw_repair(entry: Entry, repair: Repair, key: str, words: Words) -> str:
    """Before and after in one place, with a slider between them; "" where nothing was changed."""
    if repair.pixels is None:
        return ""
    page = words.page
    picture = make_picture(repair.pixels)
    height = _height(entry.pixels.shape[1], entry.pixels.shape[0])
    view = f'viewBox="0 0 {_WIDTH} {height}"'
    return (
        '<div class="compare"><div class="stage">'
        f'<svg class="before" {view} role="img" aria-label="{escape(page["before"])}">'
        f'<use href="#{key}-image"/></svg>'
        f'<svg class="after" {view} role="img" aria-label="{escape(page["after"])}">'
        f'<rect class="paper" width="{_WIDTH}" height="{height}"/>'
        f'<image href="{picture.uri}" width="{_WIDTH}" height="{height}"/></svg>'
        f'<span class="tag left">{escape(page["before"])}</span>'
        f'<span class="tag right">{escape(page["after"])}</span>'
        '<span class="seam"></span>'
        f'<input type="range" min="0" max="100" value="50" aria-label="{escape(page["slider"])}"></div>'
        f'<p class="hint">{escape(page["slider_help"])}</p></div>'
    )


def _draw_photo(entry: Entry, picture: Picture, key: str, name: str, words: Words) -> str:
    height = _height(picture.width_px, picture.height_px)
    alt = words.page["photo_alt"].format(name=name)
    return (
        f'<figure class="shot"><svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(alt)}">'
        f'<image id="{key}-image" href="{picture.uri}" width="{_WIDTH}" height="{height}"/>'
        f'<g class="boxes">{_draw_boxes(entry, height, words)}</g></svg>'
        f"<figcaption>{_caption_photo(entry, words)}</figcaption></figure>"
    )


def _caption_photo(entry: Entry, words: Words) -> str:
    page = words.page
    parts = [f"{entry.report.width_px:,} × {entry.report.height_px:,} px"]
    if any(map(_is_place, _issue_boxes(entry))):
        parts.append(f'<span class="key cause"></span>{escape(page["box_cause"])}')
    if _is_place(_product_box(entry)):
        parts.append(f'<span class="key product"></span>{escape(page["box_product"])}')
    return "<span>" + "</span><span>".join(parts) + "</span>"


def _draw_boxes(entry: Entry, height: int, words: Words) -> str:
    """The product's box, and one for each place that causes name, with the numbers of those causes."""
    places: dict[Box, list[int]] = {}
    for number, issue in enumerate(entry.report.issues, 1):
        if issue.box is not None and _is_place(issue.box):
            places.setdefault(issue.box, []).append(number)
    product = _product_box(entry)
    parts = []
    if product is not None and _is_place(product):
        parts.append(f'<rect class="product" {_span(product, height)}/>')
    for box, numbers in places.items():
        label = " · ".join(map(str, numbers))
        wide = 26 * len(label) + 26
        left, top = min(box[0] * _WIDTH, _WIDTH - wide), min(box[1] * height, height - 52)
        parts.append(
            f'<rect class="cause" {_span(box, height, _INSET)}/>'
            f'<rect class="flag" x="{left:.0f}" y="{top:.0f}" width="{wide}" height="52" rx="10"/>'
            f'<text x="{left + wide / 2:.0f}" y="{top + 38:.0f}">{label}</text>'
        )
    return "".join(parts)


def _issue_boxes(entry: Entry) -> list[Box | None]:
    return [issue.box for issue in entry.report.issues]


def _product_box(entry: Entry) -> Box | None:
    product = entry.report.measurements.get("product")
    return None if product is None or product.value < 0.5 else product.box


def _is_place(box: Box | None) -> bool:
    return box is not None and min(box[2], box[3]) < _WHOLE


def _span(box: Box, height: int, inset: float = 0.0) -> str:
    left, top, wide, high = box
    return (
        f'x="{left * _WIDTH + inset:.1f}" y="{top * height + inset:.1f}" '
        f'width="{max(0.0, wide * _WIDTH - 2 * inset):.1f}" height="{max(0.0, high * height - 2 * inset):.1f}"'
    )


def _draw_map(entry: Entry, picture: Picture, key: str, name: str, words: Words) -> str:
    page, grid = words.page, entry.map
    height = _height(picture.width_px, picture.height_px)
    cells = "".join(
        _draw_cell(entry, row, column, height, words)
        for row in range(grid.rows)
        for column in range(grid.columns)
    )
    label = _describe_map(entry, name, words)
    about = page["map_about"].format(tile=grid.tile_px, width=grid.viewing_px[0], height=grid.viewing_px[1])
    return (
        f'<figure class="map"><svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}">'
        f'<use class="under" href="#{key}-image"/><g class="heat">{cells}</g></svg>'
        f'<figcaption><span class="scale"><span>0</span>{_draw_scale()}<span>100</span></span>'
        f'<span class="about">{escape(about)} {escape(page["map_flat"])}</span></figcaption></figure>'
    )


def _draw_cell(entry: Entry, row: int, column: int, height: int, words: Words) -> str:
    grid = entry.map
    values = grid.scores[row, column].tolist()
    box = grid.box(row, column)
    left, top = (box[0] + box[2] / 2) * _WIDTH, (box[1] + box[3] / 2) * height
    place = f'x="{left:.0f}" y="{top:.0f}"'
    if math.isnan(values[0]):
        return f'<text class="flat" {place}>–</text>'
    told = ", ".join(
        f"{label} {value:.0f}" for label, value in zip(_labels(grid.names, words), values, strict=True)
    )
    coded = ",".join(f"{value:.0f}" for value in values)
    return (
        f'<g data-v="{coded}"><title>{escape(told)}</title>'
        f'<rect {_span(box, height)} fill="{to_color(values[0])}"/><text {place}>{values[0]:.0f}</text></g>'
    )


def _labels(names: tuple[str, ...], words: Words) -> list[str]:
    return [words.page["overall"], *(name_attribute(name, words.attributes) for name in names)]


def name_attribute(name: str, labels: Mapping[str, str]) -> str:
    """An attribute in the page's language; one that the catalogs do not know, by its own name."""
    return labels.get(name, name)


def _describe_map(entry: Entry, name: str, words: Words) -> str:
    grid, worst = entry.map, entry.map.worst
    if worst is None:
        return words.page["map_alt_flat"].format(name=name)
    left, top, wide, high = grid.box(*worst)
    return words.page["map_alt"].format(
        name=name,
        rows=grid.rows,
        columns=grid.columns,
        worst=show_score(float(grid.scores[worst][0])),
        across=round(100 * (left + wide / 2)),
        down=round(100 * (top + high / 2)),
    )


def _draw_scale() -> str:
    steps = "".join(
        f'<rect x="{at}" width="5.2" height="10" fill="{to_color(at + 2.5)}"/>' for at in range(0, 100, 5)
    )
    return f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{steps}</svg>'


def _height(width_px: int, height_px: int) -> int:
    return max(1, round(_WIDTH * height_px / width_px))
