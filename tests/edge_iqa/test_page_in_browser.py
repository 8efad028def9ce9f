"""The page in a real browser: it works by keyboard, on a phone's width, in the dark, and asks nobody for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge_iqa import pages
from tests.edge_iqa.browser import Tab, find_browser, open_tab

BROWSER = find_browser()
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="no Chromium here; `apt-get install chromium` brings one"),
    pytest.mark.slow,
]

SHOWN = (
    "[...document.querySelectorAll('.photo')].filter((each) => !each.hidden).map((each) => each.dataset.name)"
)
OPENED = (
    "[...document.querySelectorAll('.photo')].filter((each) => each.open).map((each) => each.dataset.name)"
)
HERE = "document.activeElement.closest('.photo')?.dataset.name"
ALL = [pages.HOSTILE, "b.jpg", "c.jpg", "d10.jpg", "d9.jpg"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_bytes(pages.make_page())
    return path


@pytest.fixture(scope="module")
def browser_tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    assert BROWSER is not None
    with open_tab(BROWSER, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def tab(browser_tab: Tab, page: Path) -> Iterator[Tab]:
    """The page, freshly loaded, which must stay without errors and without a request to anybody."""
    browser_tab.errors.clear()
    browser_tab.requests.clear()
    browser_tab.blocked.clear()
    browser_tab.resize(1280, 900)
    browser_tab.prefer(color_scheme="light")
    browser_tab.open(page)
    yield browser_tab
    assert browser_tab.errors == []
    asked = [url for url in browser_tab.requests if not url.startswith("data:")]
    assert asked == [page.resolve().as_uri()]


def _choose(tab: Tab, field: str, value: str, event: str = "change") -> None:
    tab.run(
        f"{{ const field = document.getElementById('{field}'); field.value = '{value}'; "
        f"field.dispatchEvent(new Event('{event}')); }}"
    )


def test_every_picture_is_shown_and_no_stranger_ran(tab: Tab) -> None:
    loaded = "[...document.images].every((each) => each.complete && each.naturalWidth > 0)"
    assert tab.run(loaded) and tab.run("document.images.length") == 4
    assert tab.run("document.querySelector('.photo .name').textContent") == pages.HOSTILE
    assert tab.run("document.scripts.length") == 1


def test_a_script_or_picture_of_a_stranger_would_be_stopped(tab: Tab) -> None:
    """What escaping would let through, the page's own policy refuses."""
    tab.run(
        "{ const script = document.createElement('script'); script.textContent = 'window.ran = 1'; "
        "document.body.append(script); new Image().src = 'https://example.org/x.png'; }"
    )
    assert tab.run("new Promise((done) => setTimeout(() => done(window.ran === undefined), 50))")
    assert tab.blocked == ["csp"]
    told = " ".join(tab.errors)
    assert "script-src" in told and "img-src" in told
    tab.errors.clear()
    del tab.requests[-1]


def test_filters_show_the_photos_that_fit(tab: Tab) -> None:
    assert tab.run(SHOWN) == ALL
    _choose(tab, "code", "NOISE")
    assert tab.run(SHOWN) == [pages.HOSTILE, "d10.jpg"]
    assert tab.run("document.getElementById('shown').textContent") == "2 of 5 shown"
    tab.run("document.querySelector('.chip[data-outcome=review]').click()")
    assert tab.run(SHOWN) == [pages.HOSTILE]
    tab.run("document.querySelector('.chip[data-outcome=retake]').click()")
    assert tab.run(SHOWN) == [] and tab.run("!document.getElementById('nothing').hidden")
    tab.run("document.querySelectorAll('.chip[aria-pressed=false]').forEach((chip) => chip.click())")
    _choose(tab, "code", "")
    _choose(tab, "search", "TRUNCATED d9", "input")
    assert tab.run(SHOWN) == ["d9.jpg"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("worst", ["d9.jpg", pages.HOSTILE, "c.jpg", "d10.jpg", "b.jpg"]),
        ("best", ["b.jpg", "d10.jpg", "c.jpg", pages.HOSTILE, "d9.jpg"]),
        ("name", [pages.HOSTILE, "b.jpg", "c.jpg", "d9.jpg", "d10.jpg"]),
        ("number", ALL),
    ],
)
def test_photos_are_put_in_order(tab: Tab, order: str, expected: list[str]) -> None:
    _choose(tab, "sort", order)
    assert tab.run(SHOWN) == expected


