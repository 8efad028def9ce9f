"""The page is whole, says all that the report says, loads nothing, and lets no stranger's text become code."""

from __future__ import annotations

import base64
import hashlib
import re
import string
from html.parser import HTMLParser

import numpy as np
import pytest

from edge_iqa import Failure, Verdict, image
from edge_iqa.errors import PhotoError
from edge_iqa.measurement import MEASURES
from edge_iqa.page.batch import show_batch
from edge_iqa.page.card import make_card, make_failed_card
from edge_iqa.page.entry import Repair
from edge_iqa.page.markup import escape, link
from edge_iqa.page.picture import LONG_SIDE_PX, make_picture
from edge_iqa.page.ramp import STOPS, to_color
from edge_iqa.page.units import show_value
from edge_iqa.words import TABLES, list_languages, open_words
from tests.edge_iqa import pages

VOID = {"meta", "link", "img", "input", "br"}


class Reader(HTMLParser):
    """Reads a page as a browser does: its elements, its text, and tags that were left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.problems: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if len({name for name, _ in attrs}) < len(attrs):
            self.problems.append(f"{tag}: an attribute twice")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(scope="module")
def html() -> str:
    return pages.make_page().decode()


@pytest.fixture(scope="module")
def page(html: str) -> Reader:
    return Reader(html)


def _read_card(name: str = "a.jpg", **changes: object) -> Reader:
    card = make_card(
        pages.make_entry(pages.make_report(name, **changes)), 1, name, open_words("en"), is_open=True
    )
    return Reader(card.html.decode())


def test_every_tag_is_closed_and_every_id_is_there_once(page: Reader) -> None:
    assert page.open == [] and page.problems == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) > 10 and len(set(ids)) == len(ids)
    uses = {str(each["href"]) for each in page.all("use")}
    assert uses and uses <= {f"#{each}" for each in ids}


def test_the_page_loads_nothing(page: Reader, html: str) -> None:
    loads = [
        str(value)
        for tag, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "srcset", "data", "poster", "action", "background", "xlink:href")
        or (name == "href" and tag != "a")
    ]
    assert len(loads) >= 8
    assert all(load.startswith(("data:", "#")) for load in loads)
    assert "@import" not in html and "url(" not in html and "fetch(" not in html
    assert {tag for tag, _ in page.elements} & {"iframe", "object", "embed", "form", "base"} == set()


def test_only_its_own_style_and_script_may_run(page: Reader, html: str) -> None:
    (policy,) = (each["content"] for each in page.all("meta") if "http-equiv" in each)
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    for name, kind in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(f"<{name}>(.*?)</{name}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[kind] == f"'sha256-{digest}'"


def test_no_attribute_runs_code_or_styles(page: Reader) -> None:
    names = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name == "style"]
    links = [str(each["href"]) for each in page.all("a")]
    assert links and all(link.startswith("https://") for link in links)


def test_names_and_messages_of_strangers_show_as_text(page: Reader) -> None:
    assert pages.HOSTILE in page.text
    assert "NOISE <b>what</b>" in page.text
    assert "a note with <i>tags</i>" in page.text
    assert "truncated <script>alert(2)</script>" in page.text
    assert "model <x>" in page.text
    assert len(page.all("script")) == 1
    assert all(str(each["src"]).startswith("data:image/jpeg;base64,") for each in page.all("img"))


@pytest.mark.parametrize(
    "name",
    [
        '"><script>alert(1)</script>.jpg',
        "' onmouseover='alert(1)",
        "{{csp}}<!--cards-->{name}.jpg",
        "</details></svg>.jpg",
        "&lt;b&gt;.jpg",
        "猫.jpg",
    ],
)
def test_a_hostile_name_is_text_wherever_it_stands(name: str) -> None:
    plain, hostile = _read_card(), _read_card(name)
    assert [tag for tag, _ in plain.elements] == [tag for tag, _ in hostile.elements]
    assert hostile.problems == [] and hostile.open == []
    assert name in hostile.text
    assert hostile.elements[0][1]["data-name"] == name


def test_letters_that_hide_or_turn_text_around_are_written_out() -> None:
    assert escape("invoice\u202egpj.exe") == r"invoice\u202egpj.exe"
    assert escape("a\x00b\nc\u200b") == r"a\x00b\nc\u200b"
    assert escape("no\udcff.jpg") == r"no\udcff.jpg"
    assert escape("Maß 猫 é.jpg") == "Maß 猫 é.jpg"


def test_only_addresses_of_the_web_become_links() -> None:
    assert link("https://a.example/?x=1&y", "page").startswith('<a href="https://a.example/?x=1&amp;y" ')
    for address in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", " https://a.example"):
        assert "<a" not in link(address, "page")


def test_every_cause_rule_and_measurement_of_the_report_is_told() -> None:
    report = pages.make_report()
    text = _read_card().text
    for issue in report.issues:
        for told in (issue.code, issue.message, issue.advice, "50 %", "75 %", "12.5 points"):
            assert told in text
    for rule in report.rules:
        assert rule.rule in text
    for told in ("1 broken", "1 upcoming", "1 not measured", "1 held", "unverified", "own rule", "≥ 85 %"):
        assert told in text
    assert "from 2027-01-31" in text and "read on 2026-11-26" in text
    for name in MEASURES:
        assert name in text
    for told in ("Scores", "Sharpness", "90.0", "the customer asked for it", "default-0.1.0", "90 %"):
        assert told in text


def test_a_cause_that_is_but_a_hint_is_called_one() -> None:
    assert _read_card().text.count(open_words("en").page["hint"]) == 1


def test_the_place_of_causes_and_product_is_drawn() -> None:
    rects = _read_card().all("rect")
    boxes = [
        (each["x"], each["y"], each["width"], each["height"])
        for each in rects
        if each.get("class") == "product"
    ]
    assert boxes == [("250.0", "150.0", "500.0", "450.0")]
    assert len([each for each in rects if each.get("class") == "cause"]) == 1, "two causes share one box"


def test_every_cell_of_the_map_has_its_color_and_scores() -> None:
    card = _read_card()
    cells = [str(each["data-v"]) for each in card.all("g") if "data-v" in each]
    grid = pages.make_map()
    told = [
        [round(float(value)) for value in row] for row in grid.scores.reshape(-1, 7) if not np.isnan(row[0])
    ]
    assert [list(map(int, cell.split(","))) for cell in cells] == told
    assert "Map" in open_words("en").page["map_of"] and "224 px" in card.text


def test_the_ramp_goes_through_its_stops_and_stays_in_them() -> None:
    for index, stop in enumerate(STOPS):
        assert to_color(25 * index) == "#{:02x}{:02x}{:02x}".format(*stop)
    assert to_color(-5) == to_color(0) and to_color(120) == to_color(100)


def test_a_failure_is_shown_with_its_message_and_without_its_name_twice() -> None:
    failure = Failure("in/x.jpg", PhotoError("in/x.jpg: is not an image"))
    card = make_failed_card(failure, 1, "x.jpg", open_words("en"), is_open=True)
    text = Reader(card.html.decode()).text
    assert card.outcome == "failed" and card.score is None
    assert "is not an image" in text and "in/x.jpg" not in text and "Not read" in text


def test_a_repair_is_shown_before_and_after_with_its_scores() -> None:
    entry = pages.make_entry(pages.make_report(), pages.make_repair())
    card = Reader(make_card(entry, 1, "a.jpg", open_words("en"), is_open=True).html.decode())
    (slider,) = card.all("input")
    assert slider["type"] == "range" and slider["aria-label"]
    for told in ("white balance (60%)", "41.5", "84.0", "+42.5", "Verdict after repair → Accept"):
        assert told in card.text


def test_a_photo_that_was_left_as_it_was_says_why_and_has_no_slider() -> None:
    scores = 41.5, dict.fromkeys(pages.ATTRIBUTES, 50.0)
    repair = Repair(None, (), scores, scores, why="the score would not have risen")
    entry = pages.make_entry(pages.make_report(), repair)
    card = Reader(make_card(entry, 1, "a.jpg", open_words("en"), is_open=True).html.decode())
    assert "The photo was left as it was: the score would not have risen" in card.text
    assert card.all("input") == []


def test_counts_and_histogram_are_those_of_the_photos() -> None:
    words = open_words("en")
    scores = [3.0, 4.0, 52.0, 99.9, 100.0]
    cards = [
        make_card(pages.make_entry(pages.make_report(score=score)), at, f"{at}", words, is_open=False)
        for at, score in enumerate(scores, 1)
    ]
    cards.append(
        make_card(pages.make_entry(pages.make_report(verdict=Verdict.ACCEPT)), 6, "6", words, is_open=False)
    )
    batch = Reader(show_batch(cards, words))
    bars = [each for each in batch.all("rect") if each["class"] == "retake"]
    assert [float(str(each["height"])) for each in bars] == [100, 50, 100]
    assert [each["x"] for each in bars] == ["1", "201", "381"]
    assert "5 Retake" in batch.text and "1 Accept" in batch.text
    assert show_batch(cards[:1], words) == ""


def test_pictures_are_small_copies_without_anything_of_the_file() -> None:
    picture = make_picture(pages.draw_photo(0, 1500, 3000))
    assert (picture.width_px, picture.height_px) == (LONG_SIDE_PX, LONG_SIDE_PX // 2)
    data = base64.b64decode(picture.uri.removeprefix("data:image/jpeg;base64,"))
    assert b"Exif" not in data and b"http" not in data
    assert image.read(data).pixels.shape == (500, 1000, 3)
    small = make_picture(pages.draw_photo(0, 60, 40))
    assert (small.width_px, small.height_px) == (40, 60), "never enlarged"


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.854, "share", "85.4 %"),
        (1.0, "share", "100 %"),
        (1600.0, "px", "1,600 px"),
        (1_440_000.0, "bytes", "1.4 MB"),
        (900.0, "bytes", "900 B"),
        (3.25, "degrees", "3.25°"),
        (1.5, "times", "1.50×"),
        (2.0, "", "2"),
        (0.0123, "u'v'", "0.012 u′v′"),
        ("jpeg", "", "jpeg"),
        (None, "px", "–"),
    ],
)
def test_values_are_shown_as_people_read_them(value: float | str | None, unit: str, shown: str) -> None:
    assert show_value(value, unit) == shown


@pytest.mark.parametrize("lang", list_languages())
def test_catalogs_have_the_same_gaps_to_fill(lang: str) -> None:
    words, english = open_words(lang), open_words("en")
    for table in TABLES:
        for name, text in getattr(english, table).items():
            assert _gaps(getattr(words, table)[name]) == _gaps(text), f"{table}.{name}"
    labels = list(words.measures.values())
    assert len(set(labels)) == len(labels)


def test_the_chinese_page_is_chinese() -> None:
    html = pages.make_page("zh").decode()
    assert '<html lang="zh">' in html
    text = Reader(html).text
    assert "照片质量报告" in text and "Retake" not in text and "{" not in text


def _gaps(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