def test_keys_go_through_the_photos_and_open_them(tab: Tab) -> None:
    assert tab.run(OPENED) == [pages.HOSTILE]
    places = []
    for key in ("j", "j", "j", "k"):
        tab.press(key)
        places.append(tab.run(HERE))
    assert places == [pages.HOSTILE, "b.jpg", "c.jpg", "b.jpg"]
    tab.press("Enter")
    assert tab.run(OPENED) == [pages.HOSTILE, "b.jpg"]
    tab.press("e")
    assert tab.run(OPENED) == ALL
    tab.press("e")
    assert tab.run(OPENED) == []
    tab.press("/")
    tab.press("m")
    assert tab.run("document.getElementById('search').value") == "m", "keys typed into a field are text"


def test_map_and_boxes_are_switched_by_key_and_box(tab: Tab) -> None:
    shows = "getComputedStyle(document.querySelector('{}')).display !== 'none'"
    for key, box, shown in (("m", "show-map", ".map"), ("b", "show-boxes", ".boxes")):
        assert tab.run(shows.format(shown))
        tab.press(key)
        assert not tab.run(shows.format(shown)) and not tab.run(f"document.getElementById('{box}').checked")
        tab.run(f"document.getElementById('{box}').click()")
        assert tab.run(shows.format(shown))


def test_the_map_of_an_attribute_can_be_chosen(tab: Tab) -> None:
    told = (
        "[...document.querySelectorAll('.photo[open] .heat g text')].map((each) => Number(each.textContent))"
    )
    colors = (
        "[...document.querySelectorAll('.photo[open] .heat g rect')].map((each) => each.getAttribute('fill'))"
    )
    first, before = pages.make_map().scores.reshape(-1, 7), tab.run(colors)
    cells = [row for row in first if row[0] == row[0]]
    assert tab.run(told) == [round(float(row[0])) for row in cells]
    _choose(tab, "layer", "6")
    assert tab.run(told) == [round(float(row[6])) for row in cells]
    assert tab.run(colors) != before
    _choose(tab, "layer", "0")
    changes = [
        abs(one - other)
        for now, then in zip(tab.run(colors), before, strict=True)
        for one, other in zip(_to_rgb(now), _to_rgb(then), strict=True)
    ]
    assert max(changes) <= 3, "but for rounding the page's ramp is that of the code"


def _to_rgb(color: str) -> tuple[int, ...]:
    if color.startswith("#"):
        return tuple(bytes.fromhex(color[1:]))
    return tuple(int(part) for part in color[4:-1].split(","))


def test_the_slider_moves_by_key_and_by_mouse(tab: Tab) -> None:
    place = "document.querySelector('.seam').getBoundingClientRect().x"
    tab.run("document.querySelector('.stage').scrollIntoView({block: 'center'})")
    tab.run("document.querySelector('.stage input').focus()")
    start = tab.run(place)
    for _ in range(5):
        tab.press("ArrowRight")
    assert tab.run("document.querySelector('.stage input').value") == "55"
    moved = tab.run(place)
    assert moved > start + 20
    box = tab.run("document.querySelector('.stage').getBoundingClientRect().toJSON()")
    middle = box["y"] + box["height"] / 2
    tab.drag((moved + 2, middle), (box["x"] + 0.2 * box["width"], middle))
    assert tab.run(place) == pytest.approx(box["x"] + 0.2 * box["width"], abs=box["width"] / 50)
    clip = tab.run("getComputedStyle(document.querySelector('.stage .after')).clipPath")
    assert clip.startswith("inset(0")


def test_the_slider_moves_by_touch(tab: Tab) -> None:
    tab.resize(360, 740, mobile=True)
    tab.send("Emulation.setTouchEmulationEnabled", enabled=True)
    tab.run("document.querySelector('.stage').scrollIntoView({block: 'center'})")
    box = tab.run("document.querySelector('.stage').getBoundingClientRect().toJSON()")
    middle = box["y"] + box["height"] / 2
    places = [box["x"] + share * box["width"] for share in (0.5, 0.6, 0.7, 0.8)]
    tab.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": places[0], "y": middle}])
    for place in places[1:]:
        tab.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": place, "y": middle}])
    tab.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    tab.send("Emulation.setTouchEmulationEnabled", enabled=False)
    seam = tab.run("document.querySelector('.seam').getBoundingClientRect().x")
    assert seam == pytest.approx(places[-1], abs=10)


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_nothing_sticks_out_at_any_width(tab: Tab, width: int) -> None:
    tab.resize(width, 740, mobile=width < 700)
    tab.run("document.getElementById('open-all').click()")
    tab.run("document.querySelectorAll('.fold').forEach((each) => { each.open = true; })")
    assert tab.run("innerWidth") == width
    assert tab.run("document.documentElement.scrollWidth") == width
    out = tab.run(
        "[...document.querySelectorAll('main *')].filter((each) => { const box = each.getBoundingClientRect(); "
        "return box.width && !each.closest('svg, .stage, .hidden') && box.right > innerWidth + 1; }).length"
    )
    assert out == 0


CONTRAST = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const toRgb = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => rgb.slice(0, 3).map((each) => each / 255)
    .map((each) => each <= .03928 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4)
    .reduce((sum, each, at) => sum + each * [.2126, .7152, .0722][at], 0);
  const behind = (each) => {
    const rgb = toRgb(getComputedStyle(each).backgroundColor);
    return rgb[3] > 250 || !each.parentElement ? rgb : behind(each.parentElement);
  };
  const found = [];
  for (const each of document.querySelectorAll('body *')) {
    const own = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || each.closest('svg, script, .stage, option') || !each.checkVisibility()) continue;
    const pair = [light(toRgb(getComputedStyle(each).color)), light(behind(each))].sort((a, b) => b - a);
    const ratio = (pair[0] + .05) / (pair[1] + .05);
    if (ratio < 4.5) found.push(`${each.tagName}.${each.className} ${ratio.toFixed(2)}`);
  }
  return found;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_asks_for(tab: Tab, scheme: str) -> None:
    tab.prefer(color_scheme=scheme, reduced_motion="reduce")
    tab.run("document.getElementById('open-all').click()")
    tab.run("document.querySelectorAll('.fold').forEach((each) => { each.open = true; })")
    tab.run("document.querySelector('.chip').click()")
    assert tab.run(CONTRAST) == []


def test_the_page_turns_dark_with_the_system(tab: Tab) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = _to_rgb(tab.run(background))
    tab.prefer(color_scheme="dark")
    assert sum(_to_rgb(tab.run(background))) < 150 < 600 < sum(light)


def test_nothing_moves_by_itself_for_those_who_asked_for_that(tab: Tab) -> None:
    tab.prefer(reduced_motion="reduce")
    moving = (
        "[...document.querySelectorAll('*')].map((each) => getComputedStyle(each))"
        ".filter((each) => parseFloat(each.transitionDuration) || each.animationName !== 'none').length"
    )
    assert tab.run(moving) == 0
    tab.prefer(reduced_motion="no-preference")
    assert tab.run(moving) > 0


def test_all_that_can_be_used_has_a_name_and_is_reached_by_tab(tab: Tab) -> None:
    tree = tab.send("Accessibility.getFullAXTree")["nodes"]
    roles = (
        "button",
        "checkbox",
        "combobox",
        "searchbox",
        "slider",
        "image",
        "img",
        "DisclosureTriangle",
        "link",
    )
    parts = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert {"slider", "button", "checkbox", "searchbox"} <= {role for role, _ in parts}
    assert [part for part in parts if not part[1].strip()] == []
    reached = set()
    for _ in range(40):
        tab.press("Tab")
        reached.add(
            tab.run(
                "(({id, className, type, tagName}) => id || className || type || tagName)(document.activeElement)"
            )
        )
    assert {"show-map", "layer", "code", "search", "sort", "open-all", "range", "SUMMARY"} <= reached


def test_printing_opens_what_is_shown(tab: Tab) -> None:
    tab.run("dispatchEvent(new Event('beforeprint'))")
    assert tab.run(OPENED) == ALL
    tab.run("dispatchEvent(new Event('afterprint'))")
    assert tab.run(OPENED) == [pages.HOSTILE]


def test_hundreds_of_photos_stay_quick(browser_tab: Tab, tmp_path: Path) -> None:
    page = tmp_path / "many.html"
    page.write_bytes(pages.make_page(copies=75))
    browser_tab.open(page)
    taken_ms = browser_tab.run(
        "(() => { const start = performance.now(); const field = document.getElementById('search'); "
        "field.value = 'd10'; field.dispatchEvent(new Event('input')); document.body.offsetHeight; "
        "return performance.now() - start; })()"
    )
    assert len(browser_tab.run(SHOWN)) == 75
    assert taken_ms < 1000
